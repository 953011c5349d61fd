/* SPDX-License-Identifier: MIT
**
** journal: the requests that were seen, the last 10,000 of them.
*/

#ifndef emulator_journal_h
#define emulator_journal_h

#include <pthread.h>
#include <sqlite3.h>
#include <stdint.h>

#define JOURNAL_SIZE 10000

struct journal_entry {
  char *json; /* the members that were known when it came, no "}" */
  int status; /* 0: no answer yet, or none at all */
};

struct journal {
  pthread_mutex_t lock;
  uint64_t count; /* in all; the newest is number count - 1 */
  struct journal_entry entries[JOURNAL_SIZE];
};

/* Makes an empty journal; NULL when out of memory. */
struct journal *journal_open (void);

void journal_close (struct journal *j);

void journal_clear (struct journal *j);

/* Notes a request, and gives its number. 'headers' is a JSON object. */
uint64_t journal_add (struct journal *j, const char *method, const char *target,
                      const char *headers);

/* Notes the status of its answer, once that is known. */
void journal_answered (struct journal *j, uint64_t number, int status);

/* Appends all as a JSON array, the oldest first. */
void journal_write (struct journal *j, sqlite3_str *out);

#endif
