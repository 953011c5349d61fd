/* SPDX-License-Identifier: MIT
**
** idle: see idle.h.
*/

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "idle.h"


/* Ends a connection under libcurl, which keeps the descriptor. The bytes go
** first: while there are some, libcurl takes it for alive. */
static void drop (int fd) {
  char bytes[4096];
  shutdown(fd, SHUT_RDWR);
  while (recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT) > 0)
    continue;
}


static int grow (struct idle *i) {
  unsigned room = i->room == 0 ? 8 : i->room * 2;
  struct idle_socket *sockets;
  if (i->count < i->room)
    return 1;
  sockets = (struct idle_socket *)realloc(i->sockets, room * sizeof(*sockets));
  if (sockets == NULL)
    return 0;
  i->sockets = sockets;
  i->room = room;
  return 1;
}


void idle_add (struct idle *i, int fd, long port) {
  if (!grow(i)) {
    drop(fd);
    return;
  }
  i->sockets[i->count].fd = fd;
  i->sockets[i->count++].port = port;
}


static void remove_at (struct idle *i, unsigned at) {
  i->sockets[at] = i->sockets[--i->count];
}


void idle_remove (struct idle *i, int fd) {
  unsigned at;
  for (at = i->count; at-- > 0;)
    if (i->sockets[at].fd == fd)
      remove_at(i, at);
}


static int has_news (int fd) {
  struct pollfd one;
  one.fd = fd;
  one.events = POLLIN;
  return poll(&one, 1, 0) > 0;
}


int idle_take (struct idle *i, long port) {
  int is_clean = 1;
  unsigned at;
  for (at = i->count; at-- > 0;)
    if (i->sockets[at].port == port) {
      int fd = i->sockets[at].fd;
      remove_at(i, at);
      if (has_news(fd)) {
        drop(fd);
        is_clean = 0;
      }
    }
  return is_clean;
}


void idle_free (struct idle *i) {
  free(i->sockets);
  memset(i, 0, sizeof(*i));
}
