/* SPDX-License-Identifier: MIT
**
** server: see server.h.
*/

#include "server.h"
#include "connections.h"
#include "exchange.h"
#include "listen.h"
#include "../api/routes.h"
#include "../store/text.h"
#include "../webhook/sender.h"

#include <signal.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CONNECTION_MEMORY (128 * 1024) /* heads of requests, output */
/* SQLite reads JSON 2,000 levels deep. */
#define STACK             (2 * 1024 * 1024)

struct server {
  struct service *service;
  struct MHD_Daemon *daemon;
  struct sender *sender;
  struct connections connections;
  char *url;
  pid_t pid; /* of the process that started it */
};

/* ---- Answering ---- */

/* MHD_OPTION_NOTIFY_CONNECTION: a connection begins or ends. */
static void note_connection (void *server, struct MHD_Connection *connection,
                             void **context,
                             enum MHD_ConnectionNotificationCode code) {
  struct server *s = server;
  if (code == MHD_CONNECTION_NOTIFY_STARTED)
    *context = connection_open(&s->connections, exchange_socket(connection));
  else
    connection_close(*context);
}

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
    0, NULL, NULL, exchange_step, s->service, MHD_OPTION_LISTEN_SOCKET, fd,
    MHD_OPTION_URI_LOG_CALLBACK, exchange_begin, s->service,
    MHD_OPTION_NOTIFY_COMPLETED, exchange_end, s->service,
    MHD_OPTION_NOTIFY_CONNECTION, note_connection, s,
    MHD_OPTION_UNESCAPE_CALLBACK, leave_escaped, NULL,
    MHD_OPTION_CONNECTION_LIMIT, (unsigned int)CONNECTIONS_ROOM,
    MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY,
    MHD_OPTION_THREAD_STACK_SIZE, (size_t)STACK, MHD_OPTION_END);
}

/* Starts the threads with all signals blocked, which they inherit: signals
** are for the host program's own threads. */
static int start_quiet (struct server *s, int fd) {
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  s->sender = sender_start(s->service);
  if (s->sender != NULL)
    s->daemon = start_daemon(s, fd);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  return s->daemon != NULL;
}

/* Listens and answers; 0 on failure. */
static int serve (struct server *s, char **why) {
  const struct parameters *p = &s->service->start;
  int fd = listen_open(p->host, (int)p->port, &s->url, why);
  if (s->url != NULL)
    s->service->url = text_copy(s->url, strlen(s->url));
  if (fd >= 0 && s->service->url != NULL && start_quiet(s, fd))
    return 1;
  if (fd >= 0) {
    close(fd);
    *why = sqlite3_mprintf("cannot start the server's threads");
  }
  return 0;
}

static void free_server (struct server *s) {
  sender_stop(s->sender);
  if (s->service != NULL)
    service_close(s->service);
  sqlite3_free(s->url);
  free(s);
}

struct server *server_start (struct parameters *p, char **why) {
  struct server *s = calloc(1, sizeof(*s));
  *why = NULL;
  if (s == NULL) {
    parameters_close(p);
    return NULL;
  }
  s->pid = getpid();
  connections_open(&s->connections, CONNECTIONS_MAX);
  s->service = service_open(p, &api_offer, why);
  if (s->service != NULL && serve(s, why))
    return s;
  free_server(s);
  return NULL;
}

struct service *server_service (struct server *s) {
  return s->service;
}

const char *server_url (const struct server *s) {
  return s->url;
}

int server_is_ours (const struct server *s) {
  return s->pid == getpid();
}

/* Writes the export, where one is asked for. */
static int export_all (struct server *s, char **why) {
  const char *path = s->service->start.export;
  return path == NULL
         || store_export(s->service->store, path, service_now(s->service), why)
              == STORE_OK;
}

int server_stop (struct server *s, char **why) {
  int good;
  *why = NULL;
  if (s == NULL || !server_is_ours(s))
    return 1;
  service_end_waits(s->service); /* else a slow answer is waited for */
  MHD_stop_daemon(s->daemon);
  sender_stop(s->sender);
  s->sender = NULL;
  good = export_all(s, why);
  free_server(s);
  return good;
}
