/* SPDX-License-Identifier: MIT
**
** pollset: one descriptor that stands for many sockets, and can itself be
** watched. There is a file for each system that has such a thing, pollset_*.c;
** all are compiled everywhere, and those of other systems are empty. Where
** there is none, libcurl polls its sockets itself, see engine_poll.c.
*/

#ifndef lipsync_pollset_h
#define lipsync_pollset_h

#include <curl/curl.h>

/* ENGINE_NO_EPOLL chooses none, and ENGINE_KQUEUE chooses kqueue, where that is
** not what the system has: for tests. */
#if defined(ENGINE_NO_EPOLL)
#define POLLSET 0
#elif defined(__APPLE__) || defined(__FreeBSD__) || defined(__OpenBSD__)       \
  || defined(__NetBSD__) || defined(__DragonFly__) || defined(ENGINE_KQUEUE)
#define POLLSET        1
#define POLLSET_KQUEUE 1
#elif defined(__linux__)
#define POLLSET       1
#define POLLSET_EPOLL 1
#else
#define POLLSET 0
#endif

/* What a set looks for. */
enum { POLLSET_IN = 1, POLLSET_OUT = 2 };

#define POLLSET_EVENTS 8 /* of one look */

struct pollset_event {
  curl_socket_t socket;
  int bitmask; /* as libcurl's CURL_CSELECT bits */
};

/* A set that is closed on exec, or -1. */
int pollset_open (void);
void pollset_close (int fd);

/* Has it look for 'events' of a socket, 0 for none, which never fails; so far
** it looked for 'before'. 0, or -1. */
int pollset_change (int fd, curl_socket_t s, int before, int events);

/* How many are ready now, and which. An error alone has no bits, "look
** yourself": given CURL_CSELECT_ERR, libcurl would not fetch the socket's own
** error. */
int pollset_look (int fd, struct pollset_event out[POLLSET_EVENTS]);

/* Waits until something is ready, at most so many milliseconds; negative: no
** limit. A signal ends the wait early. */
void pollset_wait (int fd, int milliseconds);

#endif
