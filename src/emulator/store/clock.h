/* SPDX-License-Identifier: MIT
**
** clock: the emulator's time, which is the machine's or moved by hand, and
** the ISO 8601 texts that the service writes times as. All times here are
** milliseconds since 1970 UTC.
*/

#ifndef emulator_clock_h
#define emulator_clock_h

#include <pthread.h>
#include <stdint.h>

#define TIME_SIZE 25 /* "2026-08-25T12:00:00.123Z" and its NUL */

struct clock {
  pthread_mutex_t lock;
  int64_t offset; /* added to the machine's time, or to 'still' */
  int64_t still;  /* where a clock that stands still stands; else -1 */
};

/* Starts a clock that runs with the machine's. */
void clock_open (struct clock *c);

void clock_close (struct clock *c);

/* Puts the clock back to its start: at 'still', where it then stands until it
** is advanced; -1 is the machine's time. */
void clock_set (struct clock *c, int64_t still);

int64_t clock_now (struct clock *c);

/* Moves the clock forward. */
void clock_advance (struct clock *c, int64_t milliseconds);

/* Reads "2026-08-25", "2026-08-25T12:00:00Z", fractions and offsets such as
** "+02:00" included. Returns 0 where the text is no such time. */
int time_parse (const char *text, int64_t *milliseconds);

/* Writes a time with three digits of fraction and "Z". */
void time_format (int64_t milliseconds, char out[TIME_SIZE]);

#endif
