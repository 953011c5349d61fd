/* SPDX-License-Identifier: MIT
**
** value: reads JSON that others sent with the database's own JSON functions,
** so the emulator has no parser. See store.h.
*/

#include "database.h"

#include <string.h>

/* SQLite reads its argument as a C string: what stands behind a NUL would go
** unseen. */
static int is_json (sqlite3_stmt *q, const char *json, size_t length) {
  if (length > 0 && memchr(json, '\0', length) != NULL)
    return 0;
  sqlite3_bind_text64(q, 1, json, length, SQLITE_STATIC, SQLITE_UTF8);
  return sqlite3_step(q) == SQLITE_ROW && sqlite3_column_int(q, 0);
}

/* Whether what is at 'path' in a JSON text is of the given type. */
static int check_type (struct store *s, const char *json, size_t length,
                       const char *path, const char *type) {
  sqlite3_stmt *q = db_prepare(s, "SELECT json_valid(?1)");
  int result = is_json(q, json, length) ? 0 : VALUE_NOT_JSON;
  sqlite3_finalize(q);
  if (result != 0)
    return result;
  q = db_prepare(s, "SELECT json_type(?1, ?2) = ?3");
  sqlite3_bind_text64(q, 1, json, length, SQLITE_STATIC, SQLITE_UTF8);
  db_text(q, 2, path);
  db_text(q, 3, type);
  if (sqlite3_step(q) != SQLITE_ROW || !sqlite3_column_int(q, 0))
    result = VALUE_OTHER;
  sqlite3_finalize(q);
  return result;
}

static void read_value (sqlite3_stmt *q, int keyed, struct value *value) {
  value->key = keyed ? (const char *)sqlite3_column_text(q, 0) : NULL;
  value->type = (const char *)sqlite3_column_text(q, 1);
  value->number = sqlite3_column_double(q, 2);
  value->text = (const char *)sqlite3_column_text(q, 2);
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
  "  FROM json_each(?1, ?2))";

static int walk (struct store *s, const char *json, size_t length,
                 const char *path, int keyed, value_reader reader, void *arg) {
  sqlite3_stmt *q = db_prepare(s, each_sql);
  struct value value;
  int result = 0;
  sqlite3_bind_text64(q, 1, json, length, SQLITE_STATIC, SQLITE_UTF8);
  db_text(q, 2, path);
  while (result == 0 && sqlite3_step(q) == SQLITE_ROW) {
    read_value(q, keyed, &value);
    result = reader(arg, &value);
  }
  sqlite3_finalize(q);
  return result;
}

int store_values (struct store *s, const char *json, size_t length,
                  const char *path, const char *type, value_reader reader,
                  void *arg) {
  int result;
  pthread_mutex_lock(&s->lock);
  result = check_type(s, json, length, path, type);
  if (result == 0)
    result = walk(s, json, length, path, strcmp(type, "object") == 0, reader,
                  arg);
  pthread_mutex_unlock(&s->lock);
  return result;
}
