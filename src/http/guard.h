/* SPDX-License-Identifier: MIT
**
** guard: which addresses a request may connect to. The API's is the program's
** choice. Any other is named by a response, so it leads to public addresses by
** https:, and to this machine only where the API itself is here.
*/

#ifndef lipsync_guard_h
#define lipsync_guard_h

#include "exchange.h"

struct sockaddr;

/* Whether the request is for the API, and not for an address it has named. */
int guard_is_to_api (const struct exchange *x);

/* Decides whether libcurl gets a proxy for 'x', and which; sets 'pub.proxy'.
** What a proxy connects to cannot be seen here: only a host that is an address
** already is judged. */
enum http_refusal guard_prepare (struct exchange *x);

/* Whether 'x' may connect to an address: HTTP_OK, or why not. */
enum http_result guard_judge (const struct exchange *x,
                              const struct sockaddr *address);

/* Call when 'x' is connected to 'peer', an address as text. */
void guard_note_peer (struct exchange *x, const char *peer);

#endif
