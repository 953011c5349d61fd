/* SPDX-License-Identifier: MIT
**
** pollset_kqueue: pollset.h for macOS and the BSDs. A kqueue has an entry for
** each direction of a socket, and a forked child has none of its parent's.
*/

#include "pollset.h"

#if defined(POLLSET_KQUEUE)

#include <sys/types.h>

#include <fcntl.h>
#include <stdint.h>
#include <sys/event.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>


int pollset_open (void) {
  int fd = kqueue();
  if (fd >= 0)
    (void)fcntl(fd, F_SETFD, FD_CLOEXEC);
  return fd;
}


void pollset_close (int fd) {
  close(fd);
}


/* Adds or removes one direction of a socket, where that changes anything. It is
** no failure that what is to go is gone: closing a socket removes it. */
static int change (int fd, curl_socket_t s, int filter, int had, int wanted) {
  struct kevent event;
  if (!had == !wanted)
    return 0;
  EV_SET(&event, (uintptr_t)s, (short)filter,
         (unsigned short)(wanted ? EV_ADD : EV_DELETE), 0, 0, NULL);
  return kevent(fd, &event, 1, NULL, 0, NULL) < 0 && wanted ? -1 : 0;
}


int pollset_change (int fd, curl_socket_t s, int before, int events) {
  if (change(fd, s, EVFILT_READ, before & POLLSET_IN, events & POLLSET_IN) != 0)
    return -1;
  return change(fd, s, EVFILT_WRITE, before & POLLSET_OUT,
                events & POLLSET_OUT);
}


static int to_bitmask (const struct kevent *event) {
  if ((event->flags & EV_ERROR) != 0)
    return 0;
  return event->filter == EVFILT_WRITE ? CURL_CSELECT_OUT : CURL_CSELECT_IN;
}


int pollset_look (int fd, struct pollset_event out[POLLSET_EVENTS]) {
  const struct timespec none = {0, 0};
  struct kevent events[POLLSET_EVENTS];
  int i, count = kevent(fd, NULL, 0, events, POLLSET_EVENTS, &none);
  for (i = 0; i < count; i++) {
    out[i].socket = (curl_socket_t)events[i].ident;
    out[i].bitmask = to_bitmask(&events[i]);
  }
  return count;
}


void pollset_wait (int fd, int milliseconds) {
  struct kevent event;
  struct timespec limit;
  limit.tv_sec = milliseconds / 1000;
  limit.tv_nsec = (long)(milliseconds % 1000) * 1000000;
  (void)kevent(fd, NULL, 0, &event, 1, milliseconds < 0 ? NULL : &limit);
}

#endif
