/* SPDX-License-Identifier: MIT
**
** import: what is put into the store and taken out of it in bulk: samples,
** generations given as JSON, the export. See store.h.
*/

#include "clock.h"
#include "database.h"
#include "sample.h"
#include "text.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define ID_MAX      200                 /* bytes of an id that is given */
#define ADDED_ITEMS (UINT64_C(1) << 62) /* apart from the samples' items */

static const char insert_sql[] =
  "INSERT INTO generations (id, org, created, status, source, project, due,"
  " body) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";

/* One row, its texts belonging to somebody else. */
struct entry {
  const char *id, *org, *status, *source, *project;
  int64_t created;
  const char *body;
  size_t length;
};

/* Inserts a row; a running one goes on from 'now'. */
static int insert (sqlite3_stmt *q, const struct entry *e, int64_t now) {
  int done;
  db_text(q, 1, e->id);
  db_text(q, 2, e->org);
  sqlite3_bind_int64(q, 3, e->created);
  db_text(q, 4, e->status);
  db_text(q, 5, e->source);
  db_text(q, 6, e->project);
  if (strcmp(e->status, "PENDING") == 0)
    sqlite3_bind_int64(q, 7, now + STORE_PENDING_MS);
  else if (strcmp(e->status, "PROCESSING") == 0)
    sqlite3_bind_int64(q, 7, now + STORE_PROCESSING_MS);
  else
    sqlite3_bind_null(q, 7);
  sqlite3_bind_text64(q, 8, e->body, e->length, SQLITE_STATIC, SQLITE_UTF8);
  done = sqlite3_step(q) == SQLITE_DONE;
  sqlite3_reset(q);
  return done;
}

/* Ends a transaction: commits it if all went well. */
static enum store_code finish (struct store *s, enum store_code code,
                               char **why) {
  if (code == STORE_OK && !db_run(s, "COMMIT"))
    code = db_failed(s, why);
  if (code != STORE_OK)
    db_run(s, "ROLLBACK");
  db_find_due(s);
  pthread_mutex_unlock(&s->lock);
  return code;
}

/* ---- Samples ---- */

/* Inserts a sample whose JSON a builder holds. */
static int insert_sample (sqlite3_stmt *q, const char *org,
                          const struct sample *sample, sqlite3_str *json,
                          int64_t now) {
  struct entry e;
  e.id = sample->id;
  e.org = org;
  e.status = sample->status;
  e.source = sample->source;
  e.project = sample->project;
  e.created = sample->created;
  e.body = sqlite3_str_value(json);
  e.length = (size_t)sqlite3_str_length(json);
  return e.body != NULL && insert(q, &e, now);
}

enum store_code store_fill (struct store *s, const char *org, uint64_t seed,
                            int64_t count, int64_t now, char **why) {
  enum store_code code = STORE_OK;
  sqlite3_str *json = sqlite3_str_new(NULL);
  sqlite3_stmt *q;
  struct sample sample;
  int64_t n;
  pthread_mutex_lock(&s->lock);
  db_run(s, "BEGIN");
  q = db_prepare(s, insert_sql);
  for (n = 0; n < count && code == STORE_OK; n++) {
    sqlite3_str_reset(json);
    sample_make(seed, n, count, now, &sample, json);
    if (!insert_sample(q, org, &sample, json, now))
      code = db_failed(s, why);
  }
  sqlite3_finalize(q);
  sqlite3_free(sqlite3_str_finish(json));
  if (code == STORE_OK && !db_index(s)) /* sorted once: much faster */
    code = db_failed(s, why);
  return finish(s, code, why);
}

/* ---- Generations given as JSON ---- */

/* What is asked of a given element; 'facts' is in this order, the type of
** each member followed by its value. */
enum fact {
  F_ID,
  F_CREATED,
  F_STATUS,
  F_MODEL,
  F_INPUT,
  F_SOURCE,
  F_ORG,
  F_PROJECT,
  FACTS
};

static const char *const members[FACTS] = {
  "id",    "createdAt", "status",       "model",
  "input", "source",    "organization", "projectId"};

/* A member that is read or set here must be there once, and be found by its
** name: what SQLite and a client make of another differs. */
static const char unclear[] =
  ", (SELECT key FROM json_each(?1) WHERE key IN ('id', 'createdAt',"
  " 'status', 'model', 'input', 'source', 'organization', 'projectId',"
  " 'errorCode', 'outputDuration', 'outputUrl') GROUP BY key"
  " HAVING count(*) > 1 OR json_type(?1, '$.' || key) IS NULL LIMIT 1)";

/* The statement that tells all facts of the element that it is given, and
** last the name of an unclear member. */
static sqlite3_stmt *prepare_facts (struct store *s) {
  sqlite3_str *sql = sqlite3_str_new(s->db);
  sqlite3_stmt *q;
  char *text;
  int i;
  sqlite3_str_appendall(sql, "SELECT json_type(?1)");
  for (i = 0; i < FACTS; i++)
    sqlite3_str_appendf(sql,
                        ", json_type(?1, '$.%s'), json_extract(?1,"
                        " '$.%s')",
                        members[i], members[i]);
  sqlite3_str_appendall(sql, unclear);
  text = sqlite3_str_finish(sql);
  q = db_prepare(s, text);
  sqlite3_free(text);
  return q;
}

/* Sets a member to what was missing, if it was: else it stays as it came, and
** "source" is set, which goes anyway. */
#define MISSING(value, name)                                                   \
  "iif(" value " IS NULL, '$.source', '$." name "'), "

/* Puts what was missing into the text and takes out what is not part of a
** generation. */
static const char complete_sql[] =
  "SELECT json_remove(json_set(?1,"
  " " MISSING("?2", "id") "?2, " MISSING("?3", "createdAt") "?3,"
  " " MISSING("?4", "status") "?4, " MISSING("?5", "model") "?5,"
  " " MISSING("?6", "input") "json(?6)), '$.source', '$.organization')";

/* An addition in progress. */
struct addition {
  struct store *s;
  const char *org;
  uint64_t seed;
  int64_t now;
  sqlite3_str *ids;
  char **why;
  sqlite3_stmt *facts, *complete, *insert;
  int count;
};

/* Notes what is wrong with the element that is being added. */
static enum store_code wrong (struct addition *a, const char *what) {
  *a->why = sqlite3_mprintf("generation %d: %s", a->count, what);
  return STORE_WRONG;
}

/* The type of a member; NULL where it is missing or null. */
static const char *fact_type (struct addition *a, enum fact f) {
  const char *type = (const char *)sqlite3_column_text(a->facts,
                                                       1 + 2 * (int)f);
  return type == NULL || strcmp(type, "null") == 0 ? NULL : type;
}

/* The text of a member, likewise. */
static const char *fact (struct addition *a, enum fact f) {
  return fact_type(a, f) == NULL
           ? NULL
           : (const char *)sqlite3_column_text(a->facts, 2 + 2 * (int)f);
}

/* Whether a fact is a string that can be kept beside the JSON: there half a
** character may be escaped, but as text it would be no UTF-8. */
static enum store_code check_fact (struct addition *a, enum fact f) {
  const char *type = fact_type(a, f), *text = fact(a, f), *what = NULL;
  int length = sqlite3_column_bytes(a->facts, 2 + 2 * (int)f);
  char message[64];
  if (f == F_INPUT || type == NULL)
    return STORE_OK;
  if (strcmp(type, "text") != 0)
    what = "be a string";
  else if (!text_is_utf8(text, (size_t)length))
    what = "hold characters only";
  if (what == NULL)
    return STORE_OK;
  sqlite3_snprintf(sizeof(message), message, "\"%s\" must %s", members[f],
                   what);
  return wrong(a, message);
}

/* Whether each member is there once. */
static enum store_code check_names (struct addition *a) {
  const char *name = (const char *)sqlite3_column_text(a->facts,
                                                       1 + 2 * (int)FACTS);
  char message[80];
  if (name == NULL)
    return STORE_OK;
  sqlite3_snprintf(sizeof(message), message,
                   "\"%s\" must be there once, its name without escapes", name);
  return wrong(a, message);
}

/* Whether all that is given is clear and of the right type. */
static enum store_code check_facts (struct addition *a) {
  const char *type = (const char *)sqlite3_column_text(a->facts, 0);
  const char *id = fact(a, F_ID);
  enum store_code code;
  int f;
  if (type == NULL || strcmp(type, "object") != 0)
    return wrong(a, "it must be an object");
  code = check_names(a);
  for (f = 0; f < FACTS && code == STORE_OK; f++)
    code = check_fact(a, (enum fact)f);
  if (code != STORE_OK)
    return code;
  if (id != NULL && (*id == '\0' || strlen(id) > ID_MAX))
    return wrong(a, "\"id\" must have 1 to 200 bytes");
  return STORE_OK;
}

/* Fills 'e' from the facts; what is missing is made up. 'id' and 'created'
** are room for made-up texts; '*made' is set if anything but the kept texts
** has to go into the JSON. */
static enum store_code read_entry (struct addition *a, struct entry *e,
                                   struct prng *c, char *id, char *created,
                                   int *made) {
  const char *time = fact(a, F_CREATED);
  e->id = fact(a, F_ID);
  e->status = fact(a, F_STATUS);
  e->source = fact(a, F_SOURCE);
  e->org = fact(a, F_ORG);
  e->project = fact(a, F_PROJECT);
  *made = e->id == NULL || e->status == NULL || time == NULL
          || e->source != NULL || e->org != NULL || fact(a, F_MODEL) == NULL
          || fact_type(a, F_INPUT) == NULL;
  prng_open(c, a->seed, ADDED_ITEMS + a->s->added++);
  prng_uuid(c, id);
  time_format(a->now, created);
  e->created = a->now;
  if (time != NULL && !time_parse(time, &e->created))
    return wrong(a,
                 "\"createdAt\" must be a time like "
                 "2026-08-25T12:00:00.000Z");
  if (e->id == NULL)
    e->id = id;
  if (e->status == NULL)
    e->status = "COMPLETED";
  if (e->source == NULL)
    e->source = "api";
  if (e->org == NULL)
    e->org = a->org;
  return STORE_OK;
}

/* Gives 'e' its body: the text as it came or completed. */
static void complete (struct addition *a, struct entry *e, const char *json,
                      size_t length, struct prng *c, const char *created,
                      int made, char **input) {
  e->body = json;
  e->length = length;
  if (!made)
    return;
  if (fact_type(a, F_INPUT) == NULL) {
    sqlite3_str *s = sqlite3_str_new(NULL);
    sample_input(c, s);
    *input = text_finish(s, NULL);
  }
  sqlite3_bind_text64(a->complete, 1, json, length, SQLITE_STATIC, SQLITE_UTF8);
  db_text(a->complete, 2, fact(a, F_ID) == NULL ? e->id : NULL);
  db_text(a->complete, 3, fact(a, F_CREATED) == NULL ? created : NULL);
  db_text(a->complete, 4, fact(a, F_STATUS) == NULL ? e->status : NULL);
  db_text(a->complete, 5, fact(a, F_MODEL) == NULL ? "lipsync-2" : NULL);
  db_text(a->complete, 6, *input);
  sqlite3_step(a->complete);
  e->body = (const char *)sqlite3_column_text(a->complete, 0);
  e->length = (size_t)sqlite3_column_bytes(a->complete, 0);
}

/* Inserts it and notes its id. */
static enum store_code insert_entry (struct addition *a,
                                     const struct entry *e) {
  if (e->body != NULL && insert(a->insert, e, a->now)) {
    if (a->count > 1)
      sqlite3_str_appendchar(a->ids, 1, ',');
    text_quote_null(a->ids, e->id);
    return STORE_OK;
  }
  if (sqlite3_extended_errcode(a->s->db) == SQLITE_CONSTRAINT_UNIQUE)
    return wrong(a, "there is one with this id already");
  return db_failed(a->s, a->why);
}

/* Adds one element of the array, whose text is 'json'. */
static enum store_code add_element (struct addition *a, const char *json,
                                    size_t length) {
  struct entry e;
  struct prng c;
  char id[UUID_SIZE], created[TIME_SIZE];
  char *input = NULL;
  enum store_code code;
  int made;
  a->count++;
  sqlite3_bind_text64(a->facts, 1, json, length, SQLITE_STATIC, SQLITE_UTF8);
  sqlite3_step(a->facts);
  code = check_facts(a);
  if (code == STORE_OK)
    code = read_entry(a, &e, &c, id, created, &made);
  if (code == STORE_OK) {
    complete(a, &e, json, length, &c, created, made, &input);
    code = insert_entry(a, &e);
  }
  sqlite3_reset(a->facts);
  sqlite3_reset(a->complete);
  sqlite3_free(input);
  return code;
}

/* Walks the array, or takes the one object for an array of one. A string may
** read as JSON, too: what is no object comes as NULL. */
static enum store_code add_all (struct addition *a, const char *json,
                                size_t length) {
  sqlite3_stmt *q = db_prepare(
    a->s,
    "SELECT CASE type WHEN 'object' THEN"
    " value END FROM json_each(CASE json_type(?1) WHEN 'array' THEN ?1 ELSE"
    " json_array(json(?1)) END)");
  enum store_code code = STORE_OK;
  sqlite3_bind_text64(q, 1, json, length, SQLITE_STATIC, SQLITE_UTF8);
  while (code == STORE_OK && sqlite3_step(q) == SQLITE_ROW)
    code = add_element(a, (const char *)sqlite3_column_text(q, 0),
                       (size_t)sqlite3_column_bytes(q, 0));
  sqlite3_finalize(q);
  return code;
}

/* The database checks everything but the encoding. */
static int is_json (struct store *s, const char *json, size_t length) {
  sqlite3_stmt *q = db_prepare(s, "SELECT json_valid(?1)");
  int valid;
  sqlite3_bind_text64(q, 1, json, length, SQLITE_STATIC, SQLITE_UTF8);
  valid = sqlite3_step(q) == SQLITE_ROW && sqlite3_column_int(q, 0);
  sqlite3_finalize(q);
  return valid && text_is_utf8(json, length);
}

enum store_code store_add (struct store *s, const char *org, uint64_t seed,
                           const char *json, size_t length, int64_t now,
                           sqlite3_str *ids, char **why) {
  struct addition a = {s, org, seed, now, ids, why, NULL, NULL, NULL, 0};
  enum store_code code;
  pthread_mutex_lock(&s->lock);
  if (!is_json(s, json, length)) {
    pthread_mutex_unlock(&s->lock);
    *why = sqlite3_mprintf("it is not JSON in UTF-8");
    return STORE_WRONG;
  }
  db_run(s, "BEGIN");
  db_index(s);
  a.facts = prepare_facts(s);
  a.complete = db_prepare(s, complete_sql);
  a.insert = db_prepare(s, insert_sql);
  sqlite3_str_appendchar(ids, 1, '[');
  code = add_all(&a, json, length);
  sqlite3_str_appendchar(ids, 1, ']');
  sqlite3_finalize(a.facts);
  sqlite3_finalize(a.complete);
  sqlite3_finalize(a.insert);
  return finish(s, code, why);
}

/* ---- Export ---- */

static const char export_sql[] =
  "SELECT json_set(body, '$.source', source, '$.organization', org), seq"
  " FROM generations WHERE seq > ?1 ORDER BY seq LIMIT 100";

/* Writes the rows behind '*seq', at most 100; returns how many. */
static int export_rows (struct store *s, FILE *file, int64_t now,
                        int64_t *seq) {
  sqlite3_stmt *q;
  int rows = 0;
  store_enter(s, now);
  q = db_prepare(s, export_sql);
  sqlite3_bind_int64(q, 1, *seq);
  for (; sqlite3_step(q) == SQLITE_ROW; rows++) {
    fputs(*seq == 0 ? "[\n" : ",\n", file);
    fwrite(sqlite3_column_text(q, 0), 1, (size_t)sqlite3_column_bytes(q, 0),
           file);
    *seq = sqlite3_column_int64(q, 1);
  }
  sqlite3_finalize(q);
  store_leave(s);
  return rows;
}

/* Writes a whole file; 0 on failure, errno then says why. */
static int export_to (struct store *s, const char *path, int64_t now) {
  FILE *file = fopen(path, "we");
  int64_t seq = 0;
  int good;
  if (file == NULL)
    return 0;
  while (export_rows(s, file, now, &seq) > 0)
    ;
  fputs(seq == 0 ? "[]\n" : "\n]\n", file);
  good = !ferror(file);
  return (fclose(file) == 0) & good;
}

enum store_code store_export (struct store *s, const char *path, int64_t now,
                              char **why) {
  char *part = sqlite3_mprintf("%s.part", path);
  enum store_code code = STORE_OK;
  /* under another name first: never half an export in place of a whole one */
  if (part == NULL || !export_to(s, part, now) || rename(part, path) != 0) {
    *why = sqlite3_mprintf("cannot write %s: %s", path, strerror(errno));
    code = STORE_FAILED;
  }
  sqlite3_free(part);
  return code;
}
