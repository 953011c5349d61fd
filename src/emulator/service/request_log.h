/* SPDX-License-Identifier: MIT
**
** request_log: the requests that were seen, the last 10,000 of them.
*/

#ifndef emulator_request_log_h
#define emulator_request_log_h

#include <pthread.h>
#include <sqlite3.h>
#include <stdint.h>

#define REQUEST_LOG_SIZE 10000

struct request_log_entry {
  char *json; /* the members that were known when it came, no "}" */
  int status; /* 0: no answer yet, or none at all */
};

struct request_log {
  pthread_mutex_t lock;
  uint64_t count; /* in all; the newest is number count - 1 */
  struct request_log_entry entries[REQUEST_LOG_SIZE];
};

/* Makes an empty request log; NULL when out of memory. */
struct request_log *request_log_open (void);

void request_log_close (struct request_log *j);

void request_log_clear (struct request_log *j);

/* Notes a request, and gives its number. 'headers' is a JSON object. */
uint64_t request_log_add (struct request_log *j, const char *method,
                          const char *target, const char *headers);

/* Notes the status of its answer, once that is known. */
void request_log_answered (struct request_log *j, uint64_t number, int status);

/* Appends all as a JSON array, the oldest first. */
void request_log_write (struct request_log *j, sqlite3_str *out);

#endif
