/* SPDX-License-Identifier: MIT
**
** origin: parses and checks the address of a server: base_url, the only one
** that may get the key, or a request's own. Uses libcurl's URL parser, so that
** the address checked is the address connected to.
*/

#ifndef lipsync_origin_h
#define lipsync_origin_h

#include <curl/curl.h>

#include "http.h"

struct origin {
  char *text;      /* "https://host:port", the port only where it was given */
  char *host;      /* "host:port", the same */
  char *name;      /* "host", an address of IPv6 in brackets; no zone */
  char *prefix;    /* path put before every request's, "" or "/…" */
  CURLU *url;      /* parsed; NULL with a zone, which libcurl loses (7.88) */
  int is_http;     /* the scheme is http: */
  int has_zone;    /* the address of IPv6 has one */
  int is_loopback; /* by its name; the address is checked later */
};

/* Fills 'o' from 'base_url'; on refusal nothing is left to free. */
enum http_refusal origin_parse (struct origin *o, const char *base_url);

/* The same for "https://host:port" alone. */
enum http_refusal origin_parse_bare (struct origin *o, const char *text);

int origin_is_same (const struct origin *a, const struct origin *b);

void origin_free (struct origin *o);

/* Takes apart an address that a response has named, absolute or relative to
** 'base' (or NULL). Writes its origin and, from '*target' on, its path and
** query, percent-encoded where that is missing, into 'out', which has 'size'
** bytes: ORIGIN_ROOM more than three times both texts will do. */
#define ORIGIN_ROOM 64
enum http_refusal origin_resolve (const char *base, const char *address,
                                  char *out, size_t size, size_t *target);

#endif
