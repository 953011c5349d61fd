/* SPDX-License-Identifier: MIT
**
** engine: see engine.h. Which of the two halves does the rest, engine_pollset.c
** or engine_poll.c, is pollset.h's choice.
*/

#include <limits.h>
#include <stdlib.h>

#include "engine.h"
#include "platform.h"

/* The intended maximum length of a step (seconds). */
#define STEP_MAX 1e-3

/* Connections kept above those that were needed at once: streams have HTTP/1.1,
** and other requests may have HTTP/2. */
#define SPARE 4


int engine_milliseconds (double seconds) {
  double ms = seconds * 1e3;
  if (seconds < 0)
    return -1;
  if (ms >= (double)INT_MAX)
    return INT_MAX;
  return (int)ms + ((double)(int)ms < ms);
}


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


/* While the low descriptors are taken: libcurl makes a pair of its own, and not
** each pollset can be moved. */
static int open_handles (struct engine *e) {
  e->multi = curl_multi_init();
  return e->multi != NULL && set_alone(e->multi) && engine_watch(e);
}


int engine_open (struct engine *e, engine_listener *listener) {
  int taken[PLATFORM_FIRST], opened;
  engine_abandon(e);
  e->listener = listener;
  platform_fill(taken);
  opened = open_handles(e);
  platform_release(taken);
  if (!opened)
    engine_close(e);
  return opened;
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
    curl_multi_cleanup(e->multi); /* still closes sockets */
  engine_unwatch(e);
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
