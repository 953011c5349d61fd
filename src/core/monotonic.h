/* SPDX-License-Identifier: MIT
**
** monotonic: the clock of all waits, timers and deadlines.
*/

#ifndef lipsync_monotonic_h
#define lipsync_monotonic_h

#include <time.h>

/* Seconds on a clock that only goes forward. */
static inline double monotonic_now (void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

#endif
