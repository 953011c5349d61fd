/* SPDX-License-Identifier: MIT
**
** outbox: the documents that have ended and name a URL to be told at. A trigger
** notes them at the moment of their end, as they were then: none is missed and
** none noted twice, whichever request carries the transition out. The table is
** temporary: what an emulator had to tell ends with it.
*/

#include "database.h"

#include <string.h>

#define SENT_MAX             10000
#define TEXT_OF(number)      TEXT_OF_VALUE(number)
#define TEXT_OF_VALUE(value) #value

#define URL(body) "json_extract(" body ", '$.webhookUrl')"

/* A row whose next transition was due and that has no further one has ended,
** and perhaps its batch, whose webhook is sent once, after its last row. */
static const char setup[] =
  "CREATE TEMP TABLE outbox ("
  "  seq INTEGER PRIMARY KEY AUTOINCREMENT,"
  "  kind TEXT NOT NULL,"
  "  id TEXT NOT NULL,"
  "  org TEXT NOT NULL,"
  "  url TEXT NOT NULL,"
  "  body TEXT,"
  "  due INTEGER NOT NULL,"
  "  UNIQUE (kind, id));"
  "CREATE TEMP TABLE sent (seq INTEGER PRIMARY KEY, json TEXT NOT NULL);"
  "CREATE TEMP TRIGGER note_end AFTER UPDATE OF due ON documents"
  " WHEN old.due NOT NULL AND new.due IS NULL BEGIN"
  "  INSERT OR REPLACE INTO outbox (kind, id, org, due, url, body)"
  "   SELECT new.kind, new.id, new.org, old.due, " URL(
    "new.body") ","
  "   new.body"
  "   WHERE " URL("new.body") " NOT NULL;"
  "  INSERT OR REPLACE INTO outbox (kind, id, org, due, url)"
  "   SELECT kind, id, org, old.due, " URL("body") " FROM documents"
  "   WHERE kind = 'batch' AND id = new.batch AND " URL("body") " NOT NULL"
  "   AND NOT EXISTS (SELECT 1 FROM documents WHERE batch = new.batch"
  "    AND due NOT NULL);"
  " END;";

int db_open_outbox (struct store *s) {
  return db_run(s, setup);
}

static char *copy_column (sqlite3_stmt *q, int i) {
  const char *text = (const char *)sqlite3_column_text(q, i);
  return text != NULL ? sqlite3_mprintf("%s", text) : NULL;
}

void ended_close (struct ended *e) {
  sqlite3_free(e->kind);
  sqlite3_free(e->id);
  sqlite3_free(e->org);
  sqlite3_free(e->url);
  sqlite3_free(e->json);
  memset(e, 0, sizeof(*e));
}

/* Reads the row that a statement stands on. */
static enum store_code read_row (sqlite3_stmt *q, struct ended *e) {
  e->kind = copy_column(q, 0);
  e->id = copy_column(q, 1);
  e->org = copy_column(q, 2);
  e->url = copy_column(q, 3);
  e->json = copy_column(q, 4);
  if (e->kind != NULL && e->id != NULL && e->org != NULL && e->url != NULL)
    return STORE_OK;
  ended_close(e);
  return STORE_FAILED;
}

enum store_code store_take_ended (struct store *s, int64_t now,
                                  int newest_first, int batches,
                                  struct ended *e) {
  enum store_code code = STORE_FAILED;
  sqlite3_stmt *q;
  int step;
  memset(e, 0, sizeof(*e));
  if (!store_enter(s, now))
    return code;
  q = db_prepare(s,
                 "DELETE FROM outbox WHERE seq = (SELECT seq FROM outbox"
                 " WHERE ?2 OR kind <> 'batch'"
                 " ORDER BY iif(?1, -due, due), iif(?1, -seq, seq) LIMIT 1)"
                 " RETURNING kind, id, org, url, shown(body)");
  sqlite3_bind_int(q, 1, newest_first);
  sqlite3_bind_int(q, 2, batches);
  step = sqlite3_step(q);
  if (step == SQLITE_DONE)
    code = STORE_NONE;
  else if (step == SQLITE_ROW)
    code = read_row(q, e);
  sqlite3_finalize(q);
  store_leave(s);
  return code;
}

int store_note_sent (struct store *s, const char *json) {
  sqlite3_stmt *q;
  int good;
  pthread_mutex_lock(&s->lock);
  q = db_prepare(s, "INSERT INTO sent (json) VALUES (?1)");
  db_text(q, 1, json);
  good = sqlite3_step(q) == SQLITE_DONE;
  sqlite3_finalize(q);
  good = good
         && db_run(s,
                   "DELETE FROM sent WHERE seq <="
                   " (SELECT max(seq) FROM sent) - " TEXT_OF(SENT_MAX));
  store_leave(s);
  return good;
}
