/* SPDX-License-Identifier: MIT
**
** request_log: the requests that were seen, the last 10,000 of them and at
** most 16 MiB.
*/

#ifndef emulator_request_log_h
#define emulator_request_log_h

#include <pthread.h>
#include <sqlite3.h>
#include <stdint.h>

#define REQUEST_LOG_SIZE  10000
#define REQUEST_LOG_BYTES ((size_t)16 * 1024 * 1024)

struct request_log_entry {
  char *json; /* the members that were known when it came, no "}" */
  size_t length;
  int status; /* 0: no response yet, or none at all */
};

/* A ring. Numbers are not used again, so that a request from before a clear is
** not taken for one after it. */
struct request_log {
  pthread_mutex_t lock;
  uint64_t first, next; /* the numbers of the entries: from here, to before */
  size_t bytes;         /* of all texts */
  struct request_log_entry entries[REQUEST_LOG_SIZE];
};

/* Makes a log that is empty of memory that is zero. */
void request_log_open (struct request_log *r);

void request_log_close (struct request_log *r);

void request_log_clear (struct request_log *r);

/* Notes a request, and gives its number. 'headers' is a JSON object. */
uint64_t request_log_add (struct request_log *r, const char *method,
                          const char *target, const char *headers);

/* Notes the status of its response, once that is known. */
void request_log_answered (struct request_log *r, uint64_t number, int status);

/* Appends all as a JSON array, the oldest first. */
void request_log_write (struct request_log *r, sqlite3_str *out);

#endif
