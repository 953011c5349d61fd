/* SPDX-License-Identifier: MIT
**
** server: the service on a socket, by libmicrohttpd: a thread for each
** connection, signals blocked in all of them.
*/

#ifndef emulator_server_h
#define emulator_server_h

#include "../service/service.h"

struct server;

/* Starts to answer; NULL on failure, '*why' then being the reason, to be
** freed with sqlite3_free. The service must outlive the server. */
struct server *server_start (struct service *service, const char *host,
                             int port, int log, char **why);

/* "http://127.0.0.1:4010" */
const char *server_url (const struct server *s);

/* Ends all connections and waits for their threads. */
void server_stop (struct server *s);

#endif
