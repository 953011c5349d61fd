/* SPDX-License-Identifier: MIT
**
** engine: see engine.h. Only this file knows whether epoll is used or libcurl
** polls its sockets itself. ENGINE_NO_EPOLL chooses the latter on Linux too.
*/

#include <errno.h>
#include <limits.h>
#include <unistd.h>

#include "descriptor.h"
#include "engine.h"
#include "monotonic.h"

#if defined(__linux__) && !defined(ENGINE_NO_EPOLL)
#define ENGINE_EPOLL 1
#include <sys/epoll.h>
#else
#define ENGINE_EPOLL 0
#endif

/* The intended maximum length of a step (seconds). */
#define STEP_MAX 1e-3

/* Connections kept above those that were needed at once: streams have HTTP/1.1,
** and other requests may have HTTP/2. */
#define SPARE 4


/* Seconds as whole milliseconds, rounded up, because a wait that ends before
** anything is due would spin. Negative: no limit. */
static int to_milliseconds (double seconds) {
  double ms = seconds * 1e3;
  if (seconds < 0)
    return -1;
  if (ms >= (double)INT_MAX)
    return INT_MAX;
  return (int)ms + ((double)(int)ms < ms);
}


#if ENGINE_EPOLL

/* 'known' is the socket's assigned pointer: NULL at its first call. */
static int on_socket (CURL *easy, curl_socket_t s, int what, void *arg,
                      void *known) {
  struct engine *e = (struct engine *)arg;
  struct epoll_event event;
  (void)easy;
  if (what == CURL_POLL_REMOVE) {
    epoll_ctl(e->fd, EPOLL_CTL_DEL, s, NULL);
    return 0;
  }
  event.data.u64 = 0;
  event.data.fd = s;
  event.events = ((what & CURL_POLL_IN) ? (unsigned)EPOLLIN : 0u)
                 | ((what & CURL_POLL_OUT) ? (unsigned)EPOLLOUT : 0u);
  if (known != NULL && epoll_ctl(e->fd, EPOLL_CTL_MOD, s, &event) == 0)
    return 0;
  (void)curl_multi_assign(e->multi, s, e);
  if (epoll_ctl(e->fd, EPOLL_CTL_ADD, s, &event) == 0)
    return 0;
  return errno == EEXIST && epoll_ctl(e->fd, EPOLL_CTL_MOD, s, &event) == 0
           ? 0
           : -1;
}


static int on_timer (CURLM *multi, long ms, void *arg) {
  struct engine *e = (struct engine *)arg;
  (void)multi;
  e->due = (ms < 0) ? ENGINE_NEVER : monotonic_now() + (double)ms * 1e-3;
  return 0;
}


static int set_callbacks (struct engine *e) {
  CURLM *m = e->multi;
  e->fd = descriptor_keep(epoll_create1(EPOLL_CLOEXEC));
  return e->fd >= 0
         && curl_multi_setopt(m, CURLMOPT_SOCKETFUNCTION, on_socket) == CURLM_OK
         && curl_multi_setopt(m, CURLMOPT_SOCKETDATA, e) == CURLM_OK
         && curl_multi_setopt(m, CURLMOPT_TIMERFUNCTION, on_timer) == CURLM_OK
         && curl_multi_setopt(m, CURLMOPT_TIMERDATA, e) == CURLM_OK;
}


/* What epoll saw, as libcurl's bits. An error alone is 0, "look yourself":
** given CURL_CSELECT_ERR, libcurl would not fetch the socket's own error. */
static int to_bitmask (unsigned events) {
  return ((events & (EPOLLIN | EPOLLHUP)) ? CURL_CSELECT_IN : 0)
         | ((events & EPOLLOUT) ? CURL_CSELECT_OUT : 0);
}


/* One call into libcurl; false when it ran out of memory or descriptors. It is
** no failure that it does not know a socket any more. */
static int act (struct engine *e, curl_socket_t s, int bitmask) {
  int running;
  CURLMcode code = curl_multi_socket_action(e->multi, s, bitmask, &running);
  return code == CURLM_OK || code == CURLM_BAD_SOCKET;
}


int engine_begin (struct engine *e) {
  if (e->due < 0 || e->due > monotonic_now())
    return 1;
  e->due = ENGINE_NEVER; /* the call below may set it again */
  return act(e, CURL_SOCKET_TIMEOUT, 0);
}


/* Calls epoll_wait only after all earlier events were handled; otherwise a busy
** socket starves the others. */
static void look (struct engine *e) {
  struct epoll_event events[ENGINE_EVENTS];
  int i;
  if (e->next < e->count)
    return;
  e->next = 0;
  e->count = epoll_wait(e->fd, events, ENGINE_EVENTS, 0);
  for (i = 0; i < e->count; i++) {
    e->events[i].socket = events[i].data.fd;
    e->events[i].bitmask = to_bitmask(events[i].events);
  }
}


/* Handles the sockets that epoll saw, at least one, and no more after the
** deadline. */
static int handle_events (struct engine *e) {
  int works = 1;
  look(e);
  while (works && e->next < e->count) {
    int i = e->next++;
    works = act(e, e->events[i].socket, e->events[i].bitmask);
    if (engine_past_deadline(e))
      break;
  }
  return works;
}


int engine_step (struct engine *e) {
  return handle_events(e) && engine_begin(e);
}


int engine_drain (struct engine *e, size_t sockets) {
  size_t seen;
  int works = handle_events(e); /* what is left of a step */
  for (seen = 0; works && e->count > 0 && seen < sockets; seen += ENGINE_EVENTS)
    works = handle_events(e);
  return works && engine_begin(e);
}


void engine_wait (struct engine *e, double seconds) {
  struct epoll_event event;
  double due = engine_timeout(e);
  if (due >= 0 && (seconds < 0 || due < seconds))
    seconds = due;
  if (seconds != 0)
    epoll_wait(e->fd, &event, 1, to_milliseconds(seconds));
}


double engine_timeout (struct engine *e) {
  double left;
  if (e->due < 0)
    return ENGINE_NEVER;
  left = e->due - monotonic_now();
  return left > 0 ? left : 0;
}

#else

static int set_callbacks (struct engine *e) {
  (void)e;
  return 1;
}


int engine_begin (struct engine *e) {
  (void)e;
  return 1;
}


int engine_drain (struct engine *e, size_t sockets) {
  (void)sockets;
  return engine_step(e);
}


int engine_step (struct engine *e) {
  int running;
  return curl_multi_perform(e->multi, &running) == CURLM_OK;
}


void engine_wait (struct engine *e, double seconds) {
  int ms = to_milliseconds(seconds);
  /* libcurl heeds its own timers here */
  curl_multi_poll(e->multi, NULL, 0, ms < 0 ? INT_MAX : ms, NULL);
}


double engine_timeout (struct engine *e) {
  long ms = -1;
  curl_multi_timeout(e->multi, &ms);
  return ms < 0 ? ENGINE_NEVER : (double)ms * 1e-3;
}

#endif


void engine_set_deadline (struct engine *e, double seconds) {
  /* a negative time, ENGINE_NEVER too, is 0 */
  e->ends = monotonic_now()
            + (seconds <= 0         ? 0
               : seconds < STEP_MAX ? seconds
                                    : STEP_MAX);
}


void engine_clear_deadline (struct engine *e) {
  e->ends = ENGINE_NEVER;
}


int engine_past_deadline (const struct engine *e) {
  return e->ends >= 0 && monotonic_now() >= e->ends;
}


/* A connection carries one request at a time. Once libcurl has seen HTTP/2 of a
** host it puts a second one on any connection to it, also on one of HTTP/1.1,
** and mixes up the responses (seen with 7.88). Requests for a stream always
** have HTTP/1.1, and so may some of several servers that have one name. */
static int set_alone (CURLM *multi) {
  return curl_multi_setopt(multi, CURLMOPT_PIPELINING, CURLPIPE_NOTHING)
         == CURLM_OK;
}


int engine_open (struct engine *e) {
  int taken[DESCRIPTOR_FIRST];
  engine_abandon(e);
  descriptor_fill(taken); /* libcurl makes a pair of its own */
  e->multi = curl_multi_init();
  descriptor_release(taken);
  if (e->multi == NULL)
    return 0;
  if (!set_alone(e->multi) || !set_callbacks(e)) {
    engine_close(e);
    return 0;
  }
  return 1;
}


void engine_expect (struct engine *e, unsigned transfers) {
  if (transfers <= e->peak)
    return;
  e->peak = transfers;
  (void)curl_multi_setopt(e->multi, CURLMOPT_MAXCONNECTS, (long)engine_kept(e));
}


unsigned engine_kept (const struct engine *e) {
  return e->peak + SPARE;
}


void engine_close (struct engine *e) {
  if (e->multi != NULL)
    curl_multi_cleanup(e->multi); /* still calls on_socket */
  if (e->fd >= 0)
    close(e->fd);
  engine_abandon(e);
}


void engine_abandon (struct engine *e) {
  e->multi = NULL;
  e->fd = -1;
  e->due = ENGINE_NEVER;
  e->peak = 0;
  e->ends = ENGINE_NEVER;
  e->next = e->count = 0;
}
