/* SPDX-License-Identifier: MIT
**
** proxy: the proxy of a session, and which requests take it. libcurl is told,
** and decides nothing by the environment, so that it is known what failed.
*/

#ifndef lipsync_proxy_h
#define lipsync_proxy_h

#include "http.h"
#include "origin.h"

struct proxy {
  char *address;  /* as given, with user and password; NULL: none */
  char *shown;    /* "scheme://host:port"; NULL: no address at all */
  char *except;   /* see no_proxy.h; NULL: none */
  int takes_http; /* also requests by http:, which it then can read */
};

/* Fills 'p'; false when out of memory. An address that is none is found by
** proxy_of. */
int proxy_open (struct proxy *p, const struct http_config *config);

/* The proxy for an origin: NULL is none. */
const struct proxy *proxy_of (const struct proxy *p, const struct origin *o);

void proxy_free (struct proxy *p);

#endif
