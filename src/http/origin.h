/* SPDX-License-Identifier: MIT
**
** origin: the address of a server, taken apart and checked: base_url, which is
** the only place that the key may go to, or a request's own. Uses libcurl's URL
** parser, so that what is checked and what is connected to cannot differ.
*/

#ifndef lipsync_origin_h
#define lipsync_origin_h

#include "http.h"

struct origin {
  char *text;      /* "https://host:port", the port only where it was given */
  char *host;      /* "host:port", the same */
  char *prefix;    /* path put before every request's, "" or "/…" */
  int is_http;     /* the scheme is http: */
  int is_loopback; /* the name says so; the address has the last word */
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
