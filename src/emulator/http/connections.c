/* SPDX-License-Identifier: MIT
**
** connections: see connections.h.
*/

#include "connections.h"

#include <stddef.h>
#include <sys/socket.h>

void connections_open (struct connections *all, int most) {
  int i;
  all->most = most;
  pthread_mutex_init(&all->lock, NULL);
  for (i = 0; i < CONNECTIONS_ROOM; i++) {
    all->places[i].all = all;
    all->places[i].fd = -1;
  }
}

/* Closes the one that has waited longest, if any waits: its thread ends it. */
static void close_oldest (struct connections *all) {
  struct connection *c, *oldest = NULL;
  for (c = all->places; c < all->places + CONNECTIONS_ROOM; c++)
    if (c->since > 0 && (oldest == NULL || c->since < oldest->since))
      oldest = c;
  if (oldest == NULL)
    return;
  shutdown(oldest->fd, SHUT_RDWR);
  oldest->since = 0;
}

struct connection *connection_open (struct connections *all, int fd) {
  struct connection *c = all->places;
  pthread_mutex_lock(&all->lock);
  while (c < all->places + CONNECTIONS_ROOM && c->fd >= 0)
    c++;
  if (++all->open > all->most)
    close_oldest(all);
  if (c == all->places + CONNECTIONS_ROOM) {
    all->open--;
    c = NULL;
  }
  else {
    c->fd = fd;
    c->since = ++all->count;
  }
  pthread_mutex_unlock(&all->lock);
  return c;
}

void connection_waits (struct connection *c, int waits) {
  if (c == NULL)
    return;
  pthread_mutex_lock(&c->all->lock);
  c->since = waits ? ++c->all->count : 0;
  pthread_mutex_unlock(&c->all->lock);
}

void connection_close (struct connection *c) {
  if (c == NULL)
    return;
  pthread_mutex_lock(&c->all->lock);
  c->fd = -1;
  c->since = 0;
  c->all->open--;
  pthread_mutex_unlock(&c->all->lock);
}
