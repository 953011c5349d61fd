/* SPDX-License-Identifier: MIT
**
** store: documents in SQLite. It has one connection and one mutex, and keeps no
** statement open between two calls, so that a listing that is half read never
** locks out a delete. It knows nothing of HTTP. All functions may be called
** from any thread. Texts that they return are freed with sqlite3_free.
**
** Each call is given the time, and first carries out the transitions that were
** due by then.
*/

#ifndef emulator_store_h
#define emulator_store_h

#include "kind.h"

#include <stddef.h>

#define ID_SIZE 201 /* of the longest id and its NUL */

enum store_code {
  STORE_OK,
  STORE_NONE,    /* the organization has no such document */
  STORE_RUNNING, /* its status is not terminal */
  STORE_WRONG,   /* the input is refused, for a reason */
  STORE_FULL,    /* as many are running as may */
  STORE_DONE,    /* the key has made a document */
  STORE_BUSY,    /* the key's first request is not settled */
  STORE_OTHER,   /* the key came with another payload */
  STORE_FAILED   /* the database failed */
};

struct store;

/* Opens or makes the database file 'path' (":memory:": none). 'kinds' ends
** with NULL. On failure '*why' is a reason to be freed, or NULL when out of
** memory. */
enum store_code store_open (struct store **out, const char *path,
                            const struct kind *const *kinds, char **why);

void store_close (struct store *s);

/* Lets 'show' change the JSON of each document that a query gives: it returns
** another text, to be freed, or NULL for the same. Exports are not changed. To
** be called once, before any query; 0 on failure. */
int store_show (struct store *s, char *(*show)(void *arg, const char *json),
                void *arg);

/* When the next transition is due; -1: none is to come. */
int64_t store_due (struct store *s);

/* Whether it held no document when it was opened. */
int store_was_empty (const struct store *s);

/* Sets how long each step lasts, in milliseconds. What is running ends its
** present step by what was set when that began. */
void store_pace (struct store *s, const int64_t lasts[STEPS]);

/* Removes everything, and the memory of what was deleted. */
enum store_code store_clear (struct store *s);

/* ---- Import and export (import.c, export.c) ---- */

/* Puts 'count' samples, which are of the first kind, into an empty store. */
enum store_code store_fill (struct store *s, const char *org, uint64_t seed,
                            int64_t count, int64_t now, char **why);

/* What is to be added, by whom. */
struct addition {
  const char *json; /* a document, or an array of them */
  size_t length;
  const char *org;
  int64_t now;
  uint64_t seed; /* of what is made up */
  int strict;    /* refuse members that the kind does not know */
};

/* Adds all documents or none. "kind" (default: the first), "organization"
** (default: 'org') and "source" (default: "api") are kept beside the JSON. A
** required member that is missing is made up. Appends the ids as a JSON
** array. */
enum store_code store_add (struct store *s, const struct addition *a,
                           sqlite3_str *ids, char **why);

/* Writes everything to a file that store_add takes. */
enum store_code store_export (struct store *s, const char *path, int64_t now,
                              char **why);

/* ---- Creation (create.c) ---- */

/* A key by which a document is made once, however often that is asked for. */
struct once {
  const char *org;
  const char *key;     /* NULL: none, each request makes one */
  const char *payload; /* JSON, compared as such */
  int64_t now;
};

/* What a key has made. */
struct made {
  char *id;
  char *answer; /* the document as it was when it was made */
};

/* Takes a key for a request that is then to be settled (STORE_OK), or says what
** it is used for. 'keep' is how many milliseconds a key is remembered for.
** STORE_DONE sets '*made', whose texts are to be freed. */
enum store_code store_take_key (struct store *s, const struct once *o,
                                int64_t keep, struct made *made);

/* Forgets a key: its request was refused, or what it made may be made anew. */
enum store_code store_drop_key (struct store *s, const struct once *o);

/* What is to be made. */
struct creation {
  const struct kind *kind;
  struct addition addition; /* one document */
  int64_t most;             /* that may be running; 0: any number */
  const char *outcome;      /* what transitions know as that, or NULL */
  const char *batch;        /* the id of the batch it is in, or NULL */
  const char *request;      /* what it is called there */
};

/* How many are running, and when the first of them goes on. */
struct running {
  int64_t count, due;
};

/* Adds a document, gives its JSON and settles the key. STORE_FULL sets
** '*running'. */
enum store_code store_create (struct store *s, const struct once *o,
                              const struct creation *c, char **json,
                              struct running *running, char **why);

/* ---- Webhooks (outbox.c) ---- */

/* A document that has ended and names somebody to be told. */
struct ended {
  char *kind, *id, *org;
  char *url;
  char *json; /* as it was at the end; NULL for a batch: it changes no more */
};

/* Takes the one that ended first, or 'newest_first', of which no other call is
** to know; without 'batches' only generations. STORE_NONE: there is none. */
enum store_code store_take_ended (struct store *s, int64_t now,
                                  int newest_first, int batches,
                                  struct ended *e);

void ended_close (struct ended *e);

/* Keeps a JSON object that says what was sent, of the last 10,000 of them. */
int store_note_sent (struct store *s, const char *json);

/* The query that gives all of those as an array. */
#define STORE_SENT                                                             \
  "SELECT '[' || ifnull(group_concat(json), '') || ']'"                        \
  " FROM (SELECT json FROM sent ORDER BY seq)"

/* ---- Queries (query.c) ---- */

/* Which documents, and when. 'values' are JSON arrays in the order of the
** kind's filters; NULL restricts nothing. */
struct scope {
  const struct kind *kind;
  char *org;
  int64_t now;
  char *values[FILTERS_MAX];
};

/* The first text that a query gives, NULL where there is none. Its parameters
** are texts, or NULL. */
enum store_code store_text (struct store *s, int64_t now, const char *sql,
                            const char *const *values, int count, char **text);

/* Frees what it points to. */
void scope_close (struct scope *scope);

/* How many documents there are. */
enum store_code store_count (struct store *s, const struct scope *scope,
                             int64_t *count);

/* A position in the order of time. */
struct position {
  int64_t created;
  char id[ID_SIZE];
};

/* Finds a document's position; '*deleted' is set where it was deleted. */
enum store_code store_position (struct store *s, const struct scope *scope,
                                const char *id, struct position *position,
                                int *deleted);

/* Appends a JSON array of at most 'limit' documents, the newest first, that
** come after 'after' (NULL: from the newest). */
enum store_code store_page (struct store *s, const struct scope *scope,
                            const struct position *after, int limit,
                            sqlite3_str *out);

/* How far a listing in the order of insertion has come. */
struct scan {
  int64_t at;   /* the last row that was looked at */
  int64_t last; /* the last row there was when it began */
};

enum store_code store_scan_open (struct store *s, struct scan *scan);

/* Appends the next documents, at most 100, separated by commas. Returns
** STORE_NONE after the last; some calls append nothing. */
enum store_code store_scan (struct store *s, const struct scope *scope,
                            struct scan *scan, sqlite3_str *out);

/* One document. It is found by its id; the filters do not count. */
struct document {
  char *json;
  int terminal;
  int64_t due;  /* of its next transition; -1: none */
  int progress; /* 0 to 100 */
};

enum store_code store_get (struct store *s, const struct scope *scope,
                           const char *id, struct document *document);

/* Merges a JSON object into a document, as RFC 7396 has it, and gives the JSON
** that it then has. What is kept beside that does not change. */
enum store_code store_change (struct store *s, const struct scope *scope,
                              const char *id, const char *patch, char **json);

/* Removes a terminal document and gives its JSON. */
enum store_code store_delete (struct store *s, const struct scope *scope,
                              const char *id, char **json);

#endif
