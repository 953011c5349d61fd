/* SPDX-License-Identifier: MIT
**
** late: preloaded into a program that makes one request at a time, so that a
** response is never there before the program waits for it. Else it would depend
** on the machine whether a call waits at all, and so how many instructions it
** takes.
*/

#include <dlfcn.h>
#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <sys/epoll.h>
#include <sys/socket.h>

static int is_fresh = 0; /* something was sent, and nothing waited for since */

/* The function that is replaced. */
#define NEXT(name) (*(void **)&next = dlsym(RTLD_NEXT, name))

ssize_t send (int fd, const void *data, size_t n, int flags) {
  static ssize_t (*next)(int, const void *, size_t, int) = NULL;
  if (next == NULL)
    NEXT("send");
  is_fresh = 1;
  return next(fd, data, n, flags);
}

ssize_t recv (int fd, void *data, size_t n, int flags) {
  static ssize_t (*next)(int, void *, size_t, int) = NULL;
  if (next == NULL)
    NEXT("recv");
  if (is_fresh) {
    errno = EAGAIN;
    return -1;
  }
  return next(fd, data, n, flags);
}

/* Whether a wait is to find nothing. One that may last ends that, and lasts
** until the response is there. */
static int finds_nothing (int *timeout) {
  if (is_fresh && *timeout == 0)
    return 1;
  if (is_fresh)
    *timeout = -1;
  is_fresh = 0;
  return 0;
}

int poll (struct pollfd *sockets, nfds_t n, int timeout) {
  static int (*next)(struct pollfd *, nfds_t, int) = NULL;
  if (next == NULL)
    NEXT("poll");
  return finds_nothing(&timeout) ? 0 : next(sockets, n, timeout);
}

int epoll_wait (int fd, struct epoll_event *events, int n, int timeout) {
  static int (*next)(int, struct epoll_event *, int, int) = NULL;
  if (next == NULL)
    NEXT("epoll_wait");
  return finds_nothing(&timeout) ? 0 : next(fd, events, n, timeout);
}
