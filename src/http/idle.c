/* SPDX-License-Identifier: MIT
**
** idle: see idle.h.
*/

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "idle.h"


/* The port of this end, or -1. */
static int own_port (int fd) {
  struct sockaddr_storage address;
  struct sockaddr_in in;
  struct sockaddr_in6 in6;
  socklen_t length = sizeof(address);
  if (getsockname(fd, (struct sockaddr *)&address, &length) != 0)
    return -1;
  if (address.ss_family == AF_INET) {
    memcpy(&in, &address, sizeof(in));
    return ntohs(in.sin_port);
  }
  if (address.ss_family != AF_INET6)
    return -1;
  memcpy(&in6, &address, sizeof(in6));
  return ntohs(in6.sin6_port);
}


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
  struct pollfd *sockets;
  int *ports;
  if (i->count < i->room)
    return 1;
  sockets = (struct pollfd *)realloc(i->sockets, room * sizeof(*sockets));
  if (sockets != NULL)
    i->sockets = sockets;
  ports = (int *)realloc(i->ports, room * sizeof(*ports));
  if (ports != NULL)
    i->ports = ports;
  if (sockets == NULL || ports == NULL)
    return 0;
  i->room = room;
  return 1;
}


void idle_add (struct idle *i, int fd) {
  int port = own_port(fd);
  if (port < 0 || !grow(i)) {
    drop(fd);
    return;
  }
  i->sockets[i->count].fd = fd;
  i->sockets[i->count].events = POLLIN;
  i->ports[i->count++] = port;
}


static void remove_at (struct idle *i, unsigned at) {
  i->count--;
  i->sockets[at] = i->sockets[i->count];
  i->ports[at] = i->ports[i->count];
}


void idle_remove (struct idle *i, int fd) {
  unsigned at;
  for (at = i->count; at-- > 0;)
    if (i->sockets[at].fd == fd)
      remove_at(i, at);
}


void idle_take (struct idle *i, int port) {
  unsigned at;
  for (at = i->count; at-- > 0;)
    if (i->ports[at] == port)
      remove_at(i, at);
}


void idle_check (struct idle *i) {
  unsigned at;
  if (i->count == 0 || poll(i->sockets, i->count, 0) <= 0)
    return;
  for (at = i->count; at-- > 0;)
    if (i->sockets[at].revents != 0) {
      drop(i->sockets[at].fd);
      remove_at(i, at);
    }
}


void idle_free (struct idle *i) {
  free(i->sockets);
  free(i->ports);
  memset(i, 0, sizeof(*i));
}
