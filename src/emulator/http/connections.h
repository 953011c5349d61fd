/* SPDX-License-Identifier: MIT
**
** connections: which there are, so that those on which no request is being
** answered cannot keep others out: when there are too many, the one that has
** waited longest for a request, or for the rest of one, is closed.
*/

#ifndef emulator_connections_h
#define emulator_connections_h

#include <pthread.h>

struct connection {
  int fd;
  int waits; /* for a request: it is in the list */
  struct connections *all;
  struct connection *before, *after;
};

struct connections {
  pthread_mutex_t lock;
  struct connection ends; /* of the list, which begins after it */
  int count, most;
};

/* At most 'most' are to stay. */
void connections_open (struct connections *all, int most);

void connections_close (struct connections *all);

/* A new one, which waits; NULL when out of memory. May close another. */
struct connection *connection_open (struct connections *all, int fd);

/* It begins to wait, or goes on to: something has come. NULL is allowed. */
void connection_wait (struct connection *c);

/* It does not wait: a request is being answered. NULL is allowed. */
void connection_work (struct connection *c);

/* To be called before its socket is closed. */
void connection_close (struct connection *c);

#endif
