/* SPDX-License-Identifier: MIT
**
** batch: see batch.h.
*/

#include "batch.h"
#include "check.h"
#include "create.h"
#include "media.h"
#include "multipart.h"
#include "query.h"
#include "resource.h"
#include "../service/signing.h"
#include "../store/iso_time.h"
#include "../store/text.h"
#include "../store/value.h"

#include <string.h>

#define ID_SEGMENT  2 /* of /v2/batch/ID */
#define RESULTS     "/media/batches/"
#define TYPE_LINES  "application/x-ndjson"
#define NUMBER_SIZE 24

static const char *const members[] = {COMMON_MEMBERS, "webhookUrl", NULL};
static const char *const required[] = {NULL};
static const struct filter_rule no_filters[] = {{NULL, NULL, NULL, 0}};

const struct kind batch_kind = {"batch", members, required,   NULL,
                                NULL,    NULL,    no_filters, NULL};

/* ---- Reading a form: the rows are a file of lines ---- */

struct sheet {
  sqlite3_str *rows, *webhook, *dry_run;
  sqlite3_str *part; /* one of these, or NULL */
};

static int begin_part (void *arg, const struct multipart_part *part) {
  struct sheet *u = arg;
  u->part = strcmp(part->name, "input") == 0 || strcmp(part->name, "file") == 0
              ? u->rows
            : strcmp(part->name, "webhook_url") == 0 ? u->webhook
            : strcmp(part->name, "dry_run") == 0     ? u->dry_run
                                                     : NULL;
  return 1;
}

static int add_data (void *arg, const char *data, size_t size) {
  struct sheet *u = arg;
  if (u->part != NULL)
    sqlite3_str_append(u->part, data, (int)size);
  return 1;
}

static int end_part (void *arg) {
  (void)arg;
  return 1;
}

/* Refuses a row. Takes 'message'. */
static int refuse_row (struct call *c, int number, char *message) {
  char *more = sqlite3_mprintf(",\"lineNumber\":%d", number);
  c->response->more = more;
  query_refuse(c, "input", message);
  c->response->more = NULL;
  sqlite3_free(more);
  return 0;
}

/* Appends the lines of a file as an array; 0 where one is no JSON. */
static int append_lines (struct call *c, const char *text, sqlite3_str *out) {
  char before = '[';
  int number = 0;
  while (text != NULL && *text != '\0') {
    size_t length = strcspn(text, "\n");
    number++;
    if (strspn(text, " \t\r") < length) {
      char *valid = text_is_utf8(text, length) ? value_query(
                      "SELECT 1 WHERE json_valid(?1)", text, length, NULL)
                                               : NULL;
      if (valid == NULL)
        return refuse_row(c, number, sqlite3_mprintf("it is not JSON"));
      sqlite3_free(valid);
      sqlite3_str_appendchar(out, 1, before);
      sqlite3_str_append(out, text, (int)length);
      before = ',';
    }
    text += length + (text[length] == '\n');
  }
  sqlite3_str_appendall(out, before == '[' ? "[]" : "]");
  return 1;
}

/* Makes of the parts the JSON body that they stand for, or NULL. */
static char *join_parts (struct call *c, struct sheet *u) {
  sqlite3_str *s = sqlite3_str_new(NULL);
  const char *dry_run = sqlite3_str_value(u->dry_run);
  char *json;
  int good;
  sqlite3_str_appendall(s, "{\"rows\":");
  good = sqlite3_str_length(u->rows) <= (int)BATCH_MAX
           ? append_lines(c, sqlite3_str_value(u->rows), s)
           : query_refuse(c, "input",
                          sqlite3_mprintf("input is larger than 5 MB"));
  if (sqlite3_str_length(u->webhook) > 0) {
    sqlite3_str_appendall(s, ",\"webhook_url\":");
    text_quote(s, sqlite3_str_value(u->webhook));
  }
  if (dry_run != NULL && strcmp(dry_run, "true") == 0)
    sqlite3_str_appendall(s, ",\"dry_run\":true");
  sqlite3_str_appendchar(s, 1, '}');
  json = text_finish(s, NULL);
  if (good)
    return json;
  sqlite3_free(json);
  return NULL;
}

/* Gives the body as JSON, to be freed; where it is refused, NULL. */
static char *read_body (struct call *c) {
  static const struct multipart_reader reader = {begin_part, add_data,
                                                 end_part};
  const struct request *r = c->request;
  char boundary[BOUNDARY_MAX + 1], *json = NULL;
  const char *why = NULL;
  struct sheet u;
  struct multipart m;
  if (!multipart_boundary(request_header(r, "Content-Type"), boundary, &why)) {
    if (why == NULL)
      return text_copy(r->body, r->body_length);
    query_refuse(c, NULL, sqlite3_mprintf("%s", why));
    return NULL;
  }
  u.rows = sqlite3_str_new(NULL);
  u.webhook = sqlite3_str_new(NULL);
  u.dry_run = sqlite3_str_new(NULL);
  multipart_open(&m, boundary, &reader, &u);
  if (multipart_feed(&m, r->body, r->body_length) && multipart_finish(&m))
    json = join_parts(c, &u);
  else
    query_refuse(c, NULL, sqlite3_mprintf("%s", m.why));
  sqlite3_free(sqlite3_str_finish(u.rows));
  sqlite3_free(sqlite3_str_finish(u.webhook));
  sqlite3_free(sqlite3_str_finish(u.dry_run));
  return json;
}

/* ---- Checking ---- */

static const char *const endpoints[] = {"/v2/generate", NULL};

static const struct member_rule rules[] = {
  {"rows", MEMBER_ARRAY, 0, 0, NULL},
  {"rows[]", MEMBER_OBJECT, 0, 0, NULL},
  {"rows[].request_id", MEMBER_TEXT, 1, 200, NULL},
  {"rows[].endpoint", MEMBER_TEXT, 0, 0, endpoints},
  {"rows[].payload", MEMBER_OBJECT, 0, 0, NULL},
  {"webhook_url", MEMBER_TEXT, 1, 16384, NULL},
  {"dry_run", MEMBER_FLAG, 0, 0, NULL},
  {NULL, MEMBER_TEXT, 0, 0, NULL},
};

static const char count_sql[] = WRONG
  "'rows', 'a batch has 20 to 500 rows'"
  " WHERE ifnull(json_array_length(?1, '$.rows'), 0) NOT BETWEEN 20 AND 500";

static const char missing_sql[] = WRONG
  "'rows[' || key || '].' || name,"
  " 'rows[' || key || '].' || name || ' is missing'"
  " FROM json_each(?1, '$.rows'), (SELECT 'request_id' AS name"
  "  UNION ALL SELECT 'endpoint' UNION ALL SELECT 'payload')"
  " WHERE json_extract(value, '$.' || name) IS NULL ORDER BY key LIMIT 1";

static const char twice_sql[] = WRONG
  "'rows', 'two rows have the request_id ' || request"
  " FROM (SELECT json_extract(value, '$.request_id') AS request"
  "  FROM json_each(?1, '$.rows')) GROUP BY request HAVING count(*) > 1";

static const char *const wrong_sql[] = {count_sql, missing_sql, twice_sql,
                                        NULL};

/* Rows being checked or created. */
struct rows {
  struct call *c;
  const char *batch;      /* the id; NULL: they are only checked */
  int64_t number, errors; /* every so many of them one is to fail */
};

/* What becomes of that. */
static const struct fault failing = {.outcome = OUTCOME_FAILED};

/* A value_reader: checks or creates one row; not 0: it refuses that. */
static int read_row (void *arg, const struct value *v) {
  struct rows *rows = arg;
  size_t length = strlen(v->text);
  char *payload = value_query("SELECT json_extract(?1, '$.payload')", v->text,
                              length, NULL);
  char *request = value_text(v->text, length, "$.request_id");
  char *more = sqlite3_mprintf(",\"lineNumber\":%lld", ++rows->number);
  struct batch_part part = {rows->batch, request};
  const struct fault *usual = rows->c->fault;
  int good = payload != NULL;
  rows->c->response->more = more;
  if (rows->errors > 0 && rows->number % rows->errors == 0)
    rows->c->fault = &failing;
  if (good && rows->batch == NULL)
    good = create_check(rows->c, payload, strlen(payload));
  else if (good)
    good = create_part(rows->c, payload, strlen(payload), &part);
  rows->c->response->more = NULL;
  rows->c->fault = usual;
  sqlite3_free(more);
  sqlite3_free(request);
  sqlite3_free(payload);
  return !good;
}

/* Does that to all rows; 0 where it has refused. */
static int read_rows (struct call *c, const char *json, const char *batch) {
  struct settings settings;
  struct rows rows = {c, batch, 0, 0};
  service_settings(c->service, &settings);
  rows.errors = settings.batch_errors;
  return value_walk(json, strlen(json), "$.rows", "array", read_row, &rows)
         == 0;
}

/* ---- What a batch says of itself ---- */

/* ?1 is the organization, ?2 a batch or NULL, ?3 what an output's URL begins
** with. Generations that were deleted count no more. */
#define BATCHES                                                                \
  "(SELECT *, json_object('id', id, 'created_at', created_at,"                 \
  "  'status', state, 'metrics', json_object('total_generations', total,"      \
  "  'success_count', good, 'failed_count', bad,"                              \
  "  'pending_count', total - good - bad), 'outputUrl',"                       \
  "  iif(state = 'COMPLETED', ?3 || '/v2/batch/' || id || '/output', ''),"     \
  "  'webhookUrl', webhook) AS json FROM (SELECT *,"                           \
  "   CASE WHEN good + bad = total THEN 'COMPLETED'"                           \
  "    WHEN waiting = total THEN 'JOBS_CREATED' ELSE 'PROCESSING' END"         \
  "    AS state FROM (SELECT d.id, d.created, d.seq,"                          \
  "    json_extract(d.body, '$.createdAt') AS created_at,"                     \
  "    json_extract(d.body, '$.webhookUrl') AS webhook,"                       \
  "    count(g.id) AS total, ifnull(sum(g.status = 'COMPLETED'), 0) AS good,"  \
  "    ifnull(sum(g.status IN ('FAILED', 'REJECTED')), 0) AS bad,"             \
  "    ifnull(sum(g.status = 'PENDING'), 0) AS waiting"                        \
  "    FROM documents d LEFT JOIN documents g ON g.batch = d.id"               \
  "    WHERE d.kind = 'batch' AND d.org = ?1 AND (?2 IS NULL OR d.id = ?2)"    \
  "    GROUP BY d.id)))"

static const char one_sql[] = "SELECT json FROM " BATCHES;

static const char list_sql[] =
  "SELECT '[' || ifnull(group_concat(json), '') || ']' FROM (SELECT json FROM"
  " " BATCHES
  " WHERE (?4 IS NULL OR state = ?4)"
  " AND created > ifnull(CAST(?5 AS INTEGER), created - 1)"
  " AND created < ifnull(CAST(?6 AS INTEGER), created + 1)"
  " ORDER BY created DESC, seq DESC)";

enum store_code batch_read (struct service *s, const char *org, const char *id,
                            char **json) {
  const char *values[] = {org, id, s->url != NULL ? s->url : ""};
  return store_text(s->store, service_now(s), one_sql, values, 3, json);
}

/* The batch of the request's path, as JSON. Where there is none, has answered
** and gives NULL. */
static char *find_batch (struct call *c, const char *id) {
  char *json;
  enum store_code code = batch_read(c->service, c->org, id, &json);
  if (code == STORE_NONE)
    response_error(c->response, 404, NULL, NULL, "There is no such batch.");
  else if (code != STORE_OK)
    response_code(c->response, "internal_error");
  return json;
}

void batch_get (struct call *c) {
  char *json = find_batch(c, c->request->segments[ID_SEGMENT]);
  if (json != NULL)
    response_json(c->response, json);
}

/* Reads a time of the query as a number; '*out' stays NULL without one. */
static int read_time (struct call *c, const char *name,
                      char number[NUMBER_SIZE], const char **out) {
  const char *text;
  int64_t time;
  if (!query_text(c, name, &text))
    return 0;
  if (text == NULL)
    return 1;
  if (!time_parse(text, &time))
    return query_refuse(c, name, sqlite3_mprintf("%s must be a time", name));
  *out = sqlite3_snprintf(NUMBER_SIZE, number, "%lld", (long long)time);
  return 1;
}

void batch_list (struct call *c) {
  const char *values[] = {
    c->org, NULL, c->service->url != NULL ? c->service->url : "",
    NULL,   NULL, NULL};
  char after[NUMBER_SIZE], before[NUMBER_SIZE], *json;
  if (!query_text(c, "status", &values[3])
      || !read_time(c, "created_after", after, &values[4])
      || !read_time(c, "created_before", before, &values[5]))
    return;
  if (store_text(c->service->store, service_now(c->service), list_sql, values,
                 6, &json)
      == STORE_OK)
    response_json(c->response, json);
  else
    response_code(c->response, "internal_error");
}

/* ---- Making one ---- */

/* Makes the document and gives its id, or NULL after an answer. */
static char *make_batch (struct call *c, const char *json) {
  char *body = value_query(
    "SELECT json_object('webhookUrl',"
    " json_extract(?1, '$.webhook_url'),"
    " 'kind', 'batch')",
    json, strlen(json), NULL);
  struct once once = {c->org, NULL, NULL, service_now(c->service)};
  struct creation creation = {
    &batch_kind,
    {body, body != NULL ? strlen(body) : 0, c->org, once.now, 0, 1},
    0,
    NULL,
    NULL,
    NULL};
  struct running running;
  char *made = NULL, *why = NULL, *id = NULL;
  creation.addition.seed = (uint64_t)c->service->start.random_seed;
  if (body != NULL
      && store_create(c->service->store, &once, &creation, &made, &running,
                      &why)
           == STORE_OK)
    id = value_text(made, strlen(made), "$.id");
  if (id == NULL)
    response_error(c->response, 500, "internal_error", NULL, why);
  sqlite3_free(made);
  sqlite3_free(why);
  sqlite3_free(body);
  return id;
}

/* Creates a batch that was checked, and answers. Its first rows may have ended
** before its last are made: it has not. */
static void create (struct call *c, const char *json) {
  char *id, *made;
  service_hold_batches(c->service, 1);
  id = make_batch(c, json);
  if (id != NULL && read_rows(c, json, id)) {
    made = find_batch(c, id);
    if (made != NULL)
      response_text(c->response, 201, TYPE_JSON, made, strlen(made));
  }
  service_hold_batches(c->service, -1);
  sqlite3_free(id);
}

void batch_create (struct call *c) {
  static const char validated[] = "{\"status\":\"VALIDATED\"}";
  char *json = read_body(c), *dry = NULL;
  if (json != NULL && check_body(c, json, strlen(json), rules, wrong_sql)
      && read_rows(c, json, NULL)) {
    dry = value_query("SELECT 1 WHERE json_extract(?1, '$.dry_run')", json,
                      strlen(json), NULL);
    if (dry != NULL)
      response_json(c->response, text_copy(validated, strlen(validated)));
    else
      create(c, json);
  }
  sqlite3_free(dry);
  sqlite3_free(json);
}

/* ---- Results ---- */

void batch_output (struct call *c) {
  char *json = find_batch(c, c->request->segments[ID_SEGMENT]), *ready, *path;
  struct signing what = {"GET", NULL, "host", ""};
  struct settings s;
  if (json == NULL)
    return;
  service_settings(c->service, &s);
  ready = value_text(json, strlen(json), "$.outputUrl");
  path = sqlite3_mprintf(RESULTS "%s", c->request->segments[ID_SEGMENT]);
  what.path = path;
  sqlite3_free(json);
  json = path != NULL ? signing_url(c->service, &what, s.media_lifetime) : NULL;
  if (ready == NULL)
    response_error(c->response, 409, "generation_conflict", NULL,
                   "The batch has not ended.");
  else if (json != NULL)
    response_header(c->response, "Location", json);
  if (ready != NULL && json != NULL)
    c->response->status = 302;
  sqlite3_free(json);
  sqlite3_free(path);
  sqlite3_free(ready);
}

/* ?1 is the batch. ?2 is 1: in an order that nobody would guess; 503 is a prime
** above the number of rows. ?3 is 1: what has failed has an error's body. */
static const char results_sql[] =
  "SELECT ifnull(group_concat(json_object('request_id', request, 'response',"
  "  CASE WHEN status = 'FAILED' AND ?3 = '1' THEN json_object("
  "   'statusCode', 500, 'error', 'Internal Server Error',"
  "   'errorCode', json_extract(body, '$.errorCode'),"
  "   'message', json_extract(body, '$.error'))"
  "  ELSE json(shown(body)) END) || char(10), ''), '')"
  " FROM (SELECT * FROM documents WHERE batch = ?1"
  "  ORDER BY iif(?2 = '1', seq * 251 % 503, seq))";

void batch_results (struct call *c) {
  struct settings s;
  const char *values[3];
  char *lines;
  if (!media_begin(c))
    return;
  service_settings(c->service, &s);
  values[0] = c->request->segments[c->request->segment_count - 1];
  values[1] = s.batch_order == BATCH_MIXED ? "1" : "0";
  values[2] = s.batch_errors > 0 ? "1" : "0";
  if (store_text(c->service->store, service_now(c->service), results_sql,
                 values, 3, &lines)
      == STORE_OK)
    media_text(c, TYPE_LINES, lines, strlen(lines));
  else
    response_code(c->response, "internal_error");
}
