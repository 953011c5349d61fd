/* SPDX-License-Identifier: MIT
**
** job: see job.h.
*/

#include "job.h"
#include "create.h"
#include "../store/value.h"

#include <string.h>

static const struct job *job_of (const struct call *c) {
  return c->request->route->subject;
}

/* Answers with a job's JSON, which it takes. */
static void answer (struct call *c, char *json) {
  char *id = value_text(json, strlen(json), "$.id");
  sqlite3_str_appendf(c->response->headers, "Location: %s/%s\n",
                      c->request->route->path, id != NULL ? id : "");
  response_text(c->response, job_of(c)->status, TYPE_JSON, json, strlen(json));
  sqlite3_free(id);
}

/* ---- Repeats ---- */

enum { NAME, PAYLOAD, IS_BAD, COLUMNS };

/* Reads the key of a request and what it stands for; 0: it is refused. */
static int read_key (struct call *c, char *columns[COLUMNS]) {
  const struct request *r = c->request;
  char *header;
  if (job_of(c)->key_sql == NULL)
    return 1;
  header = request_values(r, "Idempotency-Key");
  value_row(job_of(c)->key_sql, r->body, r->body_length, header, columns,
            COLUMNS);
  sqlite3_free(header);
  if (columns[NAME] == NULL || strcmp(columns[IS_BAD], "0") == 0)
    return 1;
  response_code(c->response, "INVALID_IDEMPOTENCY_KEY");
  return 0;
}

/* Answers a repeat with the job as it is now. */
static void answer_made (struct call *c, const struct made *made) {
  const struct scope scope = resource_scope(c, &job_of(c)->resource);
  struct document d;
  if (store_get(c->service->store, &scope, made->id, &d) == STORE_OK)
    answer(c, d.json);
  else
    response_code(c->response, job_of(c)->resource.not_found);
}

/* Takes the key of a request; 0 where the answer is made. */
static int take_key (struct call *c, const struct once *once) {
  struct settings settings;
  struct made made = {NULL, NULL};
  enum store_code code;
  if (once->key == NULL)
    return 1;
  service_settings(c->service, &settings);
  code = store_take_key(c->service->store, once,
                        (int64_t)(settings.idempotency_seconds * 1000), &made);
  if (code == STORE_DONE)
    answer_made(c, &made);
  else if (code != STORE_OK)
    response_code(c->response, code == STORE_BUSY ? "IDEMPOTENCY_IN_PROGRESS"
                               : code == STORE_OTHER
                                 ? "IDEMPOTENCY_KEY_CONFLICT"
                                 : "internal_error");
  sqlite3_free(made.id);
  sqlite3_free(made.answer);
  return code == STORE_OK;
}

/* ---- Beginning one ---- */

/* Makes a job of the request's body and answers. */
static void create (struct call *c, const struct once *once) {
  const struct request *r = c->request;
  const struct job *job = job_of(c);
  char *document = value_query(job->document_sql, r->body, r->body_length,
                               NULL);
  char *outcome = create_outcome(c->fault), *json = NULL, *why = NULL;
  struct creation creation = {&job->resource.kind,
                              {document, 0, c->org, once->now, 0, 1},
                              0,
                              outcome,
                              NULL,
                              NULL};
  struct running running;
  enum store_code code = STORE_FAILED;
  creation.addition.length = document != NULL ? strlen(document) : 0;
  creation.addition.seed = (uint64_t)c->service->start.random_seed;
  if (document != NULL)
    code = store_create(c->service->store, once, &creation, &json, &running,
                        &why);
  if (code == STORE_OK)
    answer(c, json);
  else
    response_error(c->response, 500, "internal_error", NULL, why);
  if (code != STORE_OK && once->key != NULL)
    store_drop_key(c->service->store, once);
  sqlite3_free(why);
  sqlite3_free(outcome);
  sqlite3_free(document);
}

void job_create (struct call *c) {
  const struct request *r = c->request;
  const struct job *job = job_of(c);
  char *columns[COLUMNS] = {NULL, NULL, NULL};
  int i;
  if (check_body(c, r->body, r->body_length, job->rules, job->wrong_sql)
      && read_key(c, columns)) {
    const struct once once = {c->org, columns[NAME], columns[PAYLOAD],
                              service_now(c->service)};
    if (take_key(c, &once))
      create(c, &once);
  }
  for (i = 0; i < COLUMNS; i++)
    sqlite3_free(columns[i]);
}

void job_get (struct call *c) {
  const struct job *job = job_of(c);
  const struct scope scope = resource_scope(c, &job->resource);
  struct document d;
  enum store_code code = store_get(c->service->store, &scope, resource_id(c),
                                   &d);
  if (code != STORE_OK) {
    resource_refuse(c, &job->resource, resource_id(c), code);
    return;
  }
  if (!d.terminal && job->pause > 0)
    sqlite3_str_appendf(c->response->headers, "Retry-After: %d\n", job->pause);
  response_json(c->response, d.json);
}
