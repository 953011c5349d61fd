/* SPDX-License-Identifier: MIT
**
** request_log: see request_log.h.
*/

#include "request_log.h"
#include "../store/text.h"

void request_log_open (struct request_log *r) {
  pthread_mutex_init(&r->lock, NULL);
}

static struct request_log_entry *entry_of (struct request_log *r,
                                           uint64_t number) {
  return &r->entries[number % REQUEST_LOG_SIZE];
}

/* Forgets the oldest until there is room for an entry of so many bytes. */
static void make_room (struct request_log *r, size_t length) {
  while (r->first < r->next
         && (r->next - r->first == REQUEST_LOG_SIZE
             || r->bytes + length > REQUEST_LOG_BYTES)) {
    struct request_log_entry *entry = entry_of(r, r->first++);
    r->bytes -= entry->length;
    sqlite3_free(entry->json);
  }
}

void request_log_clear (struct request_log *r) {
  pthread_mutex_lock(&r->lock);
  make_room(r, REQUEST_LOG_BYTES + 1);
  pthread_mutex_unlock(&r->lock);
}

void request_log_close (struct request_log *r) {
  request_log_clear(r);
  pthread_mutex_destroy(&r->lock);
}

uint64_t request_log_add (struct request_log *r, const char *method,
                          const char *target, const char *headers) {
  sqlite3_str *s = sqlite3_str_new(NULL);
  struct request_log_entry entry = {NULL, 0, 0};
  uint64_t number;
  sqlite3_str_appendall(s, "{\"method\":");
  text_quote(s, method);
  sqlite3_str_appendall(s, ",\"path\":");
  text_quote(s, target);
  sqlite3_str_appendf(s, ",\"headers\":%s", headers);
  entry.json = text_finish(s, &entry.length);
  pthread_mutex_lock(&r->lock);
  make_room(r, entry.length);
  r->bytes += entry.length;
  number = r->next++;
  *entry_of(r, number) = entry;
  pthread_mutex_unlock(&r->lock);
  return number;
}

void request_log_answered (struct request_log *r, uint64_t number, int status) {
  pthread_mutex_lock(&r->lock);
  if (number >= r->first && number < r->next)
    entry_of(r, number)->status = status;
  pthread_mutex_unlock(&r->lock);
}

void request_log_write (struct request_log *r, sqlite3_str *out) {
  uint64_t n;
  char before = '[';
  pthread_mutex_lock(&r->lock);
  for (n = r->first; n < r->next; n++) {
    const struct request_log_entry *entry = entry_of(r, n);
    if (entry->json == NULL)
      continue;
    sqlite3_str_appendf(out, "%c%s,\"statusCode\":%d}", before, entry->json,
                        entry->status);
    before = ',';
  }
  pthread_mutex_unlock(&r->lock);
  sqlite3_str_appendall(out, before == '[' ? "[]" : "]");
}
