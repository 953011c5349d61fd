/* SPDX-License-Identifier: MIT
**
** proxy: see proxy.h.
*/

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "no_proxy.h"
#include "proxy.h"


/* libcurl's schemes, and its ports where an address has none. */
static const struct {
  const char *scheme;
  const char *port;
} schemes[] = {
  {"http", "1080"},    {"https", "443"},    {"socks", "1080"},
  {"socks4", "1080"},  {"socks4a", "1080"}, {"socks5", "1080"},
  {"socks5h", "1080"},
};


static const char *default_port (const char *scheme) {
  size_t i;
  for (i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++)
    if (strcmp(schemes[i].scheme, scheme) == 0)
      return schemes[i].port;
  return NULL;
}


/* "scheme://host:port" as a new string; NULL: out of memory. */
static char *show (const char *scheme, const char *host, const char *port) {
  size_t size = strlen(scheme) + 3 + strlen(host) + 1 + strlen(port) + 1;
  char *text = (char *)malloc(size);
  if (text != NULL)
    snprintf(text, size, "%s://%s:%s", scheme, host, port);
  return text;
}


/* Takes apart what libcurl can connect to; false when out of memory. */
static int take_parts (struct proxy *p, CURLU *url) {
  char *scheme = NULL, *host = NULL, *port = NULL;
  const char *other;
  int ok = 1;
  if (curl_url_get(url, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK
      && curl_url_get(url, CURLUPART_HOST, &host, 0) == CURLUE_OK
      && *host != '\0' && (other = default_port(scheme)) != NULL) {
    (void)curl_url_get(url, CURLUPART_PORT, &port, 0);
    p->shown = show(scheme, host, port == NULL ? other : port);
    ok = p->shown != NULL;
  }
  curl_free(scheme);
  curl_free(host);
  curl_free(port);
  return ok;
}


/* Parses the address as libcurl will: without a scheme it is http. */
static int parse (struct proxy *p) {
  CURLU *url = curl_url();
  CURLUcode code;
  int ok;
  if (url == NULL)
    return 0;
  code = curl_url_set(url, CURLUPART_URL, p->address,
                      CURLU_NON_SUPPORT_SCHEME | CURLU_GUESS_SCHEME);
  if (code == CURLUE_OK && strstr(p->address, "://") == NULL)
    code = curl_url_set(url, CURLUPART_SCHEME, "http", 0);
  ok = code == CURLUE_OK ? take_parts(p, url) : code != CURLUE_OUT_OF_MEMORY;
  curl_url_cleanup(url);
  return ok;
}


int proxy_open (struct proxy *p, const struct http_config *config) {
  memset(p, 0, sizeof(*p));
  if (config->proxy == NULL || *config->proxy == '\0')
    return 1;
  p->takes_http = config->proxy_is_named && config->allow_http;
  p->address = strdup(config->proxy);
  if (config->no_proxy != NULL)
    p->except = strdup(config->no_proxy);
  return p->address != NULL && (config->no_proxy == NULL || p->except != NULL)
         && parse(p);
}


/* None for this machine, and none for http: unless asked for by name, because
** the key would pass it in clear. */
const struct proxy *proxy_of (const struct proxy *p, const struct origin *o) {
  if (p->address == NULL || o->is_loopback || (o->is_http && !p->takes_http))
    return NULL;
  return no_proxy_has(p->except, o->name) ? NULL : p;
}


void proxy_free (struct proxy *p) {
  free(p->address);
  free(p->shown);
  free(p->except);
}
