/* SPDX-License-Identifier: MIT
**
** store: the generations, in SQLite: one connection behind one mutex, and no
** statement open between two calls, so that a half-read listing never locks
** out a delete. Knows nothing of HTTP. All functions may be called from any
** thread. Texts handed out are freed with sqlite3_free.
**
** Running generations advance with the 'now' that each call is given: what
** was put in as PENDING is PROCESSING a minute later and terminal after five
** more; FAILED where it has an errorCode, else COMPLETED.
*/

#ifndef emulator_store_h
#define emulator_store_h

#include "prng.h"

#include <sqlite3.h>
#include <stddef.h>
#include <stdint.h>

#define STORE_PENDING_MS    60000  /* how long a generation is PENDING */
#define STORE_PROCESSING_MS 300000 /* and then PROCESSING */

enum store_code {
  STORE_OK,
  STORE_NONE,    /* there is no such row in this organization */
  STORE_RUNNING, /* the row is not terminal */
  STORE_WRONG,   /* what was given is not right; a reason says why */
  STORE_FAILED   /* the database failed; a reason says why */
};

struct store;

/* Opens or makes the database file 'path' (":memory:": none). On failure
** '*why' is a reason to be freed, or NULL when out of memory. */
enum store_code store_open (struct store **out, const char *path, char **why);

void store_close (struct store *s);

/* Whether it holds no generation of any organization. */
int store_is_empty (struct store *s);

/* ---- Putting in and taking out (import.c) ---- */

/* Puts 'count' samples into an empty store. */
enum store_code store_fill (struct store *s, const char *org, uint64_t seed,
                            int64_t count, int64_t now, char **why);

/* Puts in one generation or an array of them, all or none. What is missing
** of id, createdAt, input, model and status is filled in; "source" (else
** "api") and "organization" (else 'org') are kept beside the text; none of
** them may be there twice. The ids are appended to 'ids' as a JSON array. */
enum store_code store_add (struct store *s, const char *org, uint64_t seed,
                           const char *json, size_t length, int64_t now,
                           sqlite3_str *ids, char **why);

/* Writes everything to a file that store_add takes. */
enum store_code store_export (struct store *s, const char *path, int64_t now,
                              char **why);

/* Removes everything, and the memory of what was deleted. */
enum store_code store_clear (struct store *s);

/* ---- Asking (query.c) ---- */

/* What a listing is restricted to; a NULL member restricts nothing. The
** first three are JSON arrays of strings, freed by filter_close. */
struct filter {
  char *status;
  char *ids;
  char *source;
  char project[UUID_SIZE]; /* "" is NULL here */
};

void filter_close (struct filter *f);

/* How many rows match. */
enum store_code store_count (struct store *s, const char *org,
                             const struct filter *f, int64_t now,
                             int64_t *count);

/* A place in the order of time. */
struct position {
  int64_t created;
  char id[UUID_SIZE];
};

/* Finds the place of a row; '*gone' is set where it has been deleted. */
enum store_code store_position (struct store *s, const char *org,
                                const char *id, struct position *position,
                                int *gone);

/* Appends a JSON array of at most 'limit' rows, newest first, that come after
** 'after' (NULL: from the newest). */
enum store_code store_page (struct store *s, const char *org,
                            const struct filter *f, int64_t now,
                            const struct position *after, int limit,
                            sqlite3_str *out);

/* How far a listing in the order of insertion has come. */
struct scan {
  int64_t at;   /* the last row that was looked at */
  int64_t last; /* the last row there was when it began */
};

enum store_code store_scan_open (struct store *s, struct scan *scan);

/* Appends the next rows, at most 100, separated by commas. Returns STORE_NONE
** when there are no further ones; some calls append nothing. */
enum store_code store_scan (struct store *s, const char *org,
                            const struct filter *f, int64_t now,
                            struct scan *scan, sqlite3_str *out);

/* A row by itself. */
struct row {
  char *json;
  int terminal;
  int64_t due; /* when it goes on to its next status; -1: never */
};

enum store_code store_get (struct store *s, const char *org, const char *id,
                           int64_t now, struct row *row);

/* Removes a terminal row and gives its JSON. */
enum store_code store_delete (struct store *s, const char *org, const char *id,
                              int64_t now, char **json);

/* ---- Reading JSON that came from outside (value.c) ---- */

/* A member of an object or an element of an array. */
struct value {
  const char *key;  /* NULL in an array */
  const char *type; /* SQLite's word: "text", "integer", "real", "true"… */
  const char *text; /* decoded string, or the text of anything else */
  double number;    /* of an integer, a real, true (1) */
};

/* Called for each in turn; not 0 ends the walk and is its result. The store
** must not be called from it. */
typedef int (*value_reader)(void *arg, const struct value *value);

#define VALUE_NOT_JSON (-1) /* no JSON at all */
#define VALUE_OTHER    (-2) /* JSON, but not of the type that was asked */

/* Walks the members of what is at 'path' ("$" is all) of a JSON text, which
** must be of the given type ("object", "array"). */
int store_values (struct store *s, const char *json, size_t length,
                  const char *path, const char *type, value_reader reader,
                  void *arg);

#endif
