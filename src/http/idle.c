/* SPDX-License-Identifier: MIT
**
** idle: see idle.h.
*/

#include <stdlib.h>
#include <string.h>

#include "idle.h"


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


void idle_add (struct idle *i, curl_socket_t s, long port) {
  if (!grow(i)) {
    socket_drop(s);
    return;
  }
  i->sockets[i->count].socket = s;
  i->sockets[i->count++].port = port;
}


static void remove_at (struct idle *i, unsigned at) {
  i->sockets[at] = i->sockets[--i->count];
}


void idle_remove (struct idle *i, curl_socket_t s) {
  unsigned at;
  for (at = i->count; at-- > 0;)
    if (i->sockets[at].socket == s)
      remove_at(i, at);
}


int idle_take (struct idle *i, long port) {
  int is_clean = 1;
  unsigned at;
  for (at = i->count; at-- > 0;)
    if (i->sockets[at].port == port) {
      curl_socket_t s = i->sockets[at].socket;
      remove_at(i, at);
      if (socket_has_news(s)) {
        socket_drop(s);
        is_clean = 0;
      }
    }
  return is_clean;
}


void idle_free (struct idle *i) {
  free(i->sockets);
  memset(i, 0, sizeof(*i));
}
