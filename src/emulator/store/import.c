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

/* What is asked of a given document: the type and the value of each of these
** members, and then the columns below. */
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

/* The type of the whole; a member that is unclear; one that is unknown; from
** REQUIRED on the type of each member that the kind requires. */
enum { TYPE = 2 * FACTS, UNCLEAR, UNKNOWN, REQUIRED };

/* Puts in what is missing and takes out what is kept beside the JSON. */
static const char complete_sql[] =
  "SELECT json_remove(json_patch(?1, ?2), '$.source', '$.organization',"
  " '$.kind')";

/* An addition in progress; 'facts' is the statement for 'kind'. */
struct adding {
  struct store *s;
  const struct addition *a;
  int64_t now;
  sqlite3_str *ids;
  char **why;
  const struct kind *kind;
  sqlite3_stmt *facts, *complete, *insert;
  int count;
};

/* Appends the members of a kind as an SQL list. */
static void append_members (sqlite3_str *sql, const struct kind *kind) {
  int i;
  for (i = 0; kind->members[i] != NULL; i++)
    sqlite3_str_appendf(sql, "%c%Q", i > 0 ? ',' : '(', kind->members[i]);
  sqlite3_str_appendchar(sql, 1, ')');
}

/* The statement that tells all facts of the JSON that it is given. A known
** member must be there once, and be found by its name: what SQLite and a
** client make of another differs. */
static sqlite3_stmt *prepare_facts (struct store *s, const struct kind *kind) {
  sqlite3_str *sql = sqlite3_str_new(s->db);
  int i;
  sqlite3_str_appendall(sql, "SELECT");
  for (i = 0; i < FACTS; i++)
    sqlite3_str_appendf(sql,
                        " json_type(?1, '$.%s'), json_extract(?1, '$.%s'),",
                        names[i], names[i]);
  sqlite3_str_appendall(
    sql, " json_type(?1), (SELECT key FROM json_each(?1) WHERE key IN ");
  append_members(sql, kind);
  sqlite3_str_appendall(sql,
                        " GROUP BY key HAVING count(*) > 1"
                        " OR json_type(?1, '$.' || key) IS NULL LIMIT 1),"
                        " (SELECT key FROM json_each(?1) WHERE key NOT IN ");
  append_members(sql, kind);
  sqlite3_str_appendall(sql, " LIMIT 1)");
  for (i = 0; kind->required[i] != NULL; i++)
    sqlite3_str_appendf(sql, ", json_type(?1, '$.%s')", kind->required[i]);
  return db_prepare_built(s, sql);
}

/* Refuses the document that is being added. Takes 'what'. */
static enum store_code wrong (struct adding *x, char *what) {
  *x->why = sqlite3_mprintf("%s %d: %z", x->kind->name, x->count, what);
  return STORE_WRONG;
}

/* A text in a column of the facts; NULL where there is none. */
static const char *column (struct adding *x, int i) {
  return (const char *)sqlite3_column_text(x->facts, i);
}

/* Whether the type in a column is that of no value. */
static int is_missing (struct adding *x, int i) {
  return column(x, i) == NULL || strcmp(column(x, i), "null") == 0;
}

/* The text of a member; NULL where it is missing or null. */
static const char *fact (struct adding *x, enum fact f) {
  return is_missing(x, 2 * (int)f) ? NULL : column(x, 2 * (int)f + 1);
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

/* Whether a fact is a string that can be kept beside the JSON: there half a
** character may be escaped, but as text it would be no UTF-8. */
static enum store_code check_fact (struct adding *x, enum fact f) {
  const char *text = fact(x, f), *what = NULL;
  if (text != NULL && strcmp(column(x, 2 * (int)f), "text") != 0)
    what = "be a string";
  else if (text != NULL
           && !text_is_utf8(
             text, (size_t)sqlite3_column_bytes(x->facts, 2 * (int)f + 1)))
    what = "hold characters only";
  else if (text != NULL && f == F_ID && !is_id(text))
    what = "have 1 to 200 of the characters A-Z, a-z, 0-9, -, ., _ and ~";
  return what == NULL
           ? STORE_OK
           : wrong(x, sqlite3_mprintf("\"%s\" must %s", names[f], what));
}

/* Whether all that is given is clear and of the right type. */
static enum store_code check_facts (struct adding *x) {
  const struct names known = {x->kind->members, sizeof(*x->kind->members)};
  enum store_code code = STORE_OK;
  int f;
  if (column(x, TYPE) == NULL || strcmp(column(x, TYPE), "object") != 0)
    return wrong(x, sqlite3_mprintf("it must be an object"));
  if (column(x, UNCLEAR) != NULL)
    return wrong(
      x, sqlite3_mprintf("\"%s\" must be there once, its name without escapes",
                         column(x, UNCLEAR)));
  if (x->a->strict && column(x, UNKNOWN) != NULL)
    return wrong(x, text_unknown("member", column(x, UNKNOWN), known));
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
    if (is_missing(x, REQUIRED + i)) {
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
  row->body = (const char *)sqlite3_column_text(x->complete, 0);
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

/* Makes the statement for a kind, NULL being the first. */
static enum store_code choose_kind (struct adding *x, const char *name) {
  const struct kind *const *kind = x->s->kinds;
  while (name != NULL && *kind != NULL && strcmp((*kind)->name, name) != 0)
    kind++;
  if (*kind == NULL)
    return wrong(x, sqlite3_mprintf("there is no kind \"%s\"", name));
  if (*kind != x->kind) {
    sqlite3_finalize(x->facts);
    x->facts = prepare_facts(x->s, *kind);
    x->kind = *kind;
  }
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
  if (code == STORE_OK) {
    db_bytes(x->facts, 1, json, length);
    if (sqlite3_step(x->facts) != SQLITE_ROW)
      code = db_failed(x->s, x->why);
  }
  if (code == STORE_OK)
    code = check_facts(x);
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
    code = add_document(x, (const char *)sqlite3_column_text(q, 0),
                        (size_t)sqlite3_column_bytes(q, 0),
                        (const char *)sqlite3_column_text(q, 1));
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
  struct adding x = {s, a, now, ids, why, s->kinds[0], NULL, NULL, NULL, 0};
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
  x.facts = prepare_facts(s, x.kind);
  x.complete = db_prepare(s, complete_sql);
  x.insert = db_prepare(s, insert_sql);
  sqlite3_str_appendchar(ids, 1, '[');
  if (code == STORE_OK)
    code = add_all(&x);
  sqlite3_str_appendchar(ids, 1, ']');
  sqlite3_finalize(x.facts);
  sqlite3_finalize(x.complete);
  sqlite3_finalize(x.insert);
  return store_commit(s, code, why);
}
