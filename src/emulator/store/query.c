/* SPDX-License-Identifier: MIT
**
** query: listings, counts, single documents, and the delete. See store.h. Each
** call compiles its statement and frees it.
*/

#include "database.h"
#include "text.h"

#include <string.h>

#define BATCH_ROWS  100   /* rows given by one step of a scan */
#define BATCH_LOOKS 20000 /* rows it looks at, because it holds the lock */

/* The parameters of every query; the values of the filters follow. */
enum parameter { ORG = 1, KIND, FROM, UNTIL, LIMIT, VALUES };

/* The SQL function shown(body). */
static void call_show (sqlite3_context *context, int count,
                       sqlite3_value **values) {
  struct store *s = sqlite3_user_data(context);
  const char *json = (const char *)sqlite3_value_text(values[0]);
  char *shown = json != NULL ? s->show(s->show_arg, json) : NULL;
  (void)count;
  if (shown != NULL)
    sqlite3_result_text(context, shown, -1, sqlite3_free);
  else
    sqlite3_result_value(context, values[0]);
}

int store_show (struct store *s, char *(*show)(void *arg, const char *json),
                void *arg) {
  s->show = show;
  s->show_arg = arg;
  return sqlite3_create_function(s->db, "shown", 1, SQLITE_UTF8, s, call_show,
                                 NULL, NULL)
         == SQLITE_OK;
}

void scope_close (struct scope *scope) {
  int i;
  for (i = 0; i < FILTERS_MAX; i++)
    sqlite3_free(scope->values[i]);
  sqlite3_free(scope->org);
  memset(scope, 0, sizeof(*scope));
}

/* Whether the scope names ids, which lead straight to their rows. */
static int has_ids (const struct scope *scope) {
  int i;
  for (i = 0; scope->kind->filters[i].parameter != NULL; i++)
    if (scope->values[i] != NULL
        && strcmp(scope->kind->filters[i].column, "id") == 0)
      return 1;
  return 0;
}

/* Compiles "<head> WHERE <scope> <tail>" and binds the scope. A "+" before a
** column keeps the planner from its index: a scan goes by row number, and ids
** have the best index. */
static sqlite3_stmt *prepare (struct store *s, const char *head, int is_scan,
                              const struct scope *scope, const char *tail) {
  const struct filter_rule *rules = scope->kind->filters;
  sqlite3_str *sql = sqlite3_str_new(s->db);
  const int ids = has_ids(scope);
  sqlite3_stmt *q;
  int i;
  sqlite3_str_appendf(sql, "%s WHERE %skind = ?2 AND %sorg = ?1", head,
                      is_scan && !ids ? "+" : "", is_scan || ids ? "+" : "");
  for (i = 0; rules[i].parameter != NULL; i++)
    if (scope->values[i] != NULL)
      sqlite3_str_appendf(sql, " AND %s IN (SELECT value FROM json_each(?%d))",
                          rules[i].column, VALUES + i);
  sqlite3_str_appendf(sql, " %s", tail);
  q = db_prepare_built(s, sql);
  db_text(q, ORG, scope->org);
  db_text(q, KIND, scope->kind->name);
  for (i = 0; rules[i].parameter != NULL; i++)
    db_text(q, VALUES + i, scope->values[i]);
  return q;
}

enum store_code store_text (struct store *s, int64_t now, const char *sql,
                            const char *const *values, int count, char **text) {
  enum store_code code = STORE_FAILED;
  sqlite3_stmt *q;
  int i, step;
  *text = NULL;
  if (!store_enter(s, now))
    return code;
  q = db_prepare(s, sql);
  for (i = 0; i < count; i++)
    db_text(q, i + 1, values[i]);
  step = sqlite3_step(q);
  if (step == SQLITE_ROW && sqlite3_column_type(q, 0) != SQLITE_NULL)
    *text = sqlite3_mprintf("%s", sqlite3_column_text(q, 0));
  if (step == SQLITE_ROW || step == SQLITE_DONE)
    code = *text != NULL ? STORE_OK : STORE_NONE;
  sqlite3_finalize(q);
  store_leave(s);
  return code;
}

enum store_code store_count (struct store *s, const struct scope *scope,
                             int64_t *count) {
  enum store_code code = STORE_FAILED;
  sqlite3_stmt *q;
  if (!store_enter(s, scope->now))
    return STORE_FAILED;
  q = prepare(s, "SELECT count(*) FROM documents", 0, scope, "");
  if (sqlite3_step(q) == SQLITE_ROW) {
    *count = sqlite3_column_int64(q, 0);
    code = STORE_OK;
  }
  sqlite3_finalize(q);
  store_leave(s);
  return code;
}

/* ---- A page, in the order of time ---- */

/* Compiles a query for one row of a table, which is found by its id. */
static sqlite3_stmt *prepare_one (struct store *s, const char *columns,
                                  const char *table, const struct scope *scope,
                                  const char *id) {
  sqlite3_str *sql = sqlite3_str_new(s->db);
  sqlite3_stmt *q;
  sqlite3_str_appendf(sql,
                      "SELECT %s FROM %s"
                      " WHERE +org = ?1 AND kind = ?2 AND id = ?3",
                      columns, table);
  q = db_prepare_built(s, sql);
  db_text(q, 1, scope->org);
  db_text(q, 2, scope->kind->name);
  db_text(q, 3, id);
  return q;
}

/* Reads a position from a table. */
static enum store_code find_position (struct store *s, const char *table,
                                      const struct scope *scope, const char *id,
                                      struct position *position) {
  sqlite3_stmt *q = prepare_one(s, "created, id", table, scope, id);
  int step = sqlite3_step(q);
  if (step == SQLITE_ROW) {
    position->created = sqlite3_column_int64(q, 0);
    sqlite3_snprintf(ID_SIZE, position->id, "%s", sqlite3_column_text(q, 1));
  }
  sqlite3_finalize(q);
  return step == SQLITE_ROW    ? STORE_OK
         : step == SQLITE_DONE ? STORE_NONE
                               : STORE_FAILED;
}

enum store_code store_position (struct store *s, const struct scope *scope,
                                const char *id, struct position *position,
                                int *deleted) {
  enum store_code code;
  pthread_mutex_lock(&s->lock);
  code = find_position(s, "documents", scope, id, position);
  *deleted = code == STORE_NONE;
  if (*deleted)
    code = find_position(s, "tombstones", scope, id, position);
  store_leave(s);
  return code;
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

enum store_code store_page (struct store *s, const struct scope *scope,
                            const struct position *after, int limit,
                            sqlite3_str *out) {
  sqlite3_stmt *q;
  int64_t last;
  int rows;
  if (!store_enter(s, scope->now))
    return STORE_FAILED;
  q = prepare(
    s, "SELECT shown(body), seq FROM documents", 0, scope,
    after == NULL
      ? "ORDER BY created DESC, id DESC LIMIT ?5"
      : "AND (created, id) < (?3, ?4) ORDER BY created DESC, id DESC LIMIT ?5");
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
  int good;
  scan->at = scan->last = 0;
  pthread_mutex_lock(&s->lock);
  good = db_integer(s, "SELECT max(seq) FROM documents", &scan->last);
  store_leave(s);
  return good ? STORE_OK : STORE_FAILED;
}

enum store_code store_scan (struct store *s, const struct scope *scope,
                            struct scan *scan, sqlite3_str *out) {
  int64_t until = scan->last, last = scan->at;
  sqlite3_stmt *q;
  int rows;
  if (scan->at >= scan->last)
    return STORE_NONE;
  if (!has_ids(scope) && until > scan->at + BATCH_LOOKS)
    until = scan->at + BATCH_LOOKS;
  if (!store_enter(s, scope->now))
    return STORE_FAILED;
  q = prepare(s, "SELECT shown(body), seq FROM documents", 1, scope,
              "AND seq > ?3 AND seq <= ?4 ORDER BY seq LIMIT ?5");
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

/* ---- A document by itself ---- */

static int is_terminal (const struct kind *kind, const char *status) {
  const struct names terminal = {kind->terminal, sizeof(*kind->terminal)};
  return kind->terminal == NULL
         || (status != NULL && text_is_known(status, terminal));
}

/* The progress of a document. Its first status is that of a queue: 0. */
static int progress_of (const struct store *s, const struct kind *kind,
                        const char *status, int64_t left) {
  const int64_t lasts = db_lasts(s, kind, status);
  if (is_terminal(kind, status))
    return 100;
  if (lasts <= 0 || strcmp(status, kind->transitions[0].from) == 0)
    return 0;
  return left < lasts ? (int)(99 - left * 99 / lasts) : 0; /* was set longer */
}

/* Reads a document; the lock is held. */
static enum store_code read_document (struct store *s,
                                      const struct scope *scope, const char *id,
                                      struct document *d) {
  sqlite3_stmt *q = prepare_one(s, "shown(body), status, ifnull(due, -1)",
                                "documents", scope, id);
  int step = sqlite3_step(q);
  enum store_code code = step == SQLITE_DONE ? STORE_NONE : STORE_FAILED;
  if (step == SQLITE_ROW) {
    const char *status = (const char *)sqlite3_column_text(q, 1);
    d->json = sqlite3_mprintf("%s", sqlite3_column_text(q, 0));
    d->due = sqlite3_column_int64(q, 2);
    d->terminal = is_terminal(scope->kind, status);
    d->progress = progress_of(s, scope->kind, status, d->due - scope->now);
    code = d->json != NULL ? STORE_OK : STORE_FAILED;
  }
  sqlite3_finalize(q);
  return code;
}

enum store_code store_get (struct store *s, const struct scope *scope,
                           const char *id, struct document *document) {
  enum store_code code;
  if (!store_enter(s, scope->now))
    return STORE_FAILED;
  code = read_document(s, scope, id, document);
  store_leave(s);
  return code;
}

/* Merges a patch into the body of a row. */
static int patch_row (struct store *s, const struct kind *kind, const char *id,
                      const char *patch) {
  sqlite3_stmt *q = db_prepare(s,
                               "UPDATE documents SET body ="
                               " json_patch(body, ?3)"
                               " WHERE kind = ?1 AND id = ?2");
  int good;
  db_text(q, 1, kind->name);
  db_text(q, 2, id);
  db_text(q, 3, patch);
  good = sqlite3_step(q) == SQLITE_DONE;
  sqlite3_finalize(q);
  return good;
}

enum store_code store_change (struct store *s, const struct scope *scope,
                              const char *id, const char *patch, char **json) {
  struct document d = {NULL, 0, -1, 0};
  enum store_code code;
  if (!store_enter(s, scope->now))
    return STORE_FAILED;
  code = read_document(s, scope, id, &d);
  if (code == STORE_OK) {
    sqlite3_free(d.json);
    d.json = NULL;
    code = patch_row(s, scope->kind, id, patch)
             ? read_document(s, scope, id, &d)
             : STORE_FAILED;
  }
  store_leave(s);
  *json = d.json;
  return code;
}

/* Replaces a row by a tombstone, which keeps its position for cursors. */
static int bury (struct store *s, const struct kind *kind, const char *id) {
  char *sql = sqlite3_mprintf(
    "BEGIN; INSERT OR REPLACE INTO tombstones SELECT kind, id, org, created"
    " FROM documents WHERE kind = %Q AND id = %Q;"
    " DELETE FROM documents WHERE kind = %Q AND id = %Q; COMMIT",
    kind->name, id, kind->name, id);
  int good = db_run(s, sql);
  if (!good)
    db_run(s, "ROLLBACK");
  sqlite3_free(sql);
  return good;
}

enum store_code store_delete (struct store *s, const struct scope *scope,
                              const char *id, char **json) {
  struct document d = {NULL, 0, -1, 0};
  enum store_code code;
  if (!store_enter(s, scope->now))
    return STORE_FAILED;
  code = read_document(s, scope, id, &d);
  if (code == STORE_OK && !d.terminal)
    code = STORE_RUNNING;
  else if (code == STORE_OK && !bury(s, scope->kind, id))
    code = STORE_FAILED;
  store_leave(s);
  if (code != STORE_OK) {
    sqlite3_free(d.json);
    d.json = NULL;
  }
  *json = d.json;
  return code;
}
