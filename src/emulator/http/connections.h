/* SPDX-License-Identifier: MIT
**
** connections: which there are, so that those on which no request is being
** answered cannot keep others out: when there are too many, the one that has
** waited longest for a request, or for the rest of one, is closed.
*/

#ifndef emulator_connections_h
#define emulator_connections_h

#include <pthread.h>
#include <stdint.h>

#define CONNECTIONS_MAX  512  /* the most that stay */
#define CONNECTIONS_ROOM 2048 /* those that are being closed included */

struct connection {
  struct connections *all;
  int fd;         /* -1: this place is free */
  uint64_t since; /* when it began to wait: a count; 0: it does not */
};

struct connections {
  pthread_mutex_t lock;
  uint64_t count; /* of all beginnings */
  int open, most; /* how many there are, and how many stay */
  struct connection places[CONNECTIONS_ROOM];
};

void connections_open (struct connections *all, int most);

/* A new one, which waits; NULL where there is no room. May close another. */
struct connection *connection_open (struct connections *all, int fd);

/* Notes that it waits, from now on, or that it does not, for a request is being
** answered. NULL is allowed. */
void connection_waits (struct connection *c, int waits);

/* To be called before its socket is closed. NULL is allowed. */
void connection_close (struct connection *c);

#endif
