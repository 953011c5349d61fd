/* SPDX-License-Identifier: MIT
**
** import: adds documents: samples, and those that are given as JSON. See
** store.h.
*/

#include "database.h"
#include "iso_time.h"
#include "sample.h"
#include "text.h"

#include <string.h>

#define ADDED_ITEMS (UINT64_C(1) << 62) /* apart from the samples' items */

static const char insert_sql[] =
  "INSERT INTO documents (kind, id, org, created, status, source, project, due,"
  " body) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";

/* A row to insert; its texts belong to others. */
struct row {
  const char *id, *org, *status, *source, *project;
  int64_t created;
  const char *body;
  size_t length;
};

static int insert (struct store *s, sqlite3_stmt *q, const struct kind *kind,
                   const struct row *row, int64_t now) {
  const int64_t lasts = db_lasts(s, kind, row->status);
  int done;
  db_text(q, 1, kind->name);
  db_text(q, 2, row->id);
  db_text(q, 3, row->org);
  sqlite3_bind_int64(q, 4, row->created);
  db_text(q, 5, row->status);
  db_text(q, 6, row->source);
  db_text(q, 7, row->project);
  sqlite3_bind_null(q, 8);
  if (lasts >= 0)
    sqlite3_bind_int64(q, 8, now + lasts);
  db_bytes(q, 9, row->body, row->length);
  done = row->body != NULL && sqlite3_step(q) == SQLITE_DONE;
  sqlite3_reset(q);
  return done;
}

/* ---- Samples ---- */

enum store_code store_fill (struct store *s, const char *org, uint64_t seed,
                            int64_t count, int64_t now, char **why) {
  sqlite3_str *json = sqlite3_str_new(NULL);
  sqlite3_stmt *q;
  struct sample sample;
  struct row row;
  int64_t n;
  int good;
  pthread_mutex_lock(&s->lock);
  good = db_run(s, "BEGIN");
  q = db_prepare(s, insert_sql);
  for (n = 0; good && n < count; n++) {
    sqlite3_str_reset(json);
    sample_make(seed, n, count, now, &sample, json);
    row.id = sample.id;
    row.org = org;
    row.status = sample.status;
    row.source = sample.source;
    row.project = sample.project;
    row.created = sample.created;
    row.body = sqlite3_str_value(json);
    row.length = (size_t)sqlite3_str_length(json);
    good = insert(s, q, s->kinds[0], &row, now);
  }
  sqlite3_finalize(q);
  sqlite3_free(sqlite3_str_finish(json));
  good = good && db_index(s); /* sorted once: much faster */
  return store_commit(s, good ? STORE_OK : db_failed(s, why), why);
}

/* ---- Documents given as JSON: reading one ---- */

/* The members that are kept beside the JSON or must be text. */
enum { ID, CREATED, STATUS, SOURCE, ORG, PROJECT, KIND, MODEL, FACTS };

static const char *const names[FACTS] = {"id",     "createdAt",    "status",
                                         "source", "organization", "projectId",
                                         "kind",   "model"};

/* Gives all members. The last column is NULL where a member is not found by
** its name, which then has escapes in it; ?2 says whether to look for such. */
static const char members_sql[] =
  "SELECT key, type, atom, CASE WHEN NOT ?2 THEN 1"
  " WHEN key NOT GLOB '*[^A-Za-z_]*' THEN json_type(?1, '$.' || key) END"
  " FROM json_each(?1)";

/* Puts in what is missing and takes out what is kept beside the JSON. */
static const char complete_sql[] =
  "SELECT json_remove(json_patch(?1, ?2), '$.source', '$.organization',"
  " '$.kind')";

/* An addition in progress. */
struct adding {
  struct store *s;
  const struct addition *a;
  sqlite3_str *ids;
  char **why;
  enum store_code code; /* why it has ended, if it has */
  sqlite3_stmt *members, *complete, *insert;
  int count;

  /* the document that is being added */
  const struct kind *kind;
  const char *json;
  size_t length;
  uint64_t present;  /* which of the kind's members it has: bits */
  char *fact[FACTS]; /* NULL: missing or null */
  int64_t created;
};

static const char *column (sqlite3_stmt *q, int i) {
  return (const char *)sqlite3_column_text(q, i);
}

/* Those below return 0 where the document is not added. */

/* Refuses it. Takes 'what'. */
static int refuse (struct adding *x, char *what) {
  *x->why = sqlite3_mprintf("%s %d: %z", x->kind->name, x->count, what);
  x->code = STORE_WRONG;
  return 0;
}

/* The bit of a member of the kind; 0 where it has no such. */
static uint64_t bit_of (const struct kind *kind, const char *name) {
  int i;
  for (i = 0; kind->members[i] != NULL; i++)
    if (strcmp(kind->members[i], name) == 0)
      return UINT64_C(1) << i;
  return 0;
}

/* Whether an id can stand in a path, in a list of ids and in a cursor. */
static int is_id (const char *id) {
  static const char allowed[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
  size_t length = strlen(id);
  return length > 0 && length < ID_SIZE && id[strspn(id, allowed)] == '\0'
         && strcmp(id, ".") != 0 && strcmp(id, "..") != 0;
}

/* Keeps a fact, if it is a string that can be kept beside the JSON: there half
** a character may be escaped, but as text it would be no UTF-8. */
static int keep_fact (struct adding *x, int fact) {
  const char *text = column(x->members, 2), *what = NULL;
  size_t length = (size_t)sqlite3_column_bytes(x->members, 2);
  if (strcmp(column(x->members, 1), "text") != 0)
    what = "be a string";
  else if (!text_is_utf8(text, length))
    what = "hold characters only";
  else if (fact == ID && !is_id(text))
    what = "have 1 to 200 of the characters A-Z, a-z, 0-9, -, ., _ and ~";
  else if (fact == CREATED && !time_parse(text, &x->created))
    what = "be a time like 2026-08-25T12:00:00.000Z";
  if (what != NULL)
    return refuse(x, sqlite3_mprintf("\"%s\" must %s", names[fact], what));
  x->fact[fact] = text_copy(text, length);
  return 1;
}

/* Reads one member; 'seen' are those before it. A known one must be there
** once, and be found by its name, because SQLite and clients read any other
** differently. */
static int read_member (struct adding *x, uint64_t *seen) {
  const struct names known = {x->kind->members, sizeof(*x->kind->members)};
  const char *name = column(x->members, 0);
  uint64_t bit = bit_of(x->kind, name);
  int fact = 0;
  if (bit == 0 && x->a->strict)
    return refuse(x, text_unknown("member", name, known));
  if ((bit & *seen) != 0 || (bit != 0 && column(x->members, 3) == NULL))
    return refuse(
      x, sqlite3_mprintf("\"%s\" must be there once, its name without escapes",
                         name));
  *seen |= bit;
  if (strcmp(column(x->members, 1), "null") == 0)
    return 1;
  x->present |= bit;
  while (fact < FACTS && strcmp(names[fact], name) != 0)
    fact++;
  return fact == FACTS || keep_fact(x, fact);
}

static int read_members (struct adding *x) {
  uint64_t seen = 0;
  int good = 1;
  if (x->json == NULL)
    return refuse(x, sqlite3_mprintf("it must be an object"));
  db_bytes(x->members, 1, x->json, x->length);
  sqlite3_bind_int(x->members, 2, strstr(x->json, "\\u") != NULL);
  while (good && sqlite3_step(x->members) == SQLITE_ROW)
    good = read_member(x, &seen);
  sqlite3_reset(x->members);
  return good;
}

/* Finds the kind by its name, NULL being that of the first. */
static int choose_kind (struct adding *x, const char *name) {
  const struct kind *const *kind = x->s->kinds;
  x->kind = *kind;
  while (name != NULL && *kind != NULL && strcmp((*kind)->name, name) != 0)
    kind++;
  if (*kind == NULL)
    return refuse(x, sqlite3_mprintf("there is no kind \"%s\"", name));
  x->kind = *kind;
  return 1;
}

/* ---- Adding it ---- */

/* Appends a member that is made up; NULL: its value follows. */
static void make_up (sqlite3_str *made, const char *name, const char *text) {
  sqlite3_str_appendf(
    made, "%c\"%s\":", sqlite3_str_length(made) > 0 ? ',' : '{', name);
  if (text != NULL)
    text_quote(made, text);
}

/* Makes a row of the facts. What is missing is made up, and appended to 'made'
** as members of an object. 'id' is room for an id. */
static void fill_row (struct adding *x, struct row *row, char id[UUID_SIZE],
                      sqlite3_str *made) {
  const struct kind *kind = x->kind;
  char **fact = x->fact, created[TIME_SIZE];
  struct prng random;
  int i;
  prng_open(&random, x->a->seed, ADDED_ITEMS + (uint64_t)x->s->added++);
  prng_uuid(&random, id);
  time_format(x->a->now, created);
  row->id = fact[ID] != NULL ? fact[ID] : id;
  row->org = fact[ORG] != NULL ? fact[ORG] : x->a->org;
  row->status = fact[STATUS] != NULL ? fact[STATUS] : kind->status;
  row->source = fact[SOURCE] != NULL ? fact[SOURCE] : "api";
  row->project = fact[PROJECT];
  row->created = fact[CREATED] != NULL ? x->created : x->a->now;
  if (fact[ID] == NULL)
    make_up(made, names[ID], id);
  if (fact[CREATED] == NULL)
    make_up(made, names[CREATED], created);
  if (fact[STATUS] == NULL && kind->status != NULL)
    make_up(made, names[STATUS], kind->status);
  for (i = 0; kind->required[i] != NULL; i++)
    if ((x->present & bit_of(kind, kind->required[i])) == 0) {
      make_up(made, kind->required[i], NULL);
      kind->make_up(kind->required[i], &random, made);
    }
}

/* Gives the row its body: the JSON as it came, or completed. */
static void complete (struct adding *x, struct row *row, sqlite3_str *made) {
  row->body = x->json;
  row->length = x->length;
  if (sqlite3_str_length(made) == 0 && x->fact[SOURCE] == NULL
      && x->fact[ORG] == NULL && x->fact[KIND] == NULL)
    return;
  sqlite3_str_appendall(made, sqlite3_str_length(made) == 0 ? "{}" : "}");
  db_bytes(x->complete, 1, x->json, x->length);
  db_text(x->complete, 2, sqlite3_str_value(made));
  sqlite3_step(x->complete);
  row->body = column(x->complete, 0);
  row->length = (size_t)sqlite3_column_bytes(x->complete, 0);
}

/* Inserts the row and notes its id. */
static int insert_row (struct adding *x, const struct row *row) {
  if (insert(x->s, x->insert, x->kind, row, x->a->now)) {
    if (x->count > 1)
      sqlite3_str_appendchar(x->ids, 1, ',');
    text_quote(x->ids, row->id);
    return 1;
  }
  if (sqlite3_extended_errcode(x->s->db) == SQLITE_CONSTRAINT_UNIQUE)
    return refuse(x, sqlite3_mprintf("there is one with this id already"));
  x->code = db_failed(x->s, x->why);
  return 0;
}

static int add_document (struct adding *x, const char *kind) {
  sqlite3_str *made = sqlite3_str_new(NULL);
  char id[UUID_SIZE];
  struct row row;
  int i, good;
  x->count++;
  x->present = 0;
  memset(x->fact, 0, sizeof(x->fact));
  good = choose_kind(x, kind) && read_members(x);
  if (good) {
    fill_row(x, &row, id, made);
    complete(x, &row, made);
    good = insert_row(x, &row);
  }
  sqlite3_reset(x->complete);
  sqlite3_free(sqlite3_str_finish(made));
  for (i = 0; i < FACTS; i++)
    sqlite3_free(x->fact[i]);
  return good;
}

/* Walks the array, or takes the one object for an array of one. A string may
** read as JSON, too: what is no object comes as NULL. */
static const char walk_sql[] =
  "SELECT value, json_extract(value, '$.kind') FROM"
  " (SELECT CASE type WHEN 'object' THEN value END AS value FROM json_each("
  "CASE json_type(?1) WHEN 'array' THEN ?1 ELSE json_array(json(?1)) END))";

static void add_all (struct adding *x) {
  sqlite3_stmt *q = db_prepare(x->s, walk_sql);
  int good = 1, step = SQLITE_ROW;
  db_bytes(q, 1, x->a->json, x->a->length);
  while (good && (step = sqlite3_step(q)) == SQLITE_ROW) {
    x->json = column(q, 0);
    x->length = (size_t)sqlite3_column_bytes(q, 0);
    good = add_document(x, column(q, 1));
  }
  if (good && step != SQLITE_DONE)
    x->code = db_failed(x->s, x->why);
  sqlite3_finalize(q);
}

/* The database checks everything but the encoding. */
static int is_json (struct store *s, const struct addition *a) {
  sqlite3_stmt *q = db_prepare(s, "SELECT json_valid(?1)");
  int valid;
  db_bytes(q, 1, a->json, a->length);
  valid = sqlite3_step(q) == SQLITE_ROW && sqlite3_column_int(q, 0);
  sqlite3_finalize(q);
  return valid && text_is_utf8(a->json, a->length);
}

enum store_code db_add (struct store *s, const struct addition *a,
                        sqlite3_str *ids, char **why) {
  struct adding x;
  memset(&x, 0, sizeof(x));
  x.s = s;
  x.a = a;
  x.ids = ids;
  x.why = why;
  if (!is_json(s, a)) {
    x.code = STORE_WRONG;
    *why = sqlite3_mprintf("it is not JSON in UTF-8");
  }
  x.members = db_prepare(s, members_sql);
  x.complete = db_prepare(s, complete_sql);
  x.insert = db_prepare(s, insert_sql);
  sqlite3_str_appendchar(ids, 1, '[');
  if (x.code == STORE_OK)
    add_all(&x);
  sqlite3_str_appendchar(ids, 1, ']');
  sqlite3_finalize(x.members);
  sqlite3_finalize(x.complete);
  sqlite3_finalize(x.insert);
  return x.code;
}

enum store_code store_add (struct store *s, const struct addition *a,
                           sqlite3_str *ids, char **why) {
  enum store_code code;
  *why = NULL;
  pthread_mutex_lock(&s->lock);
  if (db_run(s, "BEGIN") && db_index(s))
    code = db_add(s, a, ids, why);
  else
    code = db_failed(s, why);
  return store_commit(s, code, why);
}
