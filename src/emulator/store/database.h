/* SPDX-License-Identifier: MIT
**
** database: what the files of the store share: the struct, and short forms of
** SQLite's functions. Nothing else includes this.
*/

#ifndef emulator_database_h
#define emulator_database_h

#include "store.h"

#include <pthread.h>

struct store {
  sqlite3 *db;
  pthread_mutex_t lock; /* held for one call, never longer */
  const struct kind *const *kinds;
  int64_t lasts[STEPS]; /* milliseconds */
  int64_t due;          /* of the next transition; -1: none is to come */
  int64_t added;        /* how many ids were made up by store_add */
  int was_empty;
  char *(*show)(void *arg, const char *json); /* see store_show */
  void *show_arg;
};

/* Takes the lock and carries out the transitions up to 'now'. Returns 0 on
** failure; the lock is then not taken. */
int store_enter (struct store *s, int64_t now);

void store_leave (struct store *s);

/* Ends a transaction and leaves: commits it if 'code' says that all is well. */
enum store_code store_commit (struct store *s, enum store_code code,
                              char **why);

/* Compiles a statement; NULL on failure (then steps fail too). */
sqlite3_stmt *db_prepare (struct store *s, const char *sql);

/* The same for a text that it frees. */
sqlite3_stmt *db_prepare_built (struct store *s, sqlite3_str *sql);

/* Binds a NUL-terminated text that outlives the statement, or NULL. */
void db_text (sqlite3_stmt *q, int i, const char *text);

/* Binds a text of so many bytes that outlives the statement. */
void db_bytes (sqlite3_stmt *q, int i, const char *text, size_t length);

/* Runs statements that give no rows; 0 on failure. */
int db_run (struct store *s, const char *sql);

/* Sets '*value' to the integer that a query gives; leaves it where it gives
** none. 0 on failure. */
int db_integer (struct store *s, const char *sql, int64_t *value);

/* Sets '*why' to what the database says; returns STORE_FAILED. */
enum store_code db_failed (struct store *s, char **why);

/* Makes the indexes where they are missing; 0 on failure. */
int db_index (struct store *s);

/* Makes what notes the ends of documents; 0 on failure: outbox.c. */
int db_open_outbox (struct store *s);

/* How many milliseconds a status lasts from now on; -1: it does not end. */
int64_t db_lasts (const struct store *s, const struct kind *kind,
                  const char *status);

/* What store_add does within its transaction. */
enum store_code db_add (struct store *s, const struct addition *a,
                        sqlite3_str *ids, char **why);

#endif
