/* SPDX-License-Identifier: MIT
**
** value: see value.h.
*/

#include "value.h"
#include "text.h"

#include <string.h>

int value_is (const struct value *v, const char *type) {
  return strcmp(v->type, type) == 0;
}

/* Compiles a statement about a JSON text (?1) and a path (?2). NULL where that
** is no JSON. SQLite reads to the first NUL: what follows would go unseen. */
static sqlite3_stmt *prepare (sqlite3 *db, const char *sql, const char *json,
                              size_t length, const char *path) {
  sqlite3_stmt *q = NULL;
  if (memchr(json, '\0', length) == NULL)
    sqlite3_prepare_v2(db, sql, -1, &q, NULL);
  sqlite3_bind_text64(q, 1, json, length, SQLITE_STATIC, SQLITE_UTF8);
  sqlite3_bind_text(q, 2, path, -1, SQLITE_STATIC);
  return q;
}

/* A fraction's value would come out of the C library's strtod in some builds
** of SQLite, and in a locale with a decimal comma as something else. So its
** text is asked for instead, by the one function that gives that: two paths
** make "[1.5,1.5]". */
static const char each_sql[] =
  "SELECT key, type, CASE type WHEN 'real'"
  " THEN substr(pair, 2, (length(pair) - 3) / 2) ELSE value END"
  " FROM (SELECT key, type, value, CASE type WHEN 'real'"
  "  THEN json_extract(?1, fullkey, fullkey) END AS pair"
  "  FROM json_each(?1, ?2)) ORDER BY key";

static int walk (sqlite3_stmt *q, value_reader reader, void *arg) {
  struct value value;
  int result = 0, step = SQLITE_ROW;
  while (result == 0 && (step = sqlite3_step(q)) == SQLITE_ROW) {
    value.key = sqlite3_column_type(q, 0) == SQLITE_TEXT
                  ? (const char *)sqlite3_column_text(q, 0)
                  : NULL;
    value.type = (const char *)sqlite3_column_text(q, 1);
    value.number = sqlite3_column_double(q, 2);
    value.text = (const char *)sqlite3_column_text(q, 2);
    result = reader(arg, &value);
  }
  return result == 0 && step != SQLITE_DONE ? VALUE_OTHER : result;
}

int value_walk (const char *json, size_t length, const char *path,
                const char *type, value_reader reader, void *arg) {
  sqlite3 *db = NULL;
  sqlite3_stmt *q = NULL;
  char *is;
  int result = VALUE_OTHER;
  sqlite3_open(":memory:", &db);
  q = prepare(db, "SELECT json_type(?1, ?2)", json, length, path);
  is = sqlite3_step(q) == SQLITE_ROW ? (char *)sqlite3_column_text(q, 0) : NULL;
  if (is != NULL && strcmp(is, type) == 0) {
    sqlite3_finalize(q);
    q = prepare(db, each_sql, json, length, path);
    result = walk(q, reader, arg);
  }
  sqlite3_finalize(q);
  sqlite3_close(db);
  return result;
}

int value_tree (const char *json, size_t length, value_reader reader,
                void *arg) {
  sqlite3 *db = NULL;
  sqlite3_stmt *q;
  int result;
  sqlite3_open(":memory:", &db);
  q = prepare(db,
              "SELECT replace(substr(fullkey, 3), '\"', ''), type, atom"
              " FROM json_tree(?1)",
              json, length, NULL);
  result = q != NULL ? walk(q, reader, arg) : VALUE_OTHER;
  sqlite3_finalize(q);
  sqlite3_close(db);
  return result;
}

int value_row (const char *sql, const char *json, size_t length,
               const char *other, char **columns, int count) {
  sqlite3 *db = NULL;
  sqlite3_stmt *q;
  int row, i;
  sqlite3_open(":memory:", &db);
  q = prepare(db, sql, json, length, other);
  row = sqlite3_step(q) == SQLITE_ROW;
  for (i = 0; i < count; i++)
    columns[i] = row && sqlite3_column_type(q, i) != SQLITE_NULL
                   ? sqlite3_mprintf("%s", sqlite3_column_text(q, i))
                   : NULL;
  sqlite3_finalize(q);
  sqlite3_close(db);
  return row;
}

char *value_query (const char *sql, const char *json, size_t length,
                   const char *other) {
  char *text;
  value_row(sql, json, length, other, &text, 1);
  return text;
}

char *value_text (const char *json, size_t length, const char *path) {
  return value_query(
    "SELECT json_extract(?1, ?2)"
    " WHERE json_type(?1, ?2) = 'text' AND json_extract(?1, ?2) <> ''",
    json, length, path);
}
