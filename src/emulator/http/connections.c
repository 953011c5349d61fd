/* SPDX-License-Identifier: MIT
**
** connections: see connections.h.
*/

#include "connections.h"

#include <stdlib.h>
#include <sys/socket.h>

void connections_open (struct connections *all, int most) {
  pthread_mutex_init(&all->lock, NULL);
  all->ends.before = all->ends.after = &all->ends;
  all->count = 0;
  all->most = most;
}

void connections_close (struct connections *all) {
  pthread_mutex_destroy(&all->lock);
}

/* Takes it out of the list, if it is there. */
static void take_out (struct connection *c) {
  if (!c->waits)
    return;
  c->before->after = c->after;
  c->after->before = c->before;
  c->waits = 0;
}

/* Puts it at the list's end. */
static void put_last (struct connection *c) {
  struct connection *ends = &c->all->ends;
  take_out(c);
  c->before = ends->before;
  c->after = ends;
  c->before->after = ends->before = c;
  c->waits = 1;
}

struct connection *connection_open (struct connections *all, int fd) {
  struct connection *c = calloc(1, sizeof(*c)), *first;
  if (c == NULL)
    return NULL;
  c->fd = fd;
  c->all = all;
  pthread_mutex_lock(&all->lock);
  first = all->ends.after;
  if (++all->count > all->most && first != &all->ends) {
    take_out(first);
    shutdown(first->fd, SHUT_RDWR); /* its thread then ends it */
  }
  put_last(c);
  pthread_mutex_unlock(&all->lock);
  return c;
}

void connection_wait (struct connection *c) {
  if (c == NULL)
    return;
  pthread_mutex_lock(&c->all->lock);
  put_last(c);
  pthread_mutex_unlock(&c->all->lock);
}

void connection_work (struct connection *c) {
  if (c == NULL)
    return;
  pthread_mutex_lock(&c->all->lock);
  take_out(c);
  pthread_mutex_unlock(&c->all->lock);
}

void connection_close (struct connection *c) {
  struct connections *all = c->all;
  pthread_mutex_lock(&all->lock);
  take_out(c);
  all->count--;
  pthread_mutex_unlock(&all->lock);
  free(c);
}
