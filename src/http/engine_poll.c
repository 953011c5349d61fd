/* SPDX-License-Identifier: MIT
**
** engine_poll: the half of engine.h where there is no pollset: libcurl polls
** its sockets itself, and each step does all that can be done.
*/

#include "engine.h"

#if !POLLSET

#include <limits.h>


int engine_watch (struct engine *e) {
  (void)e;
  return 1;
}


void engine_unwatch (const struct engine *e) {
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


void engine_hold (struct engine *e, curl_socket_t s) {
  (void)e;
  (void)s;
}


int engine_unhold (struct engine *e, curl_socket_t s) {
  (void)e;
  (void)s;
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


/* libcurl heeds its own timers here. */
void engine_wait (struct engine *e, double seconds) {
  int ms = engine_milliseconds(seconds);
  curl_multi_poll(e->multi, NULL, 0, ms < 0 ? INT_MAX : ms, NULL);
}


double engine_timeout (struct engine *e) {
  long ms = -1;
  curl_multi_timeout(e->multi, &ms);
  return ms < 0 ? ENGINE_NEVER : (double)ms * 1e-3;
}

#endif
