/* SPDX-License-Identifier: MIT
**
** create: see create.h. A key is taken before the body is looked at, as a
** repeat is to find what the first request made, and is given back where the
** request is refused.
*/

#include "create.h"
#include "catalog.h"
#include "check.h"
#include "query.h"
#include "resource.h"
#include "../store/text.h"
#include "../store/value.h"

#include <string.h>

#define KEY_MAX    128
#define LOOK_AGAIN 50 /* milliseconds */
#define ALPHANUMERIC                                                           \
  "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

/* A request to create that is being answered. */
struct creating {
  struct call *c;
  struct settings settings;
  struct once once;
};

/* ---- Repeats ---- */

static int key_valid (const char *key) {
  size_t length = strlen(key);
  return length > 0 && length <= KEY_MAX
         && strspn(key, ALPHANUMERIC "._~-") == length;
}

/* The document that a key has made, as it is now; NULL where it is gone. */
static char *find_made (const struct creating *x, const char *id) {
  struct scope scope = {&generations.kind, x->c->org, x->once.now, {NULL}};
  struct document d;
  return store_get(x->c->service->store, &scope, id, &d) == STORE_OK ? d.json
                                                                     : NULL;
}

/* Answers a repeat; 0 where it is to create as if it were the first. */
static int answer_repeat (struct creating *x, const struct made *made) {
  struct call *c = x->c;
  const int64_t deleted = x->settings.replay_deleted;
  char *json = find_made(x, made->id);
  if (json == NULL && deleted == REPLAY_CREATE)
    return store_drop_key(c->service->store, &x->once) != STORE_OK;
  if (json == NULL && deleted == REPLAY_ANSWER)
    json = sqlite3_mprintf("%s", made->answer);
  if (json == NULL)
    response_code(c->response, generations.not_found);
  else
    response_text(c->response, x->settings.replay_ok ? 200 : 201, TYPE_JSON,
                  json, strlen(json));
  return 1;
}

/* Takes the request's key; 0 where the answer is made. */
static int take_key (struct creating *x) {
  struct response *response = x->c->response;
  struct made made = {NULL, NULL};
  enum store_code code = store_take_key(
    x->c->service->store, &x->once,
    (int64_t)(x->settings.idempotency_seconds * 1000), &made);
  int again = code == STORE_DONE && !answer_repeat(x, &made);
  sqlite3_free(made.id);
  sqlite3_free(made.answer);
  if (again)
    return take_key(x);
  if (code == STORE_BUSY)
    response_header(response, "Retry-After", "2");
  if (code == STORE_BUSY || code == STORE_OTHER || code == STORE_FAILED)
    response_code(response, code == STORE_BUSY    ? "IDEMPOTENCY_IN_PROGRESS"
                            : code == STORE_OTHER ? "IDEMPOTENCY_KEY_CONFLICT"
                                                  : "internal_error");
  return code == STORE_OK;
}

/* ---- Making one ---- */

/* Reduces a name to letters, digits, "-" and "_", for which spaces stand. */
static void sanitize (char *name) {
  char *out = name;
  for (; name != NULL && *name != '\0'; name++)
    if (*name == ' ')
      *out++ = '_';
    else if (strchr(ALPHANUMERIC "-_", *name) != NULL)
      *out++ = *name;
  if (out != NULL)
    *out = '\0';
}

/* A new generation; the store fills in what is its own. Members that the
** service does not know are not kept. */
static const char members_sql[] =
  "SELECT json_object('id', NULL, 'createdAt', NULL, 'status', 'PENDING',"
  " 'source', json_extract(?2, '$.source'),"
  " 'model', json_extract(?1, '$.model'), 'input', json_extract(?1, '$.input'),"
  " 'options', json_extract(?1, '$.options'),"
  " 'segments', json_extract(?1, '$.segments'),"
  " 'webhookUrl', json_extract(?1, '$.webhookUrl'),"
  " 'outputFileName', json_extract(?2, '$.name'),"
  " 'projectId', json_extract(?1, '$.projectId'),"
  " 'dubParams', json_extract(?1, '$.dubParams'),"
  " 'dialogueEdit', json_extract(?1, '$.dialogueEdit'),"
  " 'error', NULL, 'errorCode', NULL,"
  " 'outputUrl', NULL, 'outputDuration', NULL)";

/* Makes the document of a body. */
static char *make_members (struct creating *x, const char *json,
                           size_t length) {
  const struct request *r = x->c->request;
  char *name = value_text(json, length, "$.outputFileName");
  const char *source = request_header(r, "x-sync-source");
  char *more, *members;
  sqlite3_str *s = sqlite3_str_new(NULL);
  sanitize(name);
  sqlite3_str_appendall(s, "{\"source\":");
  text_quote(s, source != NULL && *source != '\0' ? source : "api");
  sqlite3_str_appendall(s, ",\"name\":");
  text_quote(s, name);
  sqlite3_str_appendchar(s, 1, '}');
  more = text_finish(s, NULL);
  members = value_query(members_sql, json, length, more);
  sqlite3_free(more);
  sqlite3_free(name);
  return members;
}

char *create_outcome (const struct fault *fault) {
  sqlite3_str *s;
  const char *code;
  const struct catalog_entry *entry;
  if (fault == NULL || fault->outcome == OUTCOME_USUAL)
    return NULL;
  code = fault->code;
  if (code == NULL)
    code = fault->outcome == OUTCOME_FAILED
             ? "generation_pipeline_failed"
             : "generation_input_video_inaccessible";
  entry = catalog_find(code);
  s = sqlite3_str_new(NULL);
  sqlite3_str_appendf(
    s, "{\"status\":\"%s\",\"errorCode\":", fault_outcomes[fault->outcome]);
  text_quote(s, code);
  sqlite3_str_appendall(s, ",\"error\":");
  text_quote(s, entry != NULL ? entry->message : NULL);
  sqlite3_str_appendchar(s, 1, '}');
  return text_finish(s, NULL);
}

/* Answers that as many are running as may. */
static void answer_full (const struct creating *x, struct running running) {
  struct response *r = x->c->response;
  const int64_t left = running.due - x->once.now;
  const long long after = left > 0 ? (left + 999) / 1000 : 1;
  const long long most = x->settings.concurrency_limit;
  char *more = sqlite3_mprintf(
    ",\"activeGenerations\":%lld,"
    "\"concurrencyLimit\":%lld,"
    "\"retryAfterSeconds\":%lld",
    (long long)running.count, most, after);
  sqlite3_str_appendf(r->headers,
                      "Retry-After: %lld\nX-Sync-Concurrency-Limit: %lld\n"
                      "X-Sync-Active-Generations: %lld\n",
                      after, most, (long long)running.count);
  r->more = more;
  response_code(r, "concurrency_limit_reached");
  r->more = NULL;
  sqlite3_free(more);
}

/* Makes the generation, in a batch if 'part' is not NULL, and gives its JSON;
** where that is refused it has answered and gives NULL. */
static char *create (struct creating *x, const char *body, size_t length,
                     const struct batch_part *part) {
  struct call *c = x->c;
  char *members = make_members(x, body, length);
  char *outcome = create_outcome(c->fault), *json = NULL, *why = NULL;
  struct creation creation = {
    &generations.kind,
    {members, members != NULL ? strlen(members) : 0, c->org, x->once.now, 0, 1},
    part != NULL ? 0 : x->settings.concurrency_limit,
    outcome,
    part != NULL ? part->batch : NULL,
    part != NULL ? part->request : NULL};
  struct running running;
  enum store_code code = STORE_FAILED;
  creation.addition.seed = (uint64_t)c->service->start.random_seed;
  if (members != NULL)
    code = store_create(c->service->store, &x->once, &creation, &json, &running,
                        &why);
  if (code == STORE_FULL)
    answer_full(x, running);
  else if (code == STORE_WRONG)
    query_refuse(c, NULL, text_copy(why, strlen(why)));
  else if (code != STORE_OK)
    response_error(c->response, 500, "internal_error", NULL, why);
  sqlite3_free(why);
  sqlite3_free(outcome);
  sqlite3_free(members);
  service_note_due(c->service);
  return code == STORE_OK ? json : NULL;
}

int create_part (struct call *c, const char *json, size_t length,
                 const struct batch_part *part) {
  struct creating x = {c, {0}, {c->org, NULL, json, service_now(c->service)}};
  char *made = create(&x, json, length, part);
  sqlite3_free(made);
  return made != NULL;
}

/* Sleeps as long as a create takes, which may be set meanwhile. */
static void take_time (struct creating *x) {
  const int64_t began = service_ticks();
  int64_t left;
  do {
    service_settings(x->c->service, &x->settings);
    left = began + (int64_t)(x->settings.create_seconds * 1000)
           - service_ticks();
    if (left > LOOK_AGAIN)
      left = LOOK_AGAIN;
  } while (left > 0 && service_sleep(x->c->service, left));
}

/* Checks the body, creates and answers; 0 where that is refused. */
static int perform (struct creating *x, const char *json, size_t length) {
  char *made;
  if (!create_check(x->c, json, length))
    return 0;
  take_time(x);
  x->once.now = service_now(x->c->service);
  made = create(x, json, length, NULL);
  if (made != NULL)
    response_text(x->c->response, 201, TYPE_JSON, made, strlen(made));
  return made != NULL;
}

void create_generation (struct call *c, const char *json, size_t length) {
  struct creating x = {c, {0}, {c->org, NULL, json, service_now(c->service)}};
  char *key = request_values(c->request, "Idempotency-Key");
  service_settings(c->service, &x.settings);
  x.once.key = key;
  if (key == NULL)
    perform(&x, json, length);
  else if (!key_valid(key))
    response_code(c->response, "INVALID_IDEMPOTENCY_KEY");
  else if (check_json(c, json, length) && take_key(&x)
           && !perform(&x, json, length))
    store_drop_key(c->service->store, &x.once);
  sqlite3_free(key);
}

void handle_create (struct call *c) {
  create_generation(c, c->request->body, c->request->body_length);
}
