/* SPDX-License-Identifier: MIT
**
** import: documents that are put into the store: samples, and such as are
** given as JSON. See store.h.
*/

#include "database.h"
#include "sample.h"
#include "text.h"
#include "iso_time.h"

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

static int insert (sqlite3_stmt *q, const struct kind *kind,
                   const struct row *row, int64_t now) {
  int64_t lasts = kind_lasts(kind, row->status);
  int done;
  db_text(q, 1, kind->name);
  db_text(q, 2, row->id);
  db_text(q, 3, row->org);
  sqlite3_bind_int64(q, 4, row->created);
  db_text(q, 5, row->status);
  db_text(q, 6, row->source);
  db_text(q, 7, row->project);
  if (lasts >= 0)
    sqlite3_bind_int64(q, 8, now + lasts);
  else
    sqlite3_bind_null(q, 8);
  db_bytes(q, 9, row->body, row->length);
  done = row->body != NULL && sqlite3_step(q) == SQLITE_DONE;
  sqlite3_reset(q);
  return done;
}

/* ---- Samples ---- */

static int insert_sample (struct store *s, sqlite3_stmt *q, const char *org,
                          const struct sample *sample, sqlite3_str *json,
                          int64_t now) {
  const struct row row = {sample->id,
                          org,
                          sample->status,
                          sample->source,
                          sample->project,
                          sample->created,
                          sqlite3_str_value(json),
                          (size_t)sqlite3_str_length(json)};
  return insert(q, s->kinds[0], &row, now);
}

enum store_code store_fill (struct store *s, const char *org, uint64_t seed,
                            int64_t count, int64_t now, char **why) {
  sqlite3_str *json = sqlite3_str_new(NULL);
  sqlite3_stmt *q;
  struct sample sample;
  int64_t n;
  int good;
  pthread_mutex_lock(&s->lock);
  good = db_run(s, "BEGIN");
  q = db_prepare(s, insert_sql);
  for (n = 0; good && n < count; n++) {
    sqlite3_str_reset(json);
    sample_make(seed, n, count, now, &sample, json);
    good = insert_sample(s, q, org, &sample, json, now);
  }
  sqlite3_finalize(q);
  sqlite3_free(sqlite3_str_finish(json));
  good = good && db_index(s); /* sorted once: much faster */
  return store_commit(s, good ? STORE_OK : db_failed(s, why), why);
}

/* ---- Documents given as JSON ---- */

/* The members that are kept beside the JSON or must be text. */
enum fact {
  F_ID,
  F_CREATED,
  F_STATUS,
  F_SOURCE,
  F_ORG,
  F_PROJECT,
  F_KIND,
  F_MODEL,
  FACTS
};

static const char *const names[FACTS] = {"id",     "createdAt",    "status",
                                         "source", "organization", "projectId",
                                         "kind",   "model"};

/* Gives the type of a JSON text; the statement goes on with the type and the
** value of each fact. */
static const char facts_sql[] = "SELECT json_type(?1)";

/* Gives all members. The last column is NULL where a member is not found by
** its name, which then has escapes in it; ?2 says whether to look for such. */
static const char members_sql[] =
  "SELECT key, type = 'null', CASE WHEN NOT ?2 THEN 1"
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
  int64_t now;
  sqlite3_str *ids;
  char **why;
  sqlite3_stmt *facts, *members, *complete, *insert;
  int count;
  const struct kind *kind; /* of the document that is being added */
  uint64_t present;        /* the kind's members that it has: bits */
};

static sqlite3_stmt *prepare_facts (struct store *s) {
  sqlite3_str *sql = sqlite3_str_new(s->db);
  int i;
  sqlite3_str_appendall(sql, facts_sql);
  for (i = 0; i < FACTS; i++)
    sqlite3_str_appendf(sql,
                        ", json_type(?1, '$.%s'), json_extract(?1, '$.%s')",
                        names[i], names[i]);
  return db_prepare_built(s, sql);
}

/* Refuses the document. Takes 'what'. */
static enum store_code wrong (struct adding *x, char *what) {
  *x->why = sqlite3_mprintf("%s %d: %z", x->kind->name, x->count, what);
  return STORE_WRONG;
}

static const char *column (sqlite3_stmt *q, int i) {
  return (const char *)sqlite3_column_text(q, i);
}

/* The type of a fact; NULL where it is missing or null. */
static const char *type_of (struct adding *x, enum fact f) {
  const char *type = column(x->facts, 1 + 2 * (int)f);
  return type == NULL || strcmp(type, "null") == 0 ? NULL : type;
}

/* The text of a fact, likewise. */
static const char *fact (struct adding *x, enum fact f) {
  return type_of(x, f) == NULL ? NULL : column(x->facts, 2 + 2 * (int)f);
}

/* The bit of a member of the kind; 0 where it has no such. */
static uint64_t bit_of (const struct kind *kind, const char *name) {
  int i;
  for (i = 0; kind->members[i] != NULL; i++)
    if (strcmp(kind->members[i], name) == 0)
      return UINT64_C(1) << i;
  return 0;
}

/* ---- Checking ---- */

/* Whether an id can stand in a path, in a list of ids and in a cursor. */
static int is_id (const char *id) {
  static const char allowed[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
  size_t length = strlen(id);
  return length > 0 && length < ID_SIZE && id[strspn(id, allowed)] == '\0'
         && strcmp(id, ".") != 0 && strcmp(id, "..") != 0;
}

/* Checks one member, which 'x->members' gives. 'seen' are those before it. A
** known member must be there once, and be found by its name: what SQLite and a
** client make of another differs. */
static enum store_code check_member (struct adding *x, uint64_t *seen) {
  const struct names known = {x->kind->members, sizeof(*x->kind->members)};
  const char *name = column(x->members, 0);
  uint64_t bit = bit_of(x->kind, name);
  if (bit == 0 && x->a->strict)
    return wrong(x, text_unknown("member", name, known));
  if ((bit & *seen) != 0 || (bit != 0 && column(x->members, 2) == NULL))
    return wrong(
      x, sqlite3_mprintf("\"%s\" must be there once, its name without escapes",
                         name));
  *seen |= bit;
  if (!sqlite3_column_int(x->members, 1))
    x->present |= bit;
  return STORE_OK;
}

static enum store_code check_members (struct adding *x, const char *json,
                                      size_t length) {
  enum store_code code = STORE_OK;
  uint64_t seen = 0;
  x->present = 0;
  db_bytes(x->members, 1, json, length);
  sqlite3_bind_int(x->members, 2, strstr(json, "\\u") != NULL);
  while (code == STORE_OK && sqlite3_step(x->members) == SQLITE_ROW)
    code = check_member(x, &seen);
  sqlite3_reset(x->members);
  return code;
}

/* Whether a fact is a string that can be kept beside the JSON: there half a
** character may be escaped, but as text it would be no UTF-8. */
static enum store_code check_fact (struct adding *x, enum fact f) {
  const char *text = fact(x, f), *what = NULL;
  size_t length = (size_t)sqlite3_column_bytes(x->facts, 2 + 2 * (int)f);
  if (text == NULL)
    return STORE_OK;
  if (strcmp(type_of(x, f), "text") != 0)
    what = "be a string";
  else if (!text_is_utf8(text, length))
    what = "hold characters only";
  else if (f == F_ID && !is_id(text))
    what = "have 1 to 200 of the characters A-Z, a-z, 0-9, -, ., _ and ~";
  if (what == NULL)
    return STORE_OK;
  return wrong(x, sqlite3_mprintf("\"%s\" must %s", names[f], what));
}

/* Reads the facts of a document and checks them. */
static enum store_code read_facts (struct adding *x, const char *json,
                                   size_t length) {
  enum store_code code;
  const char *type;
  int f;
  db_bytes(x->facts, 1, json, length);
  if (sqlite3_step(x->facts) != SQLITE_ROW)
    return db_failed(x->s, x->why);
  type = column(x->facts, 0);
  if (type == NULL || strcmp(type, "object") != 0)
    return wrong(x, sqlite3_mprintf("it must be an object"));
  code = check_members(x, json, length);
  for (f = 0; f < FACTS && code == STORE_OK; f++)
    code = check_fact(x, (enum fact)f);
  return code;
}

/* ---- Adding ---- */

/* Appends a name to the members that are made up. */
static void append_name (sqlite3_str *json, const char *name) {
  sqlite3_str_appendf(
    json, "%c\"%s\":", sqlite3_str_length(json) > 0 ? ',' : '{', name);
}

/* Fills a row from the facts. What is missing is made up, and appended to
** 'made' as members of an object. 'id' is room for an id. */
static enum store_code read_row (struct adding *x, struct row *row, char *id,
                                 sqlite3_str *made) {
  const char *time = fact(x, F_CREATED);
  char created[TIME_SIZE];
  struct prng random;
  int i;
  row->created = x->now;
  if (time != NULL && !time_parse(time, &row->created))
    return wrong(x, sqlite3_mprintf("\"createdAt\" must be a time like "
                                    "2026-08-25T12:00:00.000Z"));
  row->id = fact(x, F_ID);
  row->org = fact(x, F_ORG) != NULL ? fact(x, F_ORG) : x->a->org;
  row->status = fact(x, F_STATUS);
  row->source = fact(x, F_SOURCE) != NULL ? fact(x, F_SOURCE) : "api";
  row->project = fact(x, F_PROJECT);
  prng_open(&random, x->a->seed, ADDED_ITEMS + (uint64_t)x->s->added++);
  prng_uuid(&random, id);
  if (row->id == NULL) {
    row->id = id;
    append_name(made, "id");
    text_quote_null(made, id);
  }
  if (time == NULL) {
    time_format(x->now, created);
    append_name(made, "createdAt");
    text_quote_null(made, created);
  }
  if (row->status == NULL && x->kind->status != NULL) {
    row->status = x->kind->status;
    append_name(made, "status");
    text_quote_null(made, row->status);
  }
  for (i = 0; x->kind->required[i] != NULL; i++)
    if ((x->present & bit_of(x->kind, x->kind->required[i])) == 0) {
      append_name(made, x->kind->required[i]);
      x->kind->make_up(x->kind->required[i], &random, made);
    }
  return STORE_OK;
}

/* Gives the row its body: the JSON as it came, or completed. */
static void complete (struct adding *x, struct row *row, const char *json,
                      size_t length, sqlite3_str *made) {
  row->body = json;
  row->length = length;
  if (sqlite3_str_length(made) == 0 && fact(x, F_SOURCE) == NULL
      && fact(x, F_ORG) == NULL && fact(x, F_KIND) == NULL)
    return;
  sqlite3_str_appendall(made, sqlite3_str_length(made) == 0 ? "{}" : "}");
  db_bytes(x->complete, 1, json, length);
  db_text(x->complete, 2, sqlite3_str_value(made));
  sqlite3_step(x->complete);
  row->body = column(x->complete, 0);
  row->length = (size_t)sqlite3_column_bytes(x->complete, 0);
}

/* Inserts it and notes its id. */
static enum store_code insert_row (struct adding *x, const struct row *row) {
  if (insert(x->insert, x->kind, row, x->now)) {
    if (x->count > 1)
      sqlite3_str_appendchar(x->ids, 1, ',');
    text_quote_null(x->ids, row->id);
    return STORE_OK;
  }
  if (sqlite3_extended_errcode(x->s->db) == SQLITE_CONSTRAINT_UNIQUE)
    return wrong(x, sqlite3_mprintf("there is one with this id already"));
  return db_failed(x->s, x->why);
}

/* Finds a kind by its name, NULL being the first. */
static enum store_code choose_kind (struct adding *x, const char *name) {
  const struct kind *const *kind = x->s->kinds;
  x->kind = *kind;
  while (name != NULL && *kind != NULL && strcmp((*kind)->name, name) != 0)
    kind++;
  if (*kind == NULL)
    return wrong(x, sqlite3_mprintf("there is no kind \"%s\"", name));
  x->kind = *kind;
  return STORE_OK;
}

/* Adds one document, whose kind is named 'kind' (NULL: the first). */
static enum store_code add_document (struct adding *x, const char *json,
                                     size_t length, const char *kind) {
  sqlite3_str *made = sqlite3_str_new(NULL);
  char id[UUID_SIZE];
  struct row row;
  enum store_code code;
  x->count++;
  code = choose_kind(x, kind);
  if (code == STORE_OK)
    code = read_facts(x, json, length);
  if (code == STORE_OK)
    code = read_row(x, &row, id, made);
  if (code == STORE_OK) {
    complete(x, &row, json, length, made);
    code = insert_row(x, &row);
  }
  sqlite3_reset(x->facts);
  sqlite3_reset(x->complete);
  sqlite3_free(sqlite3_str_finish(made));
  return code;
}

/* Walks the array, or takes the one object for an array of one. A string may
** read as JSON, too: what is no object comes as NULL. */
static const char walk_sql[] =
  "SELECT value, json_extract(value, '$.kind') FROM"
  " (SELECT CASE type WHEN 'object' THEN value END AS value FROM json_each("
  "CASE json_type(?1) WHEN 'array' THEN ?1 ELSE json_array(json(?1)) END))";

static enum store_code add_all (struct adding *x) {
  sqlite3_stmt *q = db_prepare(x->s, walk_sql);
  enum store_code code = STORE_OK;
  int step = SQLITE_ROW;
  db_bytes(q, 1, x->a->json, x->a->length);
  while (code == STORE_OK && (step = sqlite3_step(q)) == SQLITE_ROW)
    code = add_document(x, column(q, 0), (size_t)sqlite3_column_bytes(q, 0),
                        column(q, 1));
  if (code == STORE_OK && step != SQLITE_DONE)
    code = db_failed(x->s, x->why);
  sqlite3_finalize(q);
  return code;
}

/* The database checks everything but the encoding. */
static int is_json (struct store *s, const char *json, size_t length) {
  sqlite3_stmt *q = db_prepare(s, "SELECT json_valid(?1)");
  int valid;
  db_bytes(q, 1, json, length);
  valid = sqlite3_step(q) == SQLITE_ROW && sqlite3_column_int(q, 0);
  sqlite3_finalize(q);
  return valid && text_is_utf8(json, length);
}

enum store_code store_add (struct store *s, const struct addition *a,
                           int64_t now, sqlite3_str *ids, char **why) {
  struct adding x = {s, a, now, ids, why, NULL, NULL, NULL, NULL, 0, NULL, 0};
  enum store_code code = STORE_OK;
  *why = NULL;
  pthread_mutex_lock(&s->lock);
  if (!is_json(s, a->json, a->length)) {
    store_leave(s);
    *why = sqlite3_mprintf("it is not JSON in UTF-8");
    return STORE_WRONG;
  }
  if (!db_run(s, "BEGIN") || !db_index(s))
    code = db_failed(s, why);
  x.facts = prepare_facts(s);
  x.members = db_prepare(s, members_sql);
  x.complete = db_prepare(s, complete_sql);
  x.insert = db_prepare(s, insert_sql);
  sqlite3_str_appendchar(ids, 1, '[');
  if (code == STORE_OK)
    code = add_all(&x);
  sqlite3_str_appendchar(ids, 1, ']');
  sqlite3_finalize(x.facts);
  sqlite3_finalize(x.members);
  sqlite3_finalize(x.complete);
  sqlite3_finalize(x.insert);
  return store_commit(s, code, why);
}
