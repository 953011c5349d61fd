/* SPDX-License-Identifier: MIT
**
** database: what the files of the store share: the struct, and SQLite with
** less writing. Nobody else includes this.
*/

#ifndef emulator_database_h
#define emulator_database_h

#include "store.h"

#include <pthread.h>

struct store {
  sqlite3 *db;
  pthread_mutex_t lock; /* held for one call, never longer */
  int64_t due;          /* when the next running row goes on; -1: none */
  uint64_t added;       /* how many ids were made up by store_add */
};

/* Takes the lock and lets running generations advance to 'now'. */
void store_enter (struct store *s, int64_t now);

void store_leave (struct store *s);

/* Compiles a statement; NULL on failure (then steps fail too). */
sqlite3_stmt *db_prepare (struct store *s, const char *sql);

/* Binds a NUL-terminated text that outlives the statement, or NULL. */
void db_text (sqlite3_stmt *q, int i, const char *text);

/* Runs statements that give no rows; 0 on failure. */
int db_run (struct store *s, const char *sql);

/* Runs a prepared statement to its end and frees it; 0 on failure. */
int db_finish (sqlite3_stmt *q);

/* The integer that a query gives, 'otherwise' where it gives none. */
int64_t db_integer (struct store *s, const char *sql, int64_t otherwise);

/* Copies a column as text. */
char *db_copy (sqlite3_stmt *q, int column);

/* Sets '*why' to what the database says; returns STORE_FAILED. */
enum store_code db_failed (struct store *s, char **why);

/* Finds out anew when the next running row goes on. */
void db_find_due (struct store *s);

/* Makes the indexes, where they are missing; 0 on failure. */
int db_index (struct store *s);

int status_is_terminal (const char *status);

#endif
