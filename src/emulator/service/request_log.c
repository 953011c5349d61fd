/* SPDX-License-Identifier: MIT
**
** request_log: see request_log.h. A ring; an entry is kept as the text it will
** be shown as.
*/

#include "request_log.h"
#include "../store/text.h"

#include <stdlib.h>

struct request_log *request_log_open (void) {
  struct request_log *j = calloc(1, sizeof(*j));
  if (j != NULL)
    pthread_mutex_init(&j->lock, NULL);
  return j;
}

void request_log_clear (struct request_log *j) {
  size_t i;
  pthread_mutex_lock(&j->lock);
  for (i = 0; i < REQUEST_LOG_SIZE; i++) {
    sqlite3_free(j->entries[i].json);
    j->entries[i].json = NULL;
  }
  j->count = 0;
  pthread_mutex_unlock(&j->lock);
}

void request_log_close (struct request_log *j) {
  if (j == NULL)
    return;
  request_log_clear(j);
  pthread_mutex_destroy(&j->lock);
  free(j);
}

uint64_t request_log_add (struct request_log *j, const char *method,
                          const char *target, const char *headers) {
  sqlite3_str *s = sqlite3_str_new(NULL);
  struct request_log_entry *entry;
  uint64_t number;
  sqlite3_str_appendall(s, "{\"method\":");
  text_quote_null(s, method);
  sqlite3_str_appendall(s, ",\"path\":");
  text_quote_null(s, target);
  sqlite3_str_appendf(s, ",\"headers\":%s", headers);
  pthread_mutex_lock(&j->lock);
  number = j->count++;
  entry = &j->entries[number % REQUEST_LOG_SIZE];
  sqlite3_free(entry->json);
  entry->json = text_finish(s, NULL);
  entry->status = 0;
  pthread_mutex_unlock(&j->lock);
  return number;
}

void request_log_answered (struct request_log *j, uint64_t number, int status) {
  pthread_mutex_lock(&j->lock);
  /* it may have been cleared, or left the ring, in the meantime */
  if (number < j->count && number + REQUEST_LOG_SIZE >= j->count)
    j->entries[number % REQUEST_LOG_SIZE].status = status;
  pthread_mutex_unlock(&j->lock);
}

void request_log_write (struct request_log *j, sqlite3_str *out) {
  uint64_t n;
  char before = '[';
  pthread_mutex_lock(&j->lock);
  for (n = j->count > REQUEST_LOG_SIZE ? j->count - REQUEST_LOG_SIZE : 0;
       n < j->count; n++) {
    const struct request_log_entry *entry = &j->entries[n % REQUEST_LOG_SIZE];
    if (entry->json == NULL)
      continue;
    sqlite3_str_appendf(out, "%c%s,\"statusCode\":%d}", before, entry->json,
                        entry->status);
    before = ',';
  }
  pthread_mutex_unlock(&j->lock);
  sqlite3_str_appendall(out, before == '[' ? "[]" : "]");
}
