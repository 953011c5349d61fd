/* SPDX-License-Identifier: MIT
**
** As much of kqueue as src/http/pollset_kqueue.c calls, made of epoll: so that
** its tests run on Linux. An epoll set has one entry for a socket, a kqueue one
** for each direction; the kernel itself says which there are. Unlike a kqueue
** it is there in a forked child, too.
*/

#ifndef support_kqueue_h
#define support_kqueue_h

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <time.h>

#define EVFILT_READ  (-1)
#define EVFILT_WRITE (-2)

#define EV_ADD    0x0001
#define EV_DELETE 0x0002
#define EV_ERROR  0x4000

struct kevent {
  uintptr_t ident;
  short filter;
  unsigned short flags;
  unsigned fflags;
  intptr_t data;
  void *udata;
};

#define EV_SET(event, ...) (*(event) = (struct kevent){__VA_ARGS__})


static int kqueue (void) {
  return epoll_create1(0);
}


/* Which events a set has of a socket; 0: it is not there. */
static unsigned kqueue_events (int kq, int fd) {
  char text[64];
  unsigned events = 0, found;
  int other;
  FILE *list;
  snprintf(text, sizeof(text), "/proc/self/fdinfo/%d", kq);
  list = fopen(text, "re");
  while (list != NULL && fgets(text, sizeof(text), list) != NULL)
    if (sscanf(text, "tfd: %d events: %x", &other, &found) == 2 && other == fd)
      events = found & (EPOLLIN | EPOLLOUT);
  if (list != NULL)
    fclose(list);
  return events;
}


static int kqueue_change (int kq, const struct kevent *change) {
  int fd = (int)change->ident;
  unsigned filter = change->filter == EVFILT_READ ? EPOLLIN : EPOLLOUT;
  unsigned before = kqueue_events(kq, fd);
  struct epoll_event event;
  if ((change->flags & EV_DELETE) != 0 && (before & filter) == 0) {
    errno = ENOENT;
    return -1;
  }
  event.events = (change->flags & EV_ADD) ? before | filter : before & ~filter;
  event.data.u64 = (uint64_t)event.events << 32 | (unsigned)fd;
  return epoll_ctl(kq,
                   before == 0         ? EPOLL_CTL_ADD
                   : event.events == 0 ? EPOLL_CTL_DEL
                                       : EPOLL_CTL_MOD,
                   fd, &event);
}


/* Adds those of the directions that one event of epoll is for. */
static int kqueue_report (const struct epoll_event *event, struct kevent *out,
                          int room) {
  const unsigned wanted = (unsigned)(event->data.u64 >> 32);
  const unsigned both = EPOLLHUP | EPOLLERR;
  const uintptr_t fd = (uintptr_t)(event->data.u64 & 0xffffffff);
  int n = 0;
  if (n < room && (wanted & EPOLLIN) && (event->events & (EPOLLIN | both)))
    EV_SET(&out[n++], fd, EVFILT_READ, 0, 0, 0, NULL);
  if (n < room && (wanted & EPOLLOUT) && (event->events & (EPOLLOUT | both)))
    EV_SET(&out[n++], fd, EVFILT_WRITE, 0, 0, 0, NULL);
  return n;
}


static int kevent (int kq, const struct kevent *changes, int nchanges,
                   struct kevent *out, int room, const struct timespec *limit) {
  struct epoll_event events[32];
  int i, count, n = 0;
  for (i = 0; i < nchanges; i++)
    if (kqueue_change(kq, &changes[i]) != 0)
      return -1;
  if (room == 0)
    return 0;
  count = epoll_wait(
    kq, events,
    room == 1   ? 1
    : room > 64 ? 32
                : room / 2,
    limit == NULL ? -1
                  : (int)(limit->tv_sec * 1000 + limit->tv_nsec / 1000000));
  for (i = 0; i < count; i++)
    n += kqueue_report(&events[i], out + n, room - n);
  return count < 0 ? -1 : n;
}

#endif
