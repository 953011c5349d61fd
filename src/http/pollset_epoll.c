/* SPDX-License-Identifier: MIT
**
** pollset_epoll: pollset.h for Linux.
*/

#include "pollset.h"

#if defined(POLLSET_EPOLL)

#include <sys/epoll.h>
#include <unistd.h>


int pollset_open (void) {
  return epoll_create1(EPOLL_CLOEXEC);
}


void pollset_close (int fd) {
  close(fd);
}


int pollset_change (int fd, curl_socket_t s, int before, int events) {
  struct epoll_event event;
  event.data.u64 = 0;
  event.data.fd = s;
  event.events = ((events & POLLSET_IN) ? (unsigned)EPOLLIN : 0u)
                 | ((events & POLLSET_OUT) ? (unsigned)EPOLLOUT : 0u);
  if (events != 0)
    return epoll_ctl(fd, before != 0 ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, s,
                     &event);
  epoll_ctl(fd, EPOLL_CTL_DEL, s, NULL);
  return 0;
}


static int to_bitmask (unsigned events) {
  return ((events & (EPOLLIN | EPOLLHUP)) ? CURL_CSELECT_IN : 0)
         | ((events & EPOLLOUT) ? CURL_CSELECT_OUT : 0);
}


int pollset_look (int fd, struct pollset_event out[POLLSET_EVENTS]) {
  struct epoll_event events[POLLSET_EVENTS];
  int i, count = epoll_wait(fd, events, POLLSET_EVENTS, 0);
  for (i = 0; i < count; i++) {
    out[i].socket = events[i].data.fd;
    out[i].bitmask = to_bitmask(events[i].events);
  }
  return count;
}


void pollset_wait (int fd, int milliseconds) {
  struct epoll_event event;
  epoll_wait(fd, &event, 1, milliseconds);
}

#endif
