/* SPDX-License-Identifier: MIT
**
** emulator: see emulator.h.
*/

#include "emulator.h"
#include "server.h"

#include <stdlib.h>
#include <unistd.h>

struct emulator {
  struct service *service;
  struct server *server;
  pid_t pid;
};

struct emulator *emulator_start (const struct options *o, char **why) {
  struct emulator *e = calloc(1, sizeof(*e));
  *why = NULL;
  if (e == NULL)
    return NULL;
  e->pid = getpid();
  e->service = service_open(o, why);
  if (e->service != NULL) {
    e->server = server_start(e->service, o->host, o->port, o->log, why);
    if (e->server != NULL)
      return e;
    service_close(e->service);
  }
  free(e);
  return NULL;
}

struct service *emulator_service (struct emulator *e) {
  return e->service;
}

const char *emulator_url (struct emulator *e) {
  return server_url(e->server);
}

int emulator_is_ours (const struct emulator *e) {
  return e->pid == getpid();
}

void emulator_stop (struct emulator *e) {
  if (e == NULL || !emulator_is_ours(e))
    return;
  server_stop(e->server);
  service_close(e->service);
  free(e);
}
