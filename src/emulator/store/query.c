/* SPDX-License-Identifier: MIT
**
** query: what is asked of the store: listings, counts, single rows, and the
** delete. See store.h. Each call compiles its statement and frees it.
*/

#include "database.h"
#include "text.h"

#include <string.h>

#define BATCH_ROWS  100   /* rows given by one step of a scan */
#define BATCH_LOOKS 20000 /* rows looked at: a bound on holding the lock */

/* The parameters that every query shares. */
enum parameter { ORG = 1, STATUS, IDS, SOURCE, PROJECT, FROM, UNTIL, LIMIT };

void filter_close (struct filter *f) {
  sqlite3_free(f->status);
  sqlite3_free(f->ids);
  sqlite3_free(f->source);
  f->status = f->ids = f->source = NULL;
}

/* Compiles "<head> WHERE <org and filter> <tail>" and binds its first five
** parameters. The "+" of a column keeps the planner from an index: with ids
** that of the ids is the right one, and a scan goes by row number. */
static sqlite3_stmt *prepare (struct store *s, const char *head, int by_time,
                              const char *org, const struct filter *f,
                              const char *tail) {
  sqlite3_str *sql = sqlite3_str_new(s->db);
  sqlite3_stmt *q;
  char *text;
  sqlite3_str_appendf(sql, "%s WHERE %sorg = ?1", head,
                      by_time && f->ids == NULL ? "" : "+");
  if (f->status != NULL)
    sqlite3_str_appendall(sql,
                          " AND status IN (SELECT value FROM json_each(?2))");
  if (f->ids != NULL)
    sqlite3_str_appendall(sql, " AND id IN (SELECT value FROM json_each(?3))");
  if (f->source != NULL)
    sqlite3_str_appendall(sql,
                          " AND source IN (SELECT value FROM json_each(?4))");
  if (f->project[0] != '\0')
    sqlite3_str_appendall(sql, " AND project = ?5");
  sqlite3_str_appendf(sql, " %s", tail);
  text = sqlite3_str_finish(sql);
  q = db_prepare(s, text);
  sqlite3_free(text);
  db_text(q, ORG, org);
  db_text(q, STATUS, f->status);
  db_text(q, IDS, f->ids);
  db_text(q, SOURCE, f->source);
  db_text(q, PROJECT, f->project);
  return q;
}

enum store_code store_count (struct store *s, const char *org,
                             const struct filter *f, int64_t now,
                             int64_t *count) {
  enum store_code code = STORE_FAILED;
  sqlite3_stmt *q;
  store_enter(s, now);
  q = prepare(s, "SELECT count(*) FROM generations", 1, org, f, "");
  if (sqlite3_step(q) == SQLITE_ROW) {
    *count = sqlite3_column_int64(q, 0);
    code = STORE_OK;
  }
  sqlite3_finalize(q);
  store_leave(s);
  return code;
}

/* ---- A page, in the order of time ---- */

/* Reads a place by a query for an organization and an id. */
static int find_position (struct store *s, const char *sql, const char *org,
                          const char *id, struct position *position) {
  sqlite3_stmt *q = db_prepare(s, sql);
  int found;
  db_text(q, 1, org);
  db_text(q, 2, id);
  found = sqlite3_step(q) == SQLITE_ROW;
  if (found) {
    const char *text = (const char *)sqlite3_column_text(q, 1);
    position->created = sqlite3_column_int64(q, 0);
    sqlite3_snprintf(UUID_SIZE, position->id, "%s", text);
  }
  sqlite3_finalize(q);
  return found;
}

enum store_code store_position (struct store *s, const char *org,
                                const char *id, struct position *position,
                                int *gone) {
  int found;
  pthread_mutex_lock(&s->lock);
  *gone = 0;
  found = find_position(s,
                        "SELECT created, id FROM generations"
                        " WHERE +org = ?1 AND id = ?2",
                        org, id, position);
  if (!found)
    found = *gone = find_position(s,
                                  "SELECT created, id FROM gone"
                                  " WHERE org = ?1 AND id = ?2",
                                  org, id, position);
  store_leave(s);
  return found ? STORE_OK : STORE_NONE;
}

/* Appends what a query gives, separated by commas; returns how many rows, or
** -1. '*last' is the second column of the last row. */
static int append_rows (sqlite3_stmt *q, sqlite3_str *out, int64_t *last) {
  int rows = 0, code;
  while ((code = sqlite3_step(q)) == SQLITE_ROW) {
    const char *text = (const char *)sqlite3_column_text(q, 0);
    if (rows++ > 0)
      sqlite3_str_appendchar(out, 1, ',');
    sqlite3_str_append(out, text, sqlite3_column_bytes(q, 0));
    *last = sqlite3_column_int64(q, 1);
  }
  sqlite3_finalize(q);
  return code == SQLITE_DONE ? rows : -1;
}

enum store_code store_page (struct store *s, const char *org,
                            const struct filter *f, int64_t now,
                            const struct position *after, int limit,
                            sqlite3_str *out) {
  sqlite3_stmt *q;
  int64_t last;
  int rows;
  store_enter(s, now);
  q = prepare(
    s, "SELECT body, seq FROM generations", 1, org, f,
    after == NULL
      ? "ORDER BY created DESC, id DESC LIMIT ?8"
      : "AND (created, id) < (?6, ?7) ORDER BY created DESC, id DESC LIMIT ?8");
  if (after != NULL) {
    sqlite3_bind_int64(q, FROM, after->created);
    db_text(q, UNTIL, after->id);
  }
  sqlite3_bind_int(q, LIMIT, limit);
  sqlite3_str_appendchar(out, 1, '[');
  rows = append_rows(q, out, &last);
  sqlite3_str_appendchar(out, 1, ']');
  store_leave(s);
  return rows < 0 ? STORE_FAILED : STORE_OK;
}

/* ---- A scan, in the order of insertion ---- */

enum store_code store_scan_open (struct store *s, struct scan *scan) {
  pthread_mutex_lock(&s->lock);
  scan->at = 0;
  scan->last = db_integer(s, "SELECT max(seq) FROM generations", 0);
  store_leave(s);
  return STORE_OK;
}

enum store_code store_scan (struct store *s, const char *org,
                            const struct filter *f, int64_t now,
                            struct scan *scan, sqlite3_str *out) {
  int64_t until = scan->last, last = scan->at;
  sqlite3_stmt *q;
  int rows;
  if (scan->at >= scan->last)
    return STORE_NONE;
  /* ids lead straight to their rows: no need to look in small steps */
  if (f->ids == NULL && until > scan->at + BATCH_LOOKS)
    until = scan->at + BATCH_LOOKS;
  store_enter(s, now);
  q = prepare(s, "SELECT body, seq FROM generations", 0, org, f,
              "AND seq > ?6 AND seq <= ?7 ORDER BY seq LIMIT ?8");
  sqlite3_bind_int64(q, FROM, scan->at);
  sqlite3_bind_int64(q, UNTIL, until);
  sqlite3_bind_int(q, LIMIT, BATCH_ROWS);
  rows = append_rows(q, out, &last);
  store_leave(s);
  if (rows < 0)
    return STORE_FAILED;
  scan->at = rows < BATCH_ROWS ? until : last;
  return STORE_OK;
}

/* ---- A row by itself ---- */

/* Reads a row; the lock is held. */
static enum store_code read_row (struct store *s, const char *org,
                                 const char *id, struct row *row) {
  sqlite3_stmt *q = db_prepare(s,
                               "SELECT body, status, due FROM generations"
                               " WHERE +org = ?1 AND id = ?2");
  enum store_code code = STORE_NONE;
  int step;
  db_text(q, 1, org);
  db_text(q, 2, id);
  step = sqlite3_step(q);
  if (step == SQLITE_ROW) {
    row->json = db_copy(q, 0);
    row->terminal = status_is_terminal((const char *)sqlite3_column_text(q, 1));
    row->due = sqlite3_column_type(q, 2) == SQLITE_NULL
                 ? -1
                 : sqlite3_column_int64(q, 2);
    code = row->json != NULL ? STORE_OK : STORE_FAILED;
  }
  else if (step != SQLITE_DONE) {
    code = STORE_FAILED;
  }
  sqlite3_finalize(q);
  return code;
}

enum store_code store_get (struct store *s, const char *org, const char *id,
                           int64_t now, struct row *row) {
  enum store_code code;
  store_enter(s, now);
  code = read_row(s, org, id, row);
  store_leave(s);
  return code;
}

/* Removes a row but remembers where it was, for cursors. */
static int remove_row (struct store *s, const char *id) {
  sqlite3_stmt *keep, *drop;
  if (!db_run(s, "BEGIN"))
    return 0;
  keep = db_prepare(s,
                    "INSERT OR REPLACE INTO gone"
                    " SELECT id, org, created FROM generations"
                    " WHERE id = ?1");
  drop = db_prepare(s, "DELETE FROM generations WHERE id = ?1");
  db_text(keep, 1, id);
  db_text(drop, 1, id);
  if ((db_finish(keep) & db_finish(drop)) && db_run(s, "COMMIT"))
    return 1;
  db_run(s, "ROLLBACK");
  return 0;
}

enum store_code store_delete (struct store *s, const char *org, const char *id,
                              int64_t now, char **json) {
  struct row row = {NULL, 0, -1};
  enum store_code code;
  store_enter(s, now);
  code = read_row(s, org, id, &row);
  if (code == STORE_OK && !row.terminal)
    code = STORE_RUNNING;
  else if (code == STORE_OK && !remove_row(s, id))
    code = STORE_FAILED;
  store_leave(s);
  if (code != STORE_OK) {
    sqlite3_free(row.json);
    row.json = NULL;
  }
  *json = row.json;
  return code;
}
