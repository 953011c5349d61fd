/* SPDX-License-Identifier: MIT
**
** daemon: see daemon.h.
*/

#include "daemon.h"

#include <signal.h>
#include <string.h>

#define CONNECTION_MEMORY (128 * 1024) /* heads of requests, output */
/* SQLite reads JSON 2,000 levels deep. */
#define STACK             (2 * 1024 * 1024)

static const union MHD_ConnectionInfo *info (struct MHD_Connection *connection,
                                             enum MHD_ConnectionInfoType type) {
  return MHD_get_connection_info(connection, type);
}

struct connection *daemon_noted (struct MHD_Connection *connection) {
  return info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
}

int daemon_socket (struct MHD_Connection *connection) {
  return info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
}

const struct sockaddr *daemon_peer (struct MHD_Connection *connection) {
  return info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS)->client_addr;
}

/* MHD_OPTION_NOTIFY_CONNECTION: a connection begins or ends. */
static void note_connection (void *connections,
                             struct MHD_Connection *connection, void **context,
                             enum MHD_ConnectionNotificationCode code) {
  if (code == MHD_CONNECTION_NOTIFY_STARTED)
    *context = connection_open(connections, daemon_socket(connection));
  else
    connection_close(*context);
}

/* A target is decoded by the routes, once and by segment, and shown as it came:
** not here. */
static size_t leave_escaped (void *arg, struct MHD_Connection *connection,
                             char *text) {
  (void)arg;
  (void)connection;
  return strlen(text);
}

static struct MHD_Daemon *start (int fd, const struct daemon_use *use,
                                 struct connections *connections) {
  return MHD_start_daemon(
    MHD_USE_AUTO | MHD_USE_INTERNAL_POLLING_THREAD
      | MHD_USE_THREAD_PER_CONNECTION | MHD_USE_ITC,
    0, NULL, NULL, use->step, use->arg, MHD_OPTION_LISTEN_SOCKET, fd,
    MHD_OPTION_URI_LOG_CALLBACK, use->begin, use->arg,
    MHD_OPTION_NOTIFY_COMPLETED, use->end, use->arg,
    MHD_OPTION_NOTIFY_CONNECTION, note_connection, connections,
    MHD_OPTION_UNESCAPE_CALLBACK, leave_escaped, NULL,
    MHD_OPTION_CONNECTION_LIMIT, (unsigned int)CONNECTIONS_ROOM,
    MHD_OPTION_CONNECTION_TIMEOUT, use->patience,
    MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY,
    MHD_OPTION_THREAD_STACK_SIZE, (size_t)STACK, MHD_OPTION_END);
}

/* The threads inherit what is blocked. */
struct MHD_Daemon *daemon_start (int fd, const struct daemon_use *use,
                                 struct connections *connections) {
  sigset_t all, before;
  struct MHD_Daemon *daemon;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  daemon = start(fd, use, connections);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  return daemon;
}
