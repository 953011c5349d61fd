/* SPDX-License-Identifier: MIT
**
** sample: makes sample generations. Item n of a seed is always the same, except
** for its dates, which go back 90 days from the clock. All statuses and models
** occur, members that are null or left out, scripts in several languages,
** escapes of every kind, nested options and segments.
*/

#ifndef emulator_sample_h
#define emulator_sample_h

#include "prng.h"

#include <sqlite3.h>
#include <stdint.h>

/* What the store keeps of a generation beside its JSON text. */
struct sample {
  char id[UUID_SIZE];
  int64_t created; /* milliseconds since 1970 */
  const char *status;
  const char *source;
  const char *project; /* NULL: in none */
};

/* Makes item 'n' of 'count', the oldest being 0; appends its JSON. */
void sample_make (uint64_t seed, int64_t n, int64_t count, int64_t now,
                  struct sample *sample, sqlite3_str *json);

/* Appends an array for the "input" of a generation. */
void sample_input (struct prng *c, sqlite3_str *json);

#endif
