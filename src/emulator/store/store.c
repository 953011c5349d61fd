/* SPDX-License-Identifier: MIT
**
** store: opens and closes the database, makes its tables and carries out
** transitions. See store.h.
**
** SQLite keeps a rollback journal but does not wait for the disk: after a
** killed process the file opens again; only a crash of the machine may lose
** it. One process has the file at a time.
*/

#include "database.h"
#include "text.h"

#include <stdlib.h>
#include <string.h>

#define APPLICATION 1279873107 /* "LIPS": marks the file as ours */
#define VERSION     3          /* of the tables */

#define TEXT_OF(number)      TEXT_OF_VALUE(number)
#define TEXT_OF_VALUE(value) #value

static const char setup[] =
  "PRAGMA locking_mode = EXCLUSIVE;"
  "PRAGMA journal_mode = DELETE;"
  "PRAGMA synchronous = OFF;"
  "PRAGMA cache_size = -16000;";

/* 'body' is last: a filter by the other columns does not read it. */
static const char tables[] =
  "CREATE TABLE documents ("
  "  seq INTEGER PRIMARY KEY,"
  "  kind TEXT NOT NULL,"
  "  id TEXT NOT NULL COLLATE NOCASE,"
  "  org TEXT NOT NULL,"
  "  created INTEGER NOT NULL,"
  "  status TEXT,"
  "  source TEXT NOT NULL,"
  "  project TEXT COLLATE NOCASE,"
  "  due INTEGER,"
  "  outcome TEXT,"
  "  batch TEXT,"
  "  request TEXT,"
  "  body TEXT NOT NULL);"
  "CREATE TABLE tombstones ("
  "  kind TEXT NOT NULL,"
  "  id TEXT NOT NULL COLLATE NOCASE,"
  "  org TEXT NOT NULL,"
  "  created INTEGER NOT NULL,"
  "  PRIMARY KEY (kind, id)) WITHOUT ROWID;";

/* 'id' is NULL while the request is not settled. */
static const char key_table[] =
  "CREATE TABLE keys ("
  "  org TEXT NOT NULL,"
  "  key TEXT NOT NULL,"
  "  made INTEGER NOT NULL,"
  "  id TEXT,"
  "  payload TEXT NOT NULL,"
  "  answer TEXT,"
  "  PRIMARY KEY (org, key));"
  "PRAGMA application_id = " TEXT_OF(APPLICATION) ";"
  "PRAGMA user_version = " TEXT_OF(VERSION) ";";

/* Version 1 knew generations only. */
static const char from_version_1[] =
  "INSERT INTO documents SELECT seq, 'generation', id, org, created, status,"
  " source, project, due, NULL, NULL, NULL, body FROM generations ORDER BY seq;"
  "INSERT INTO tombstones SELECT 'generation', id, org, created FROM gone;"
  "DROP TABLE generations;"
  "DROP TABLE gone;";

/* Version 2 knew no outcomes, batches and keys. */
static const char from_version_2[] =
  "ALTER TABLE documents ADD COLUMN outcome TEXT;"
  "ALTER TABLE documents ADD COLUMN batch TEXT;"
  "ALTER TABLE documents ADD COLUMN request TEXT;";

static const char indexes[] =
  "CREATE UNIQUE INDEX IF NOT EXISTS by_id ON documents (kind, id);"
  "CREATE INDEX IF NOT EXISTS by_time"
  "  ON documents (kind, org, created, id, status);"
  "CREATE INDEX IF NOT EXISTS by_batch"
  "  ON documents (batch) WHERE batch IS NOT NULL;"
  "CREATE INDEX IF NOT EXISTS by_due"
  "  ON documents (due) WHERE due IS NOT NULL;";

/* ---- Short forms of SQLite's functions ---- */

sqlite3_stmt *db_prepare (struct store *s, const char *sql) {
  sqlite3_stmt *q = NULL;
  if (sql != NULL)
    sqlite3_prepare_v2(s->db, sql, -1, &q, NULL);
  return q;
}

sqlite3_stmt *db_prepare_built (struct store *s, sqlite3_str *sql) {
  char *text = text_finish(sql, NULL);
  sqlite3_stmt *q = db_prepare(s, text);
  sqlite3_free(text);
  return q;
}

void db_text (sqlite3_stmt *q, int i, const char *text) {
  sqlite3_bind_text(q, i, text, -1, SQLITE_STATIC);
}

void db_bytes (sqlite3_stmt *q, int i, const char *text, size_t length) {
  sqlite3_bind_text64(q, i, text, length, SQLITE_STATIC, SQLITE_UTF8);
}

int db_run (struct store *s, const char *sql) {
  return sql != NULL && sqlite3_exec(s->db, sql, NULL, NULL, NULL) == SQLITE_OK;
}

int db_integer (struct store *s, const char *sql, int64_t *value) {
  sqlite3_stmt *q = db_prepare(s, sql);
  int code = sqlite3_step(q);
  if (code == SQLITE_ROW && sqlite3_column_type(q, 0) != SQLITE_NULL)
    *value = sqlite3_column_int64(q, 0);
  sqlite3_finalize(q);
  return code == SQLITE_ROW || code == SQLITE_DONE;
}

enum store_code db_failed (struct store *s, char **why) {
  *why = sqlite3_mprintf("%s", sqlite3_errmsg(s->db));
  return STORE_FAILED;
}

int db_index (struct store *s) {
  return db_run(s, indexes);
}

/* ---- Transitions ---- */

int64_t db_lasts (const struct store *s, const struct kind *kind,
                  const char *status) {
  const struct transition *t = kind->transitions;
  for (; t != NULL && t->from != NULL; t++)
    if (status != NULL && strcmp(t->from, status) == 0)
      return s->lasts[t->step];
  return -1;
}

static int find_due (struct store *s) {
  s->due = -1;
  return db_integer(s, "SELECT min(due) FROM documents WHERE due IS NOT NULL",
                    &s->due);
}

/* Carries out one row. The next status begins when this one was due, not 'now',
** because a long step of the clock may pass through several. */
static int carry_out (struct store *s, const struct kind *kind,
                      const struct transition *t, int64_t now) {
  const int64_t lasts = db_lasts(s, kind, t->to);
  char *sql = sqlite3_mprintf(
    "UPDATE documents SET status = %Q, due = iif(%lld < 0, NULL, due + %lld),"
    " body = json_set(body, '$.status', %Q%s)"
    " WHERE due <= %lld AND kind = %Q AND status = %Q AND (%s)",
    t->to, (long long)lasts, (long long)lasts, t->to, t->set, (long long)now,
    kind->name, t->from, t->when != NULL ? t->when : "1");
  int good = db_run(s, sql);
  sqlite3_free(sql);
  return good;
}

int store_enter (struct store *s, int64_t now) {
  const struct kind *const *kind;
  const struct transition *t;
  int good;
  pthread_mutex_lock(&s->lock);
  if (s->due < 0 || now < s->due)
    return 1;
  good = db_run(s, "BEGIN");
  for (kind = s->kinds; *kind != NULL; kind++)
    for (t = (*kind)->transitions; good && t != NULL && t->from != NULL; t++)
      good = carry_out(s, *kind, t, now);
  if (good && db_run(s, "COMMIT") && find_due(s))
    return 1;
  db_run(s, "ROLLBACK"); /* the next call tries again */
  store_leave(s);
  return 0;
}

void store_leave (struct store *s) {
  pthread_mutex_unlock(&s->lock);
}

enum store_code store_commit (struct store *s, enum store_code code,
                              char **why) {
  if (code == STORE_OK && (!db_run(s, "COMMIT") || !find_due(s)))
    code = db_failed(s, why);
  if (code != STORE_OK)
    db_run(s, "ROLLBACK");
  store_leave(s);
  return code;
}

/* ---- Opening ---- */

/* Makes the tables, and moves over the rows of an earlier version. Returns NULL
** or the problem. */
static const char *make_tables (struct store *s) {
  int64_t objects = 0, application = 0, version = 0;
  if (!db_integer(s, "SELECT count(*) FROM sqlite_schema", &objects)
      || !db_integer(s, "PRAGMA application_id", &application)
      || !db_integer(s, "PRAGMA user_version", &version))
    return sqlite3_errmsg(s->db);
  if (objects > 0 && application != APPLICATION)
    return "it is a database of another program";
  if (version > VERSION)
    return "it was made by a later version";
  if ((version < 2 && !db_run(s, tables))
      || (version == 1 && !db_run(s, from_version_1))
      || (version == 2 && !db_run(s, from_version_2))
      || (version < VERSION && !db_run(s, key_table)))
    return sqlite3_errmsg(s->db);
  return NULL;
}

/* Locks the file for this process and makes what is missing in it. Returns NULL
** or the problem. */
static const char *prepare_file (struct store *s) {
  int64_t any = 0;
  const char *wrong;
  if (!db_run(s, setup) || !db_run(s, "BEGIN EXCLUSIVE")) {
    int code = sqlite3_errcode(s->db);
    return code == SQLITE_BUSY || code == SQLITE_LOCKED
             ? "it is in use by another process"
             : sqlite3_errmsg(s->db);
  }
  wrong = make_tables(s);
  if (wrong != NULL)
    return wrong;
  /* never less than the rows there ever were: no id is made up twice */
  if (!db_integer(s,
                  "SELECT ifnull(max(seq), 0) +"
                  " (SELECT count(*) FROM tombstones) FROM documents",
                  &s->added)
      || !db_run(s, "DELETE FROM keys WHERE id IS NULL")
      || !db_integer(s, "SELECT 1 FROM documents LIMIT 1", &any)
      || (any && !db_index(s)) || !db_run(s, "COMMIT") || !find_due(s)
      || !db_open_outbox(s))
    return sqlite3_errmsg(s->db);
  s->was_empty = !any;
  return NULL;
}

/* Opens the file and prepares it. Returns NULL or the problem. */
static const char *open_file (struct store *s, const char *path) {
  const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE
                    | SQLITE_OPEN_NOMUTEX; /* the mutex is ours */
  if (!sqlite3_threadsafe())
    return "this SQLite library was built without threads";
  if (sqlite3_open_v2(path, &s->db, flags, NULL) != SQLITE_OK)
    return s->db != NULL ? sqlite3_errmsg(s->db) : "not enough memory";
  return prepare_file(s);
}

enum store_code store_open (struct store **out, const char *path,
                            const struct kind *const *kinds, char **why) {
  struct store *s = calloc(1, sizeof(*s));
  const char *wrong;
  *out = NULL;
  *why = NULL;
  if (s == NULL)
    return STORE_FAILED;
  pthread_mutex_init(&s->lock, NULL);
  s->kinds = kinds;
  wrong = open_file(s, path);
  if (wrong == NULL) {
    *out = s;
    return STORE_OK;
  }
  *why = sqlite3_mprintf("cannot open database %s: %s", path, wrong);
  store_close(s);
  return STORE_FAILED;
}

void store_close (struct store *s) {
  if (s == NULL)
    return;
  sqlite3_close(s->db);
  pthread_mutex_destroy(&s->lock);
  free(s);
}

void store_pace (struct store *s, const int64_t lasts[STEPS]) {
  pthread_mutex_lock(&s->lock);
  memcpy(s->lasts, lasts, sizeof(s->lasts));
  store_leave(s);
}

int64_t store_due (struct store *s) {
  int64_t due;
  pthread_mutex_lock(&s->lock);
  due = s->due;
  store_leave(s);
  return due;
}

int store_was_empty (const struct store *s) {
  return s->was_empty;
}

enum store_code store_clear (struct store *s) {
  int good;
  pthread_mutex_lock(&s->lock);
  /* without indexes it is done page by page, and filled again faster */
  good = db_run(
    s,
    "BEGIN; DROP INDEX IF EXISTS by_id;"
    "DROP INDEX IF EXISTS by_time;"
    "DROP INDEX IF EXISTS by_batch;"
    "DROP INDEX IF EXISTS by_due;"
    "DELETE FROM documents; DELETE FROM tombstones;"
    "DELETE FROM keys; DELETE FROM outbox; DELETE FROM sent; COMMIT");
  if (good)
    s->added = 0;
  else
    db_run(s, "ROLLBACK");
  good = find_due(s) && good;
  store_leave(s);
  return good ? STORE_OK : STORE_FAILED;
}
