/* SPDX-License-Identifier: MIT
**
** engine_pollset: the half of engine.h where a pollset stands for all sockets:
** libcurl says which it waits for, and is called for those that are ready.
*/

#include "engine.h"

#if POLLSET

#include <stdlib.h>
#include <string.h>

#include "platform.h"


/* What is known of a socket, at its number: what the set looks for; that it is
** opened and closed by our callbacks; that libcurl waits for it; that it is its
** transfer's alone, which is paused. */
enum {
  LOOKED = POLLSET_IN | POLLSET_OUT,
  IS_OWN = 4,
  IS_WAITED = 8,
  IS_HELD = 16
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
  if ((*place & LOOKED) != 0)
    pollset_change(e->fd, s, *place & LOOKED, 0);
  *place &= (unsigned char)~LOOKED;
}


/* Has the set look for 'events' of a socket. */
static int enter_set (struct engine *e, curl_socket_t s, unsigned char *place,
                      int events) {
  if (pollset_change(e->fd, s, *place & LOOKED, events) != 0)
    return -1;
  *place = (unsigned char)((*place & ~LOOKED) | events);
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
  int events = ((what & CURL_POLL_IN) ? POLLSET_IN : 0)
               | ((what & CURL_POLL_OUT) ? POLLSET_OUT : 0);
  int is_paused = e->listener(easy, s, events != 0);
  (void)known;
  if (place == NULL)
    return -1;
  *place &= IS_OWN | LOOKED;
  if (events != 0) {
    *place |= (unsigned char)(is_paused ? IS_WAITED | IS_HELD : IS_WAITED);
    return (*place & LOOKED) == events ? 0 : enter_set(e, s, place, events);
  }
  if (*place != (IS_OWN | POLLSET_IN))
    leave_set(e, s, place);
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
  leave_set(e, s, place);
  *place = 0;
}


void engine_hold (struct engine *e, curl_socket_t s) {
  unsigned char *place = place_of(e, s);
  if (place != NULL)
    *place |= IS_HELD;
}


/* It left the set if anything came meanwhile, and libcurl need not ask for it
** again. */
int engine_unhold (struct engine *e, curl_socket_t s) {
  unsigned char *place = place_of(e, s);
  if (place == NULL)
    return 1;
  *place &= (unsigned char)~IS_HELD;
  if ((*place & (IS_WAITED | LOOKED)) != IS_WAITED)
    return 1;
  return enter_set(e, s, place, POLLSET_IN) == 0;
}


static int on_timer (CURLM *multi, long ms, void *arg) {
  struct engine *e = (struct engine *)arg;
  (void)multi;
  e->due = (ms < 0) ? ENGINE_NEVER : platform_now() + (double)ms * 1e-3;
  return 0;
}


int engine_watch (struct engine *e) {
  CURLM *m = e->multi;
  e->fd = pollset_open();
  return e->fd >= 0
         && curl_multi_setopt(m, CURLMOPT_SOCKETFUNCTION, on_socket) == CURLM_OK
         && curl_multi_setopt(m, CURLMOPT_SOCKETDATA, e) == CURLM_OK
         && curl_multi_setopt(m, CURLMOPT_TIMERFUNCTION, on_timer) == CURLM_OK
         && curl_multi_setopt(m, CURLMOPT_TIMERDATA, e) == CURLM_OK;
}


void engine_unwatch (const struct engine *e) {
  if (e->fd >= 0)
    pollset_close(e->fd);
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


/* Asks the set only after all earlier events were handled; otherwise a busy
** socket starves the others. */
static void look (struct engine *e) {
  if (e->next < e->count)
    return;
  e->next = 0;
  e->count = pollset_look(e->fd, e->events);
}


/* Handles one that the set saw. One that is held, or that libcurl does not wait
** for, is paused; or its server has hung up or speaks unasked, which idle_take
** finds before the next request: until it is asked for, it is not to wake
** anyone again. */
static int handle (struct engine *e, curl_socket_t s, int bitmask) {
  unsigned char *place = place_of(e, s);
  if (place == NULL || (*place & (IS_WAITED | IS_HELD)) == IS_WAITED)
    return act(e, s, bitmask);
  leave_set(e, s, place);
  return 1;
}


/* Handles the sockets that the set saw, at least one, and no more after the
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
  for (seen = 0; works && e->count > 0 && seen < sockets;
       seen += POLLSET_EVENTS)
    works = handle_events(e);
  return works && engine_begin(e);
}


void engine_wait (struct engine *e, double seconds) {
  double due = engine_timeout(e);
  if (due >= 0 && (seconds < 0 || due < seconds))
    seconds = due;
  if (seconds != 0)
    pollset_wait(e->fd, engine_milliseconds(seconds));
}


double engine_timeout (struct engine *e) {
  double left;
  if (e->due < 0)
    return ENGINE_NEVER;
  left = e->due - platform_now();
  return left > 0 ? left : 0;
}

#endif
