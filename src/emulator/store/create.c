/* SPDX-License-Identifier: MIT
**
** create: makes one document for a request, and for the repeats of the request
** that carry its key. See store.h.
*/

#include "database.h"
#include "text.h"

#include <string.h>

/* Binds the organization and the key. */
static sqlite3_stmt *prepare_key (struct store *s, const struct once *o,
                                  const char *sql) {
  sqlite3_stmt *q = db_prepare(s, sql);
  db_text(q, 1, o->org);
  db_text(q, 2, o->key);
  return q;
}

/* Steps a statement without rows, and ends it; 0 on failure. */
static int run (sqlite3_stmt *q) {
  int good = sqlite3_step(q) == SQLITE_DONE;
  sqlite3_finalize(q);
  return good;
}

static char *copy_column (sqlite3_stmt *q, int i) {
  return sqlite3_mprintf("%s", sqlite3_column_text(q, i));
}

/* ---- Keys ---- */

/* The order of members and the spelling of numbers and strings do not count. */
#define NODES(json)                                                            \
  "SELECT fullkey, iif(type = 'real', 'integer', type), atom"                  \
  " FROM json_tree(" json ")"

static const char find_sql[] =
  "SELECT id, answer,"
  " NOT EXISTS (" NODES("payload") " EXCEPT " NODES("?3") ") AND"
  " NOT EXISTS (" NODES("?3") " EXCEPT " NODES("payload") ")"
  " FROM keys WHERE org = ?1 AND key = ?2";

/* Says what a key is used for; STORE_NONE: nothing. */
static enum store_code find_key (struct store *s, const struct once *o,
                                 struct made *made) {
  sqlite3_stmt *q = prepare_key(s, o, find_sql);
  enum store_code code = STORE_FAILED;
  int step;
  db_text(q, 3, o->payload);
  step = sqlite3_step(q);
  if (step == SQLITE_DONE) {
    code = STORE_NONE;
  }
  else if (step == SQLITE_ROW && !sqlite3_column_int(q, 2)) {
    code = STORE_OTHER;
  }
  else if (step == SQLITE_ROW && sqlite3_column_type(q, 0) == SQLITE_NULL) {
    code = STORE_BUSY;
  }
  else if (step == SQLITE_ROW) {
    made->id = copy_column(q, 0);
    made->answer = copy_column(q, 1);
    code = STORE_DONE;
  }
  sqlite3_finalize(q);
  return code;
}

/* Forgets the keys that were made before a time and are settled. */
static int forget_keys (struct store *s, int64_t before) {
  sqlite3_stmt *q = db_prepare(
    s, "DELETE FROM keys WHERE made <= ?1 AND id IS NOT NULL");
  sqlite3_bind_int64(q, 1, before);
  return run(q);
}

static int insert_key (struct store *s, const struct once *o) {
  sqlite3_stmt *q = prepare_key(
    s, o, "INSERT INTO keys (org, key, payload, made) VALUES (?1, ?2, ?3, ?4)");
  db_text(q, 3, o->payload);
  sqlite3_bind_int64(q, 4, o->now);
  return run(q);
}

enum store_code store_take_key (struct store *s, const struct once *o,
                                int64_t keep, struct made *made) {
  enum store_code code = STORE_FAILED;
  pthread_mutex_lock(&s->lock);
  if (forget_keys(s, o->now - keep))
    code = find_key(s, o, made);
  if (code == STORE_NONE)
    code = insert_key(s, o) ? STORE_OK : STORE_FAILED;
  store_leave(s);
  return code;
}

enum store_code store_drop_key (struct store *s, const struct once *o) {
  int good;
  pthread_mutex_lock(&s->lock);
  good = run(prepare_key(s, o, "DELETE FROM keys WHERE org = ?1 AND key = ?2"));
  store_leave(s);
  return good ? STORE_OK : STORE_FAILED;
}

/* Notes what a key has made; 0 on failure. */
static int settle_key (struct store *s, const struct once *o, const char *id,
                       const char *json) {
  sqlite3_stmt *q;
  if (o->key == NULL)
    return 1;
  q = prepare_key(
    s, o, "UPDATE keys SET id = ?3, answer = ?4 WHERE org = ?1 AND key = ?2");
  db_text(q, 3, id);
  db_text(q, 4, json);
  return run(q);
}

/* ---- Making it ---- */

/* Counts the organization's documents that have a next status; a batch has
** limits of its own. */
static int count_running (struct store *s, const struct once *o,
                          const struct kind *kind, struct running *running) {
  sqlite3_stmt *q = db_prepare(s,
                               "SELECT count(*), ifnull(min(due), 0) FROM"
                               " documents WHERE due IS NOT NULL"
                               " AND batch IS NULL AND +kind = ?1"
                               " AND +org = ?2");
  int good;
  db_text(q, 1, kind->name);
  db_text(q, 2, o->org);
  good = sqlite3_step(q) == SQLITE_ROW;
  running->count = sqlite3_column_int64(q, 0);
  running->due = sqlite3_column_int64(q, 1);
  sqlite3_finalize(q);
  return good;
}

/* Sets what is kept beside the JSON, and gives that; NULL on failure. */
static char *finish (struct store *s, const struct creation *c,
                     const char *id) {
  sqlite3_stmt *q = db_prepare(s,
                               "UPDATE documents SET outcome = ?3, batch = ?4,"
                               " request = ?5 WHERE"
                               " kind = ?1 AND id = ?2 RETURNING shown(body)");
  char *json = NULL;
  db_text(q, 1, c->kind->name);
  db_text(q, 2, id);
  db_text(q, 3, c->outcome);
  db_text(q, 4, c->batch);
  db_text(q, 5, c->request);
  if (sqlite3_step(q) == SQLITE_ROW)
    json = copy_column(q, 0);
  sqlite3_finalize(q);
  return json;
}

/* Adds the document within a transaction. */
static enum store_code create (struct store *s, const struct once *o,
                               const struct creation *c, char **json,
                               char **why) {
  sqlite3_str *ids = sqlite3_str_new(NULL);
  enum store_code code = db_add(s, &c->addition, ids, why);
  char id[UUID_SIZE] = "";
  if (code == STORE_OK) { /* ["ID"] */
    sqlite3_snprintf(UUID_SIZE, id, "%s", sqlite3_str_value(ids) + 2);
    *json = finish(s, c, id);
    if (*json == NULL || !settle_key(s, o, id, *json))
      code = db_failed(s, why);
  }
  sqlite3_free(sqlite3_str_finish(ids));
  return code;
}

enum store_code store_create (struct store *s, const struct once *o,
                              const struct creation *c, char **json,
                              struct running *running, char **why) {
  enum store_code code;
  *why = *json = NULL;
  if (!store_enter(s, o->now))
    return STORE_FAILED;
  if (!db_run(s, "BEGIN") || !db_index(s)
      || !count_running(s, o, c->kind, running))
    code = db_failed(s, why);
  else if (c->most > 0 && running->count >= c->most)
    code = STORE_FULL;
  else
    code = create(s, o, c, json, why);
  return store_commit(s, code, why);
}
