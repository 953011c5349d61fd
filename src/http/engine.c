/* SPDX-License-Identifier: MIT
**
** engine: see engine.h. Only this file knows whether epoll is used or libcurl
** polls its sockets itself. ENGINE_NO_EPOLL chooses the latter on Linux too.
*/

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "engine.h"
#include "platform.h"

#if defined(__linux__) && !defined(ENGINE_NO_EPOLL)
#define ENGINE_EPOLL 1
#include <sys/epoll.h>
#include <unistd.h>
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

/* What is known of a socket, at its number: which events the set has for it;
** that it is opened and closed by our callbacks; that libcurl waits for it. */
enum {
  HAS_IN = 1,
  HAS_OUT = 2,
  HAS = HAS_IN | HAS_OUT,
  IS_OWN = 4,
  IS_WAITED = 8
};

static unsigned char *place_of (const struct engine *e, curl_socket_t s) {
  return s >= 0 && (size_t)s < e->size ? &e->sockets[s] : NULL;
}


/* The same, made where there is none; NULL: out of memory. */
static unsigned char *make_place (struct engine *e, curl_socket_t s) {
  size_t size = e->size == 0 ? 64 : e->size;
  unsigned char *sockets;
  while (size <= (size_t)s)
    size *= 2;
  if (size > e->size) {
    sockets = (unsigned char *)realloc(e->sockets, size);
    if (sockets == NULL)
      return NULL;
    memset(sockets + e->size, 0, size - e->size);
    e->sockets = sockets;
    e->size = size;
  }
  return &e->sockets[s];
}


static void leave_set (struct engine *e, curl_socket_t s,
                       unsigned char *place) {
  epoll_ctl(e->fd, EPOLL_CTL_DEL, s, NULL);
  *place &= IS_OWN;
}


/* Has the set look for 'events' of a socket. */
static int enter_set (struct engine *e, curl_socket_t s, unsigned char *place,
                      int events) {
  struct epoll_event event;
  event.data.u64 = 0;
  event.data.fd = s;
  event.events = ((events & HAS_IN) ? (unsigned)EPOLLIN : 0u)
                 | ((events & HAS_OUT) ? (unsigned)EPOLLOUT : 0u);
  if (epoll_ctl(e->fd, (*place & HAS) != 0 ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, s,
                &event)
      != 0)
    return -1;
  *place = (unsigned char)((*place & IS_OWN) | IS_WAITED | events);
  return 0;
}


/* libcurl lets go of a connection's socket after each response, and takes it up
** with the next request. It stays in the set meanwhile: two system calls less
** for each request. Not one that waits to be written to, which it always can
** be; and none that is not our own, for libcurl closes it without a word. */
static int on_socket (CURL *easy, curl_socket_t s, int what, void *arg,
                      void *known) {
  struct engine *e = (struct engine *)arg;
  unsigned char *place = make_place(e, s);
  int events = ((what & CURL_POLL_IN) ? HAS_IN : 0)
               | ((what & CURL_POLL_OUT) ? HAS_OUT : 0);
  (void)easy;
  (void)known;
  if (place == NULL)
    return -1;
  if (events == 0) {
    if ((*place & (IS_OWN | HAS)) == (IS_OWN | HAS_IN))
      *place &= (unsigned char)~IS_WAITED;
    else
      leave_set(e, s, place);
    return 0;
  }
  if ((*place & HAS) != events)
    return enter_set(e, s, place, events);
  *place |= IS_WAITED;
  return 0;
}


void engine_opened (struct engine *e, curl_socket_t s) {
  unsigned char *place = make_place(e, s);
  if (place != NULL) /* else it is no more than one that is not our own */
    *place = IS_OWN;
}


/* It leaves the set although the kernel would see to that: not before a child
** that has it, too, has closed it. */
void engine_closing (struct engine *e, curl_socket_t s) {
  unsigned char *place = place_of(e, s);
  if (place == NULL)
    return;
  if ((*place & HAS) != 0)
    leave_set(e, s, place);
  *place = 0;
}


static int on_timer (CURLM *multi, long ms, void *arg) {
  struct engine *e = (struct engine *)arg;
  (void)multi;
  e->due = (ms < 0) ? ENGINE_NEVER : platform_now() + (double)ms * 1e-3;
  return 0;
}


static int set_callbacks (struct engine *e) {
  CURLM *m = e->multi;
  e->fd = platform_keep(epoll_create1(EPOLL_CLOEXEC));
  return e->fd >= 0
         && curl_multi_setopt(m, CURLMOPT_SOCKETFUNCTION, on_socket) == CURLM_OK
         && curl_multi_setopt(m, CURLMOPT_SOCKETDATA, e) == CURLM_OK
         && curl_multi_setopt(m, CURLMOPT_TIMERFUNCTION, on_timer) == CURLM_OK
         && curl_multi_setopt(m, CURLMOPT_TIMERDATA, e) == CURLM_OK;
}


static void close_set (const struct engine *e) {
  if (e->fd >= 0)
    close(e->fd);
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
  if (e->due < 0 || e->due > platform_now())
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


/* Handles one that epoll saw. One that libcurl does not wait for is paused, or
** its server has hung up or speaks unasked, which idle_take finds before the
** next request: until libcurl asks for it, it is not to wake anyone again. */
static int handle (struct engine *e, curl_socket_t s, int bitmask) {
  unsigned char *place = place_of(e, s);
  if (place == NULL || (*place & IS_WAITED) != 0)
    return act(e, s, bitmask);
  if ((*place & HAS) != 0)
    leave_set(e, s, place);
  return 1;
}


/* Handles the sockets that epoll saw, at least one, and no more after the
** deadline. */
static int handle_events (struct engine *e) {
  int works = 1;
  look(e);
  while (works && e->next < e->count) {
    int i = e->next++;
    works = handle(e, e->events[i].socket, e->events[i].bitmask);
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
  left = e->due - platform_now();
  return left > 0 ? left : 0;
}

#else

static int set_callbacks (struct engine *e) {
  (void)e;
  return 1;
}


static void close_set (const struct engine *e) {
  (void)e;
}


void engine_opened (struct engine *e, curl_socket_t s) {
  (void)e;
  (void)s;
}


void engine_closing (struct engine *e, curl_socket_t s) {
  (void)e;
  (void)s;
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
  e->ends = platform_now()
            + (seconds <= 0         ? 0
               : seconds < STEP_MAX ? seconds
                                    : STEP_MAX);
}


void engine_clear_deadline (struct engine *e) {
  e->ends = ENGINE_NEVER;
}


int engine_past_deadline (const struct engine *e) {
  return e->ends >= 0 && platform_now() >= e->ends;
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
  int taken[PLATFORM_FIRST];
  engine_abandon(e);
  platform_fill(taken); /* libcurl makes a pair of its own */
  e->multi = curl_multi_init();
  platform_release(taken);
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
  close_set(e);
  engine_abandon(e);
}


void engine_abandon (struct engine *e) {
  e->multi = NULL;
  e->fd = -1;
  e->due = ENGINE_NEVER;
  e->peak = 0;
  e->ends = ENGINE_NEVER;
  e->next = e->count = 0;
  free(e->sockets);
  e->sockets = NULL;
  e->size = 0;
}
