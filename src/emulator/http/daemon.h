/* SPDX-License-Identifier: MIT
**
** daemon: what the service's server and the receiver of webhooks have in common
** of libmicrohttpd: a thread for each connection, which is noted.
*/

#ifndef emulator_daemon_h
#define emulator_daemon_h

#include "connections.h"

#include <microhttpd.h>

/* What answers. 'arg' is the first argument of all three. */
struct daemon_use {
  void *arg;
  /* MHD_OPTION_URI_LOG_CALLBACK: a request begins, with its raw target. */
  void *(*begin)(void *arg, const char *uri, struct MHD_Connection *connection);
  MHD_AccessHandlerCallback step; /* head, body so much at a time, then the end
                                  */
  MHD_RequestCompletedCallback end; /* it is over, in whatever way */
  unsigned int patience; /* seconds that a peer may pause; 0: for ever */
};

/* Accepts connections on a socket that listens. The threads have all signals
** blocked: those are for the program's own. NULL on failure, 'fd' is the
** caller's then. */
struct MHD_Daemon *daemon_start (int fd, const struct daemon_use *use,
                                 struct connections *connections);

/* What was noted of a connection, or NULL. */
struct connection *daemon_noted (struct MHD_Connection *connection);

int daemon_socket (struct MHD_Connection *connection);

/* Its peer's address. */
const struct sockaddr *daemon_peer (struct MHD_Connection *connection);

#endif
