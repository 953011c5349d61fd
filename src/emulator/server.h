/* SPDX-License-Identifier: MIT
**
** server: an emulator: a service, and the socket on which it answers by
** libmicrohttpd. Each connection has a thread, in which signals are blocked.
*/

#ifndef emulator_server_h
#define emulator_server_h

#include "service/service.h"

struct server;

/* Starts one. Takes what 'p' holds, also when it fails: it then returns NULL
** and sets '*why' to the reason, to be freed with sqlite3_free; NULL: out of
** memory. */
struct server *server_start (struct parameters *p, char **why);

struct service *server_service (struct server *s);

/* "http://127.0.0.1:4010" */
const char *server_url (const struct server *s);

/* Whether this process is the one that started it. */
int server_is_ours (const struct server *s);

/* Ends all connections, writes the export, and frees everything. Returns 0
** where the export failed, and sets '*why'. NULL is allowed; a forked child
** does nothing, for threads, socket and database are its parent's. */
int server_stop (struct server *s, char **why);

#endif
