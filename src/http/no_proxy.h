/* SPDX-License-Identifier: MIT
**
** no_proxy: the hosts that are reached without a proxy, as the environment
** lists them. libcurl reads such a list too, but does not say what it found,
** and its versions differ about networks. Knows nothing of libcurl.
*/

#ifndef lipsync_no_proxy_h
#define lipsync_no_proxy_h

/* Whether 'list' has 'host', a name or an address; one of IPv6 in brackets or
** without. The list is "*" (any host), or has, between commas or spaces, names
** (of hosts and all below them, with or without a dot before), addresses and
** networks such as 10.0.0.0/8. NULL is an empty list. */
int no_proxy_has (const char *list, const char *host);

#endif
