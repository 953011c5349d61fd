/* SPDX-License-Identifier: MIT
**
** server: see server.h.
*/

#include "server.h"
#include "api/routes.h"
#include "http/daemon.h"
#include "http/exchange.h"
#include "http/listen.h"
#include "store/text.h"
#include "webhook/sender.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct server {
  struct service *service;
  struct MHD_Daemon *daemon;
  struct sender *sender;
  struct connections connections;
  char *url;
  pid_t pid; /* of the process that started it */
};

/* Starts the threads; 0 on failure. */
static int start_threads (struct server *s, int fd) {
  const struct daemon_use use = {
    .arg = s->service,
    .begin = exchange_begin,
    .step = exchange_step,
    .end = exchange_end,
  };
  s->sender = sender_start(s->service);
  if (s->sender != NULL)
    s->daemon = daemon_start(fd, &use, &s->connections);
  return s->daemon != NULL;
}

/* Listens and answers; 0 on failure. */
static int serve (struct server *s, char **why) {
  const struct parameters *p = &s->service->start;
  int fd = listen_open(p->host, (int)p->port, &s->url, why);
  if (s->url != NULL)
    s->service->url = text_copy(s->url, strlen(s->url));
  if (fd >= 0 && s->service->url != NULL && start_threads(s, fd))
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
