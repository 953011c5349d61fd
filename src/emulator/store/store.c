/* SPDX-License-Identifier: MIT
**
** store: opening and closing the database, its tables, and the passing of
** time in it. See store.h; what is asked is in query.c, what is put in and
** taken out in import.c.
**
** A file is kept with SQLite's rollback journal and without waiting for the
** disk: a killed process leaves a file that opens again; only a crash of the
** machine itself may cost it. One process has it at a time.
*/

#include "database.h"
#include "text.h"

#include <stdlib.h>
#include <string.h>

#define APPLICATION "1279873107" /* "LIPS": marks the file as ours */

static const char setup[] =
  "PRAGMA locking_mode = EXCLUSIVE;"
  "PRAGMA journal_mode = DELETE;"
  "PRAGMA synchronous = OFF;"
  "PRAGMA cache_size = -16000;";

/* 'body' is last: whoever filters by the other columns does not read it. */
static const char tables[] =
  "CREATE TABLE IF NOT EXISTS generations ("
  "  seq INTEGER PRIMARY KEY,"
  "  id TEXT NOT NULL COLLATE NOCASE,"
  "  org TEXT NOT NULL,"
  "  created INTEGER NOT NULL,"
  "  status TEXT NOT NULL,"
  "  source TEXT NOT NULL,"
  "  project TEXT COLLATE NOCASE,"
  "  due INTEGER,"
  "  body TEXT NOT NULL);"
  "CREATE TABLE IF NOT EXISTS gone ("
  "  id TEXT PRIMARY KEY COLLATE NOCASE,"
  "  org TEXT NOT NULL,"
  "  created INTEGER NOT NULL) WITHOUT ROWID;"
  "PRAGMA application_id = " APPLICATION
  ";"
  "PRAGMA user_version = 1;";

static const char indexes[] =
  "CREATE UNIQUE INDEX IF NOT EXISTS by_id ON generations (id);"
  "CREATE INDEX IF NOT EXISTS by_time"
  "  ON generations (org, created, id, status);"
  "CREATE INDEX IF NOT EXISTS by_due"
  "  ON generations (due) WHERE due IS NOT NULL;";

/* ---- SQLite with less writing ---- */

sqlite3_stmt *db_prepare (struct store *s, const char *sql) {
  sqlite3_stmt *q = NULL;
  if (sql != NULL)
    sqlite3_prepare_v2(s->db, sql, -1, &q, NULL);
  return q;
}

void db_text (sqlite3_stmt *q, int i, const char *text) {
  sqlite3_bind_text(q, i, text, -1, SQLITE_STATIC);
}

int db_run (struct store *s, const char *sql) {
  return sqlite3_exec(s->db, sql, NULL, NULL, NULL) == SQLITE_OK;
}

int db_finish (sqlite3_stmt *q) {
  int code = q != NULL ? sqlite3_step(q) : SQLITE_ERROR;
  sqlite3_finalize(q);
  return code == SQLITE_DONE || code == SQLITE_ROW;
}

int64_t db_integer (struct store *s, const char *sql, int64_t otherwise) {
  sqlite3_stmt *q = db_prepare(s, sql);
  if (sqlite3_step(q) == SQLITE_ROW
      && sqlite3_column_type(q, 0) == SQLITE_INTEGER)
    otherwise = sqlite3_column_int64(q, 0);
  sqlite3_finalize(q);
  return otherwise;
}

char *db_copy (sqlite3_stmt *q, int column) {
  const char *text = (const char *)sqlite3_column_text(q, column);
  return text == NULL
           ? NULL
           : text_copy(text, (size_t)sqlite3_column_bytes(q, column));
}

enum store_code db_failed (struct store *s, char **why) {
  if (why != NULL)
    *why = sqlite3_mprintf("%s", sqlite3_errmsg(s->db));
  return STORE_FAILED;
}

int db_index (struct store *s) {
  return db_run(s, indexes);
}

/* ---- The passing of time ---- */

int status_is_terminal (const char *status) {
  return strcmp(status, "COMPLETED") == 0 || strcmp(status, "FAILED") == 0
         || strcmp(status, "REJECTED") == 0;
}

void db_find_due (struct store *s) {
  s->due = db_integer(s,
                      "SELECT min(due) FROM generations"
                      " WHERE due IS NOT NULL",
                      -1);
}

/* What a row becomes next. A PENDING one runs on from when it was due, not
** from now: a long step of the clock passes through both. */
static const char step_pending[] =
  "UPDATE generations SET status = 'PROCESSING', due = due + ?2,"
  " body = json_set(body, '$.status', 'PROCESSING')"
  " WHERE due <= ?1 AND status = 'PENDING'";

static const char step_failed[] =
  "UPDATE generations SET status = 'FAILED', due = NULL,"
  " body = json_set(body, '$.status', 'FAILED')"
  " WHERE due <= ?1 AND status = 'PROCESSING'"
  " AND json_extract(body, '$.errorCode') IS NOT NULL";

static const char step_completed[] =
  "UPDATE generations SET status = 'COMPLETED', due = NULL,"
  " body = json_set(body, '$.status', 'COMPLETED',"
  "  '$.outputDuration', 4 + seq % 60 + 0.25,"
  "  '$.outputUrl', 'https://media.example.com/outputs/' || id || '.mp4')"
  " WHERE due <= ?1 AND status = 'PROCESSING'";

/* Moves on all rows of one kind that are due. */
static int step (struct store *s, const char *sql, int64_t now) {
  sqlite3_stmt *q = db_prepare(s, sql);
  sqlite3_bind_int64(q, 1, now);
  if (sqlite3_bind_parameter_count(q) > 1)
    sqlite3_bind_int64(q, 2, STORE_PROCESSING_MS);
  return db_finish(q);
}

void store_enter (struct store *s, int64_t now) {
  pthread_mutex_lock(&s->lock);
  if (s->due < 0 || now < s->due)
    return;
  if (db_run(s, "BEGIN") && step(s, step_pending, now)
      && step(s, step_failed, now) && step(s, step_completed, now)
      && db_run(s, "COMMIT"))
    db_find_due(s);
  else
    db_run(s, "ROLLBACK"); /* it is tried again by the next call */
}

void store_leave (struct store *s) {
  pthread_mutex_unlock(&s->lock);
}

/* ---- Opening ---- */

/* Takes the file for this process and makes what is missing in it. Returns
** NULL, or what is wrong with it. */
static const char *prepare_file (struct store *s) {
  if (!db_run(s, setup) || !db_run(s, "BEGIN EXCLUSIVE")) {
    int code = sqlite3_errcode(s->db);
    return code == SQLITE_BUSY || code == SQLITE_LOCKED
             ? "it is in use by another process"
             : sqlite3_errmsg(s->db);
  }
  if (db_integer(s, "SELECT count(*) FROM sqlite_schema", 0) > 0
      && db_integer(s, "PRAGMA application_id", 0) != atoi(APPLICATION))
    return "it is a database of another program";
  if (!db_run(s, tables)
      || (db_integer(s, "SELECT 1 FROM generations LIMIT 1", 0) && !db_index(s))
      || !db_run(s, "COMMIT"))
    return sqlite3_errmsg(s->db);
  return NULL;
}

/* The same from the start: opens the file first. */
static const char *open_file (struct store *s, const char *path) {
  const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE
                    | SQLITE_OPEN_NOMUTEX; /* the mutex is ours */
  if (!sqlite3_threadsafe())
    return "this SQLite library was built without threads";
  if (sqlite3_open_v2(path, &s->db, flags, NULL) != SQLITE_OK)
    return s->db != NULL ? sqlite3_errmsg(s->db) : "not enough memory";
  return prepare_file(s);
}

enum store_code store_open (struct store **out, const char *path, char **why) {
  struct store *s = calloc(1, sizeof(*s));
  const char *problem;
  *out = NULL;
  *why = NULL;
  if (s == NULL)
    return STORE_FAILED;
  pthread_mutex_init(&s->lock, NULL);
  problem = open_file(s, path);
  if (problem != NULL) {
    *why = sqlite3_mprintf("cannot open database %s: %s", path, problem);
    store_close(s);
    return STORE_FAILED;
  }
  db_find_due(s);
  /* never less than the rows there ever were: no id is made up twice */
  s->added = (uint64_t)db_integer(
    s,
    "SELECT ifnull(max(seq), 0) +"
    " (SELECT count(*) FROM gone) FROM generations",
    0);
  *out = s;
  return STORE_OK;
}

void store_close (struct store *s) {
  if (s == NULL)
    return;
  sqlite3_close(s->db);
  pthread_mutex_destroy(&s->lock);
  free(s);
}

int store_is_empty (struct store *s) {
  int empty;
  pthread_mutex_lock(&s->lock);
  empty = !db_integer(s, "SELECT 1 FROM generations LIMIT 1", 0);
  pthread_mutex_unlock(&s->lock);
  return empty;
}

enum store_code store_clear (struct store *s) {
  int done;
  pthread_mutex_lock(&s->lock);
  /* without indexes it is done page by page, and filled again faster */
  done = db_run(s,
                "BEGIN; DROP INDEX IF EXISTS by_id;"
                "DROP INDEX IF EXISTS by_time;"
                "DROP INDEX IF EXISTS by_due;"
                "DELETE FROM generations; DELETE FROM gone; COMMIT");
  if (!done)
    db_run(s, "ROLLBACK");
  s->due = -1;
  s->added = 0;
  pthread_mutex_unlock(&s->lock);
  return done ? STORE_OK : STORE_FAILED;
}
