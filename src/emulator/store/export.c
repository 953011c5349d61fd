/* SPDX-License-Identifier: MIT
**
** export: writes all documents to a file. See store.h.
*/

#include "database.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Documents of the first kind need not name it. */
static const char rows_sql[] =
  "SELECT json_set(body, '$.source', source, '$.organization', org,"
  " iif(kind = ?2, '$.source', '$.kind'), iif(kind = ?2, source, kind)), seq"
  " FROM documents WHERE seq > ?1 ORDER BY seq LIMIT 100";

/* Writes the rows after '*seq', at most 100; returns how many, or -1 and sets
** '*why'. */
static int write_rows (struct store *s, FILE *file, int64_t now, int64_t *seq,
                       char **why) {
  sqlite3_stmt *q;
  int rows = 0, code;
  if (!store_enter(s, now)) {
    *why = sqlite3_mprintf("the database cannot be written to");
    return -1;
  }
  q = db_prepare(s, rows_sql);
  sqlite3_bind_int64(q, 1, *seq);
  db_text(q, 2, s->kinds[0]->name);
  for (; (code = sqlite3_step(q)) == SQLITE_ROW; rows++) {
    fputs(*seq == 0 ? "[\n" : ",\n", file);
    fwrite(sqlite3_column_text(q, 0), 1, (size_t)sqlite3_column_bytes(q, 0),
           file);
    *seq = sqlite3_column_int64(q, 1);
  }
  if (code != SQLITE_DONE) {
    db_failed(s, why);
    rows = -1;
  }
  sqlite3_finalize(q);
  store_leave(s);
  return rows;
}

/* Writes a whole file; 0 on failure, then '*why' or errno is the reason. */
static int write_file (struct store *s, const char *path, int64_t now,
                       char **why) {
  FILE *file = fopen(path, "we");
  int64_t seq = 0;
  int rows = 1, good;
  if (file == NULL)
    return 0;
  while (rows > 0 && !ferror(file))
    rows = write_rows(s, file, now, &seq, why);
  fputs(seq == 0 ? "[]\n" : "\n]\n", file);
  good = rows == 0 && !ferror(file);
  return fclose(file) == 0 && good;
}

enum store_code store_export (struct store *s, const char *path, int64_t now,
                              char **why) {
  char *part = sqlite3_mprintf("%s.part", path), *reason = NULL;
  enum store_code code = STORE_OK;
  *why = NULL;
  /* under another name first: never half an export in place of a whole one */
  if (part == NULL || !write_file(s, part, now, &reason)
      || rename(part, path) != 0) {
    if (reason == NULL)
      reason = sqlite3_mprintf("%s", strerror(errno));
    *why = sqlite3_mprintf("cannot write %s: %z", path, reason);
    code = STORE_FAILED;
    if (part != NULL)
      unlink(part);
  }
  sqlite3_free(part);
  return code;
}
