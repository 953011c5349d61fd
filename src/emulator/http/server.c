/* SPDX-License-Identifier: MIT
**
** server: see server.h.
*/

#include "server.h"
#include "exchange.h"
#include "listen.h"

#include <signal.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CONNECTIONS_MAX   512
#define CONNECTION_MEMORY (128 * 1024) /* heads of requests, output */
/* SQLite reads JSON 2,000 levels deep. */
#define STACK             (2 * 1024 * 1024)

struct server {
  struct MHD_Daemon *daemon;
  struct exchange_host host;
  char *url;
};

/* Targets are decoded by the routes, once and by segment: not here. */
static size_t leave_escaped (void *arg, struct MHD_Connection *connection,
                             char *text) {
  (void)arg;
  (void)connection;
  return strlen(text);
}

static struct MHD_Daemon *start_daemon (struct server *s, int fd) {
  return MHD_start_daemon(
    MHD_USE_AUTO | MHD_USE_INTERNAL_POLLING_THREAD
      | MHD_USE_THREAD_PER_CONNECTION | MHD_USE_ITC,
    0, NULL, NULL, exchange_step, &s->host, MHD_OPTION_LISTEN_SOCKET, fd,
    MHD_OPTION_URI_LOG_CALLBACK, exchange_begin, &s->host,
    MHD_OPTION_NOTIFY_COMPLETED, exchange_end, &s->host,
    MHD_OPTION_UNESCAPE_CALLBACK, leave_escaped, NULL,
    MHD_OPTION_CONNECTION_LIMIT, (unsigned int)CONNECTIONS_MAX,
    MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY,
    MHD_OPTION_THREAD_STACK_SIZE, (size_t)STACK, MHD_OPTION_END);
}

/* Starts the threads with all signals blocked, which they inherit: those are
** for the host program's own threads. */
static struct MHD_Daemon *start_quiet (struct server *s, int fd) {
  struct MHD_Daemon *daemon;
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  daemon = start_daemon(s, fd);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  return daemon;
}

struct server *server_start (struct service *service, const char *host,
                             int port, int log, char **why) {
  struct server *s = calloc(1, sizeof(*s));
  int fd = -1;
  *why = NULL;
  if (s == NULL)
    return NULL;
  s->host.service = service;
  s->host.log = log;
  fd = listen_open(host, port, &s->url, why);
  if (fd >= 0 && s->url != NULL) {
    s->daemon = start_quiet(s, fd);
    if (s->daemon != NULL)
      return s;
    *why = sqlite3_mprintf("cannot start the server's threads");
  }
  if (fd >= 0)
    close(fd);
  sqlite3_free(s->url);
  free(s);
  return NULL;
}

const char *server_url (const struct server *s) {
  return s->url;
}

void server_stop (struct server *s) {
  service_hush(s->host.service); /* else a slow answer is waited for */
  MHD_stop_daemon(s->daemon);
  sqlite3_free(s->url);
  free(s);
}
