/* SPDX-License-Identifier: MIT
**
** origin: see origin.h.
*/

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "origin.h"


/* Joins three strings into a new one; NULL when out of memory. */
static char *join (const char *a, const char *b, const char *c) {
  size_t la = strlen(a), lb = strlen(b), lc = strlen(c);
  char *all = (char *)malloc(la + lb + lc + 1);
  if (all == NULL)
    return NULL;
  memcpy(all, a, la);
  memcpy(all + la, b, lb);
  memcpy(all + la + lb, c, lc + 1);
  return all;
}


static int has_controls (const char *s) {
  for (; *s != '\0'; s++)
    if ((unsigned char)*s <= ' ' || *s == '\177')
      return 1;
  return 0;
}


/* Whether a part is there: CURLUE_OK, and not empty. */
static int has_part (CURLU *url, CURLUPart part) {
  char *text = NULL;
  int there = curl_url_get(url, part, &text, 0) == CURLUE_OK && *text != '\0';
  curl_free(text);
  return there;
}


static enum http_refusal refuse_parts (CURLU *url) {
  if (has_part(url, CURLUPART_USER) || has_part(url, CURLUPART_PASSWORD))
    return HTTP_URL_USER;
  if (has_part(url, CURLUPART_QUERY) || has_part(url, CURLUPART_FRAGMENT))
    return HTTP_URL_QUERY;
  return HTTP_ACCEPTED;
}


/* Whether the host's name is this machine's. This only decides about proxies;
** the address of a connection is checked separately. */
static int names_loopback (const char *host) {
  size_t n = strlen(host);
  return curl_strequal(host, "localhost")
         || (n > 10 && curl_strequal(host + n - 10, ".localhost"))
         || strncmp(host, "127.", 4) == 0 || strcmp(host, "[::1]") == 0;
}


/* An address of IPv6 with its zone, which libcurl keeps apart: "[fe80::1]" and
** "eth0" are "[fe80::1%25eth0]". NULL when out of memory. */
static char *join_zone (const char *host, const char *zone) {
  size_t inside = strlen(host) - 1; /* without the bracket */
  size_t size;
  char *all;
  if (zone == NULL)
    return join(host, "", "");
  size = inside + strlen("%25") + strlen(zone) + sizeof("]");
  all = (char *)malloc(size);
  if (all != NULL)
    snprintf(all, size, "%.*s%%25%s]", (int)inside, host, zone);
  return all;
}


static enum http_refusal take_host (struct origin *o, const char *scheme,
                                    const char *host, const char *zone,
                                    const char *port) {
  char *full = join_zone(host, zone);
  o->is_loopback = names_loopback(host);
  o->name = join(host, "", "");
  if (full != NULL)
    o->host = join(full, port == NULL ? "" : ":", port == NULL ? "" : port);
  free(full);
  o->text = (o->host == NULL) ? NULL : join(scheme, "://", o->host);
  o->has_zone = zone != NULL;
  return o->text == NULL || o->name == NULL ? HTTP_NO_MEMORY : HTTP_ACCEPTED;
}


/* Keeps a path without the slashes at its end. */
static enum http_refusal take_prefix (struct origin *o, const char *path) {
  size_t n = strlen(path);
  while (n > 0 && path[n - 1] == '/')
    n--;
  if (n >= 3 && memcmp(path + n - 3, "/v2", 3) == 0)
    return HTTP_URL_V2;
  o->prefix = join(path, "", "");
  if (o->prefix == NULL)
    return HTTP_NO_MEMORY;
  o->prefix[n] = '\0';
  return HTTP_ACCEPTED;
}


static enum http_refusal take_parts (struct origin *o, CURLU *url,
                                     const char *scheme) {
  char *host = NULL, *zone = NULL, *port = NULL, *path = NULL;
  enum http_refusal refusal = HTTP_NO_MEMORY;
  if (curl_url_get(url, CURLUPART_HOST, &host, 0) == CURLUE_OK
      && curl_url_get(url, CURLUPART_PATH, &path, 0) == CURLUE_OK) {
    (void)curl_url_get(url, CURLUPART_ZONEID, &zone, 0);
    (void)curl_url_get(url, CURLUPART_PORT, &port, CURLU_NO_DEFAULT_PORT);
    refusal = take_host(o, scheme, host, zone, port);
    if (refusal == HTTP_ACCEPTED)
      refusal = take_prefix(o, path);
  }
  curl_free(host);
  curl_free(zone);
  curl_free(port);
  curl_free(path);
  return refusal;
}


/* The scheme first, for another need not have a host. */
static enum http_refusal take_url (struct origin *o, CURLU *url) {
  char *scheme = NULL;
  enum http_refusal refusal;
  if (curl_url_get(url, CURLUPART_SCHEME, &scheme, 0) != CURLUE_OK)
    return HTTP_NO_MEMORY;
  o->is_http = strcmp(scheme, "http") == 0;
  refusal = o->is_http || strcmp(scheme, "https") == 0
              ? take_parts(o, url, scheme)
              : HTTP_URL_SCHEME;
  curl_free(scheme);
  return refusal;
}


static enum http_refusal to_refusal (CURLUcode code) {
  switch (code) {
    case CURLUE_OK: return HTTP_ACCEPTED;
    case CURLUE_OUT_OF_MEMORY: return HTTP_NO_MEMORY;
    case CURLUE_UNSUPPORTED_SCHEME:
    case CURLUE_BAD_SCHEME: return HTTP_URL_SCHEME;
    default: return HTTP_URL_MALFORMED;
  }
}


enum http_refusal origin_parse (struct origin *o, const char *base_url) {
  enum http_refusal refusal;
  CURLU *url;
  memset(o, 0, sizeof(*o));
  if (*base_url == '\0')
    return HTTP_URL_SCHEME; /* which libcurl calls malformed since 8.0 */
  if (has_controls(base_url))
    return HTTP_URL_MALFORMED;
  url = curl_url();
  if (url == NULL)
    return HTTP_NO_MEMORY;
  refusal = to_refusal(
    curl_url_set(url, CURLUPART_URL, base_url, CURLU_NON_SUPPORT_SCHEME));
  if (refusal == HTTP_ACCEPTED)
    refusal = refuse_parts(url);
  if (refusal == HTTP_ACCEPTED)
    refusal = take_url(o, url);
  if (refusal == HTTP_ACCEPTED && !o->has_zone)
    o->url = url;
  else
    curl_url_cleanup(url);
  if (refusal != HTTP_ACCEPTED)
    origin_free(o);
  return refusal;
}


enum http_refusal origin_parse_bare (struct origin *o, const char *text) {
  enum http_refusal refusal = origin_parse(o, text);
  if (refusal == HTTP_ACCEPTED && *o->prefix == '\0')
    return HTTP_ACCEPTED;
  origin_free(o);
  return refusal == HTTP_NO_MEMORY ? refusal : HTTP_ORIGIN_MALFORMED;
}


int origin_is_same (const struct origin *a, const struct origin *b) {
  return curl_strequal(a->text, b->text);
}


void origin_free (struct origin *o) {
  free(o->text);
  free(o->host);
  free(o->name);
  free(o->prefix);
  curl_url_cleanup(o->url);
  memset(o, 0, sizeof(*o));
}


/* The parts of an address that are kept; those that are missing are NULL. */
enum { PART_SCHEME, PART_HOST, PART_PORT, PART_PATH, PART_QUERY, PARTS };

static enum http_refusal get_parts (CURLU *url, char *parts[PARTS]) {
  static const CURLUPart names[PARTS] = {
    CURLUPART_SCHEME, CURLUPART_HOST,  CURLUPART_PORT,
    CURLUPART_PATH,   CURLUPART_QUERY,
  };
  int i;
  for (i = 0; i < PARTS; i++) {
    CURLUcode code = curl_url_get(url, names[i], &parts[i],
                                  CURLU_NO_DEFAULT_PORT);
    if (code == CURLUE_OUT_OF_MEMORY)
      return HTTP_NO_MEMORY;
  }
  return parts[PART_HOST] == NULL || parts[PART_PATH] == NULL
           ? HTTP_URL_MALFORMED
           : HTTP_ACCEPTED;
}


/* Writes 'before' and 'text', or nothing where that is NULL; returns how many
** bytes, 'size' where they do not fit. */
static size_t put (char *out, size_t size, const char *before,
                   const char *text) {
  int n = text == NULL ? 0 : snprintf(out, size, "%s%s", before, text);
  return n < 0 ? size : (size_t)n < size ? (size_t)n : size;
}


static enum http_refusal write_parts (CURLU *url, char *out, size_t size,
                                      size_t *target) {
  char *parts[PARTS] = {NULL, NULL, NULL, NULL, NULL};
  enum http_refusal refusal = get_parts(url, parts);
  size_t n = 0;
  int i;
  if (refusal == HTTP_ACCEPTED) {
    n += put(out, size, "", parts[PART_SCHEME]);
    n += put(out + n, size - n, "://", parts[PART_HOST]);
    n += put(out + n, size - n, ":", parts[PART_PORT]);
    *target = n;
    n += put(out + n, size - n, "", parts[PART_PATH]);
    n += put(out + n, size - n, "?", parts[PART_QUERY]);
    if (n >= size)
      refusal = HTTP_URL_MALFORMED;
  }
  for (i = 0; i < PARTS; i++)
    curl_free(parts[i]);
  return refusal;
}


enum http_refusal origin_resolve (const char *base, const char *address,
                                  char *out, size_t size, size_t *target) {
  const unsigned flags = CURLU_NON_SUPPORT_SCHEME | CURLU_URLENCODE
                         | CURLU_ALLOW_SPACE;
  CURLUcode code = CURLUE_OK;
  enum http_refusal refusal;
  CURLU *url = curl_url();
  if (url == NULL)
    return HTTP_NO_MEMORY;
  if (base != NULL)
    code = curl_url_set(url, CURLUPART_URL, base, CURLU_NON_SUPPORT_SCHEME);
  if (code == CURLUE_OK && (base == NULL || *address != '\0'))
    code = curl_url_set(url, CURLUPART_URL, address, flags);
  refusal = to_refusal(code);
  if (refusal == HTTP_ACCEPTED
      && (has_part(url, CURLUPART_USER) || has_part(url, CURLUPART_PASSWORD)))
    refusal = HTTP_URL_USER;
  if (refusal == HTTP_ACCEPTED)
    refusal = write_parts(url, out, size, target);
  curl_url_cleanup(url);
  return refusal;
}
