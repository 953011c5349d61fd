/* SPDX-License-Identifier: MIT
**
** idle: the sockets of connections that wait for a next request. What arrives
** on one meanwhile is no answer to anything, but libcurl would take it for the
** answer to that request. So such a connection is made to look closed, which
** libcurl notices. HTTP/2 needs none of this, since its frames have numbers.
*/

#ifndef lipsync_idle_h
#define lipsync_idle_h

#include <poll.h>

struct idle {
  struct pollfd *sockets;
  int *ports; /* their own, by which a request says which it has */
  unsigned count, room;
};

/* Adds a socket. One that cannot be added for lack of memory is dropped. */
void idle_add (struct idle *i, int fd);

/* Takes out a socket that is closed, or one that a request is sent on. */
void idle_remove (struct idle *i, int fd);
void idle_take (struct idle *i, int port);

/* Drops the connections on which something has arrived. */
void idle_check (struct idle *i);

/* Forgets all of them. */
void idle_free (struct idle *i);

#endif
