/* SPDX-License-Identifier: MIT
**
** origin: parses and checks the address of a server: base_url, the only one
** that may get the key, or a request's own. Uses libcurl's URL parser, so that
** the address checked is the address connected to.
*/

#ifndef lipsync_origin_h
#define lipsync_origin_h

#include "http.h"

struct origin {
  char *text;      /* "https://host:port", the port only where it was given */
  char *host;      /* "host:port", the same */
  char *prefix;    /* path put before every request's, "" or "/…" */
  int is_http;     /* the scheme is http: */
  int is_loopback; /* by its name; the address is checked later */
};

/* Fills 'o' from 'base_url'; on refusal nothing is left to free. */
enum http_refusal origin_parse (struct origin *o, const char *base_url);

/* The same for "https://host:port" alone. */
enum http_refusal origin_parse_bare (struct origin *o, const char *text);

int origin_is_same (const struct origin *a, const struct origin *b);

void origin_free (struct origin *o);

struct sockaddr;

/* Whether an address is this machine's own: 127.0.0.0/8, ::1, the first mapped
** into IPv6, or the unspecified address, which connects to it. */
int origin_address_is_loopback (const struct sockaddr *address);

#endif
