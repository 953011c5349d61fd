/* SPDX-License-Identifier: MIT
**
** journal: see journal.h. A ring; an entry is kept as the text it will be
** shown as.
*/

#include "journal.h"
#include "../store/text.h"

#include <stdlib.h>

struct journal *journal_open (void) {
  struct journal *j = calloc(1, sizeof(*j));
  if (j != NULL)
    pthread_mutex_init(&j->lock, NULL);
  return j;
}

void journal_clear (struct journal *j) {
  size_t i;
  pthread_mutex_lock(&j->lock);
  for (i = 0; i < JOURNAL_SIZE; i++) {
    sqlite3_free(j->entries[i].json);
    j->entries[i].json = NULL;
  }
  j->count = 0;
  pthread_mutex_unlock(&j->lock);
}

void journal_close (struct journal *j) {
  if (j == NULL)
    return;
  journal_clear(j);
  pthread_mutex_destroy(&j->lock);
  free(j);
}

uint64_t journal_add (struct journal *j, const char *method, const char *target,
                      const char *headers) {
  sqlite3_str *s = sqlite3_str_new(NULL);
  struct journal_entry *entry;
  uint64_t number;
  sqlite3_str_appendall(s, "{\"method\":");
  text_quote_null(s, method);
  sqlite3_str_appendall(s, ",\"path\":");
  text_quote_null(s, target);
  sqlite3_str_appendf(s, ",\"headers\":%s", headers);
  pthread_mutex_lock(&j->lock);
  number = j->count++;
  entry = &j->entries[number % JOURNAL_SIZE];
  sqlite3_free(entry->json);
  entry->json = text_finish(s, NULL);
  entry->status = 0;
  pthread_mutex_unlock(&j->lock);
  return number;
}

void journal_answered (struct journal *j, uint64_t number, int status) {
  pthread_mutex_lock(&j->lock);
  /* it may have been cleared, or left the ring, in the meantime */
  if (number < j->count && number + JOURNAL_SIZE >= j->count)
    j->entries[number % JOURNAL_SIZE].status = status;
  pthread_mutex_unlock(&j->lock);
}

void journal_write (struct journal *j, sqlite3_str *out) {
  uint64_t n;
  char before = '[';
  pthread_mutex_lock(&j->lock);
  for (n = j->count > JOURNAL_SIZE ? j->count - JOURNAL_SIZE : 0; n < j->count;
       n++) {
    const struct journal_entry *entry = &j->entries[n % JOURNAL_SIZE];
    if (entry->json == NULL)
      continue;
    sqlite3_str_appendf(out, "%c%s,\"statusCode\":%d}", before, entry->json,
                        entry->status);
    before = ',';
  }
  pthread_mutex_unlock(&j->lock);
  sqlite3_str_appendall(out, before == '[' ? "[]" : "]");
}
