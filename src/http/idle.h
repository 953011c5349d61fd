/* SPDX-License-Identifier: MIT
**
** idle: the sockets of connections that wait for a next request. What arrives
** on one meanwhile is no answer to anything, but libcurl would take it for the
** answer to that request. So a request looks at the socket that it is given,
** right before it is sent. Not at all of them: then each request would cost
** more, the more of them there are. HTTP/2 needs none of this, since its frames
** have numbers.
*/

#ifndef lipsync_idle_h
#define lipsync_idle_h

#include "socket.h"

struct idle_socket {
  curl_socket_t socket;
  long port; /* its own, by which a request says which it has */
};

struct idle {
  struct idle_socket *sockets;
  unsigned count, room;
};

/* Adds a socket. One that cannot be added for lack of memory is dropped: made
** to look closed, which libcurl notices. */
void idle_add (struct idle *i, curl_socket_t s, long port);

/* Takes out a socket that is closed. */
void idle_remove (struct idle *i, curl_socket_t s);

/* Takes out the one with this port, because a request is to be sent on it.
** False if something has arrived on it; then it was dropped. */
int idle_take (struct idle *i, long port);

/* Forgets all of them. */
void idle_free (struct idle *i);

#endif
