/* SPDX-License-Identifier: MIT
**
** assets: see assets.h. What is signed of a PUT is its type and its length, so
** a file arrives as it was announced, or not at all.
*/

#include "assets.h"
#include "check.h"
#include "intake.h"
#include "media.h"
#include "query.h"
#include "../service/signing.h"
#include "../store/iso_time.h"
#include "../store/text.h"
#include "../store/value.h"

#include <stdlib.h>
#include <string.h>

#define UPLOADS "/media/uploads/"
#define HEADERS "content-length;content-type;host"

#define LIST_DEFAULT 10
#define LIST_MAX     100
#define ALL          1000000 /* assets that are looked through */

static const char *const visibilities[] = {"USER", "ORGANIZATION", NULL};
static const char *const types[] = {"AUDIO", "VIDEO", "IMAGE", NULL};

/* ---- The kind ---- */

static const char *const members[] = {COMMON_MEMBERS,
                                      "updatedAt",
                                      "type",
                                      "visibility",
                                      "name",
                                      "url",
                                      "size",
                                      "format",
                                      "inputType",
                                      "projectId",
                                      "durationSeconds",
                                      "thumbnailUrl",
                                      "width",
                                      "height",
                                      NULL};

static const char *const required[] = {"type", "visibility", NULL};

static const struct filter_rule filters[] = {
  {"types", "json_extract(body, '$.type')", types, 0},
  {"projectId", "project", NULL, 1},
  {NULL, NULL, NULL, 0},
};

static void make_up (const char *member, struct prng *r, sqlite3_str *json) {
  (void)r;
  text_quote(json, strcmp(member, "type") == 0 ? "VIDEO" : "USER");
}

const struct resource assets = {
  {"asset", members, required, NULL, NULL, NULL, filters, make_up},
  "invalid_asset_id_format",
  "asset_not_found",
  "internal_error",
  0,
  "$.url",
  NULL};

/* ---- Announcing a file ---- */

static const char *const contents[] = {
  "video/mp4",  "video/quicktime", "video/webm",  "video/x-msvideo",
  "audio/wav",  "audio/x-wav",     "audio/wave",  "audio/mpeg",
  "audio/mp3",  "audio/ogg",       "audio/flac",  "audio/alac",
  "audio/mp4",  "audio/aac",       "audio/x-m4a", "audio/m4a",
  "image/jpeg", "image/png",       "image/webp",  NULL};

static const struct member_rule announce_rules[] = {
  {"fileName", MEMBER_TEXT, 1, 255, NULL},
  {"contentType", MEMBER_TEXT, 0, 0, contents},
  {"size", MEMBER_WHOLE, 1, 1e15, NULL},
  {NULL, MEMBER_TEXT, 0, 0, NULL},
};

/* A query of check_body: refuses where the member is missing. */
#define MISSING(name)                                                          \
  "SELECT 400, 'generation_input_validation_failed', '" name                   \
  "',"                                                                         \
  " '" name " is missing' WHERE json_extract(?1, '$." name "') IS NULL"

static const char *const announce_sql[] = {
  MISSING("fileName"), MISSING("contentType"), MISSING("size"), NULL};

/* What is signed besides the host; to be freed. */
static char *signed_values (int64_t size, const char *type) {
  return sqlite3_mprintf("%lld\n%s", (long long)size, type);
}

/* Answers where to put a file of that name in the store. */
static void answer_announced (struct call *c, const char *name,
                              const char *type, int64_t size) {
  struct settings settings;
  sqlite3_str *json = sqlite3_str_new(NULL);
  char *path = sqlite3_mprintf(UPLOADS "%s", name);
  char *values = signed_values(size, type), *url;
  struct signing what = {"PUT", path, HEADERS, values};
  service_settings(c->service, &settings);
  url = signing_url(c->service, &what, settings.upload_lifetime);
  sqlite3_str_appendall(json, "{\"uploadUrl\":");
  text_quote(json, url);
  sqlite3_str_appendf(json, ",\"url\":\"%s%s\",\"expiresIn\":%lld}",
                      c->service->url != NULL ? c->service->url : "", path,
                      (long long)settings.upload_lifetime);
  response_built(c->response, 201, json);
  sqlite3_free(url);
  sqlite3_free(values);
  sqlite3_free(path);
}

/* The ending of a file's name, if it is one; else nothing. */
static const char *ending_of (const char *name) {
  static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789";
  const char *dot = name != NULL ? strrchr(name, '.') : NULL;
  size_t length = dot != NULL ? strlen(dot + 1) : 0;
  return length > 0 && length < 6 && strspn(dot + 1, allowed) == length ? dot
                                                                        : "";
}

void assets_announce (struct call *c) {
  const char *json = c->request->body;
  const size_t length = c->request->body_length;
  struct settings settings;
  char id[UUID_SIZE], *name, *type, *file, *size;
  if (!check_body(c, json, length, announce_rules, announce_sql))
    return;
  service_settings(c->service, &settings);
  service_request_id(c->service, id); /* as good a name as any */
  file = value_text(json, length, "$.fileName");
  type = value_text(json, length, "$.contentType");
  size = value_query("SELECT json_extract(?1, '$.size')", json, length, NULL);
  name = sqlite3_mprintf("%s%s", id, ending_of(file));
  if (size != NULL && strtoll(size, NULL, 10) > settings.file_limit)
    response_error(c->response, 422, "file_size_exceeds_plan_limit", "size",
                   NULL);
  else if (name != NULL && type != NULL && size != NULL
           && uploads_expect(&c->service->uploads, name, c->org, type))
    answer_announced(c, name, type, (int64_t)strtoll(size, NULL, 10));
  else
    response_code(c->response, "internal_error");
  sqlite3_free(file);
  sqlite3_free(type);
  sqlite3_free(size);
  sqlite3_free(name);
}

/* ---- Putting it ---- */

/* Refuses a PUT by its head. One whose body is being taken was looked at when
** it began: it may go on, though its URL may have expired. */
static int refuse_put (struct call *c) {
  const struct request *r = c->request;
  const char *type = request_header(r, "Content-Type");
  char *values;
  int good;
  c->response->plain = 1;
  if (r->intake != NULL)
    return 0;
  if (r->length < 0) {
    media_refuse(c, 411, "MissingContentLength",
                 "A file is put with its Content-Length.");
    return 1;
  }
  values = signed_values(r->length, type != NULL ? type : "");
  good = media_check(c, HEADERS, values);
  sqlite3_free(values);
  return !good;
}

/* A file that is being put. */
struct putting {
  struct upload announced;
  struct incoming file;
};

/* Whether the head is good, by a response that nobody sees. */
static int is_good (struct call *c) {
  struct response unseen;
  struct call trial = *c;
  int refused;
  response_open(&unseen, c->request->id);
  trial.response = &unseen;
  refused = refuse_put(&trial);
  response_close(&unseen);
  return !refused;
}

static void *begin_put (struct call *c) {
  const struct request *r = c->request;
  struct putting *p = is_good(c) ? calloc(1, sizeof(*p)) : NULL;
  if (p == NULL)
    return NULL;
  if (!uploads_find(&c->service->uploads, r->segments[2], NULL,
                    &p->announced)) {
    free(p);
    return NULL;
  }
  incoming_open(&p->file);
  return p;
}

static void add_bytes (void *state, const char *data, size_t size) {
  incoming_add(&((struct putting *)state)->file, data, size);
}

static void close_put (void *state) {
  struct putting *p = state;
  incoming_close(&p->file);
  upload_close(&p->announced);
  free(p);
}

const struct intake assets_intake = {assets_put, refuse_put, begin_put,
                                     add_bytes, close_put};

void assets_put (struct call *c) {
  struct putting *p = c->request->intake;
  char digest[SHA256_HEX];
  if (p == NULL) {
    media_refuse(c, 404, "NoSuchUpload", "No file was announced here.");
    return;
  }
  incoming_end(&p->file, digest);
  if (!uploads_add(&c->service->uploads, p->announced.name, p->announced.org,
                   p->announced.type, &p->file)) {
    media_refuse(c, 500, "InternalError", "Out of memory.");
    return;
  }
  sqlite3_str_appendf(c->response->headers, "ETag: \"%s\"\n", digest);
  c->response->status = 200;
}

/* ---- Making an asset ---- */

static const struct member_rule create_rules[] = {
  {"url", MEMBER_TEXT, 1, 16384, NULL},
  {"type", MEMBER_TEXT, 0, 0, types},
  {"name", MEMBER_TEXT, 1, 255, NULL},
  {"visibility", MEMBER_TEXT, 0, 0, visibilities},
  {"projectId", MEMBER_UUID, 0, 0, NULL},
  {NULL, MEMBER_TEXT, 0, 0, NULL},
};

static const char *const create_sql[] = {
  MISSING("url"), MISSING("type"),
  "SELECT 400, 'generation_input_validation_failed', 'url',"
  " 'url must begin with http:// or https://'"
  " WHERE json_extract(?1, '$.url') NOT LIKE 'http://_%'"
  " AND json_extract(?1, '$.url') NOT LIKE 'https://_%'",
  NULL};

/* The name in the store that a URL of the emulator's own gives, whose signature
** it cuts off; NULL: it is another's URL. */
static const char *own_name (const struct call *c, char *url) {
  const char *base = c->service->url != NULL ? c->service->url : "";
  size_t length = strlen(base);
  if (strncmp(url, base, length) != 0
      || strncmp(url + length, UPLOADS, strlen(UPLOADS)) != 0)
    return NULL;
  url[strcspn(url, "?")] = '\0';
  return url + length + strlen(UPLOADS);
}

/* What the request says, and what is known of the file (?2). */
static const char document_sql[] =
  "SELECT json_patch(json_object('kind', 'asset',"
  " 'organization', json_extract(?2, '$.org'),"
  " 'updatedAt', json_extract(?2, '$.now'),"
  " 'type', json_extract(?1, '$.type'),"
  " 'visibility', ifnull(json_extract(?1, '$.visibility'), 'USER')),"
  " json_object('name', json_extract(?1, '$.name'),"
  " 'url', json_extract(?2, '$.url'), 'size', json_extract(?2, '$.size'),"
  " 'format', json_extract(?2, '$.format'),"
  " 'inputType', json_extract(?2, '$.inputType'),"
  " 'projectId', json_extract(?1, '$.projectId')))";

/* The document of a file that was uploaded (or NULL) or is elsewhere. */
static char *make_document (struct call *c, const char *url,
                            const struct upload *u) {
  const struct request *r = c->request;
  const char *format = u != NULL ? strchr(u->type, '/') : NULL;
  sqlite3_str *facts = sqlite3_str_new(NULL);
  char now[TIME_SIZE], *text, *document;
  time_format(service_now(c->service), now);
  sqlite3_str_appendall(facts, "{\"org\":");
  text_quote(facts, c->org);
  sqlite3_str_appendf(facts,
                      ",\"now\":\"%s\",\"inputType\":\"%s\",\"url\":", now,
                      u != NULL ? "UPLOAD" : "URL");
  text_quote(facts, url);
  if (format != NULL) {
    sqlite3_str_appendf(facts,
                        ",\"size\":%lld,\"format\":", (long long)u->size);
    text_quote(facts, format + 1);
  }
  sqlite3_str_appendchar(facts, 1, '}');
  text = text_finish(facts, NULL);
  document = value_query(document_sql, r->body, r->body_length, text);
  sqlite3_free(text);
  return document;
}

static struct scope scope_of (const struct call *c) {
  struct scope scope = {&assets.kind, c->org, 0, {NULL}};
  scope.now = service_now(c->service);
  return scope;
}

/* Adds a document and answers with it. */
static void add_document (struct call *c, const char *document) {
  struct addition a = {document, 0, c->org, service_now(c->service), 0, 1};
  sqlite3_str *ids = sqlite3_str_new(NULL);
  const struct scope scope = scope_of(c);
  struct document d;
  char *id, *why = NULL;
  enum store_code code = STORE_FAILED;
  a.length = document != NULL ? strlen(document) : 0;
  a.seed = (uint64_t)c->service->start.random_seed;
  if (document != NULL)
    code = store_add(c->service->store, &a, ids, &why);
  id = value_text(sqlite3_str_value(ids), (size_t)sqlite3_str_length(ids),
                  "$[0]");
  if (code == STORE_OK && id != NULL)
    code = store_get(c->service->store, &scope, id, &d);
  if (code == STORE_OK)
    response_text(c->response, 201, TYPE_JSON, d.json, strlen(d.json));
  else
    response_error(c->response, 500, "internal_error", NULL, why);
  sqlite3_free(why);
  sqlite3_free(id);
  sqlite3_free(sqlite3_str_finish(ids));
}

/* Makes one of a file that was to be uploaded. */
static void create_of_upload (struct call *c, const char *name) {
  struct upload u;
  char *url, *document;
  if (!uploads_find(&c->service->uploads, name, NULL, &u)) {
    response_error(c->response, 422, "uploaded_file_not_found", "url", NULL);
    return;
  }
  url = sqlite3_mprintf("emulator:" UPLOADS "%s", name);
  document = make_document(c, url, &u);
  if (strcmp(u.org, c->org) != 0)
    response_error(c->response, 422, "file_not_in_org_storage", "url", NULL);
  else if (u.size < 0)
    response_error(c->response, 422, "uploaded_file_not_found", "url", NULL);
  else
    add_document(c, document);
  sqlite3_free(document);
  sqlite3_free(url);
  upload_close(&u);
}

void assets_create (struct call *c) {
  const struct request *r = c->request;
  const char *name;
  char *url, *document;
  if (!check_body(c, r->body, r->body_length, create_rules, create_sql))
    return;
  url = value_text(r->body, r->body_length, "$.url");
  name = url != NULL ? own_name(c, url) : NULL;
  if (name != NULL) {
    create_of_upload(c, name);
  }
  else {
    document = make_document(c, url, NULL);
    add_document(c, document);
    sqlite3_free(document);
  }
  sqlite3_free(url);
}

/* ---- Listing and deleting ---- */

/* What "sortBy" may be, and the order that is. */
static const struct order {
  const char *name;
  const char *sql;
} orders[] = {
  {"dateDesc", "created DESC"},
  {"dateAsc", "created"},
  {"nameAsc", "name COLLATE NOCASE"},
  {"nameDesc", "name COLLATE NOCASE DESC"},
  {"durationAsc", "duration"},
  {"durationDesc", "duration DESC"},
  {"sizeAsc", "size"},
  {"sizeDesc", "size DESC"},
  {"kindAsc", "type"},
  {"kindDesc", "type DESC"},
  {NULL, NULL},
};

/* ?1 is an array of all; ?2 has "search", "cursor" and "limit". A cursor is the
** id of the last item before. */
#define LIST_SQL                                                               \
  "WITH every AS (SELECT value, json_extract(value, '$.id') AS id,"            \
  "  json_extract(value, '$.name') AS name,"                                   \
  "  json_extract(value, '$.createdAt') AS created,"                           \
  "  json_extract(value, '$.durationSeconds') AS duration,"                    \
  "  json_extract(value, '$.size') AS size,"                                   \
  "  json_extract(value, '$.type') AS type FROM json_each(?1)),"               \
  " found AS (SELECT row_number() OVER (ORDER BY %s, id) AS n, id, value"      \
  "  FROM every WHERE instr(lower(ifnull(name, '')),"                          \
  "   lower(ifnull(json_extract(?2, '$.search'), ''))) > 0),"                  \
  " start AS (SELECT iif(json_extract(?2, '$.cursor') IS NULL, 0, (SELECT n"   \
  "  FROM found WHERE id = json_extract(?2, '$.cursor'))) AS n),"              \
  " page AS (SELECT * FROM found WHERE n > (SELECT n FROM start)"              \
  "  ORDER BY n LIMIT json_extract(?2, '$.limit'))"                            \
  " SELECT json_patch(json_object("                                            \
  "  'items', (SELECT json_group_array(json(value)) FROM page)),"              \
  "  json_object('totalCount', (SELECT count(*) FROM found), 'nextCursor',"    \
  "   (SELECT id FROM page WHERE n = (SELECT max(n) FROM page)"                \
  "    AND n < (SELECT max(n) FROM found)))) WHERE (SELECT n FROM start)"      \
  "  IS NOT NULL"

/* How a list is asked for; the texts belong to the request. */
struct asking {
  const struct order *order;
  const char *search, *cursor;
  int limit;
};

static int read_asking (struct call *c, struct asking *a) {
  const struct names known = {orders, sizeof(*orders)};
  const char *sort;
  a->order = orders;
  a->limit = LIST_DEFAULT;
  if (!query_text(c, "sortBy", &sort) || !query_text(c, "cursor", &a->cursor)
      || !query_text(c, "searchQuery", &a->search)
      || !query_number(c, "limit", 1, LIST_MAX, &a->limit))
    return 0;
  while (sort != NULL && a->order->name != NULL
         && strcmp(a->order->name, sort) != 0)
    a->order++;
  return a->order->name != NULL
         || query_refuse(c, "sortBy", text_unknown("sortBy", sort, known));
}

/* Answers with the part of an array that is asked for. */
static void answer_list (struct call *c, const struct asking *a,
                         sqlite3_str *all) {
  sqlite3_str *more = sqlite3_str_new(NULL);
  char *sql = sqlite3_mprintf(LIST_SQL, a->order->sql), *text, *list;
  sqlite3_str_appendf(more, "{\"limit\":%d,\"search\":", a->limit);
  text_quote(more, a->search);
  sqlite3_str_appendall(more, ",\"cursor\":");
  text_quote(more, a->cursor);
  sqlite3_str_appendchar(more, 1, '}');
  text = text_finish(more, NULL);
  list = value_query(sql, sqlite3_str_value(all),
                     (size_t)sqlite3_str_length(all), text);
  sqlite3_free(text);
  sqlite3_free(sql);
  if (list != NULL)
    response_json(c->response, list);
  else
    query_refuse(c, "cursor",
                 sqlite3_mprintf("cursor is not one of this list"));
}

void assets_list (struct call *c) {
  struct scope scope;
  struct asking a;
  sqlite3_str *all = sqlite3_str_new(NULL);
  if (query_scope(c, &assets.kind, &scope) && read_asking(c, &a)) {
    if (store_page(c->service->store, &scope, NULL, ALL, all) == STORE_OK)
      answer_list(c, &a, all);
    else
      response_code(c->response, "internal_error");
  }
  scope_close(&scope);
  sqlite3_free(sqlite3_str_finish(all));
}

/* Answers for an operation on one asset: with its JSON, which it takes. */
static void answer_one (struct call *c, enum store_code code, char *json) {
  if (code == STORE_OK)
    response_json(c->response, json);
  else
    response_code(c->response, code == STORE_FAILED ? "internal_error"
                               : uuid_valid(c->request->segments[2])
                                 ? assets.not_found
                                 : assets.invalid_id);
}

void assets_delete (struct call *c) {
  const struct scope scope = scope_of(c);
  char *json, *id = NULL;
  enum store_code code = store_delete(c->service->store, &scope,
                                      c->request->segments[2], &json);
  if (code == STORE_OK)
    id = value_query("SELECT json_object('id', json_extract(?1, '$.id'))", json,
                     strlen(json), NULL);
  answer_one(c, code, id);
  sqlite3_free(json);
}

/* ---- Changing ---- */

static const struct member_rule change_rules[] = {
  {"name", MEMBER_TEXT, 1, 255, NULL},
  {"visibility", MEMBER_TEXT, 0, 0, visibilities},
  {"durationSeconds", MEMBER_NUMBER, 0, 1e9, NULL},
  {"size", MEMBER_WHOLE, 0, 1e15, NULL},
  {"format", MEMBER_TEXT, 1, 255, NULL},
  {"width", MEMBER_WHOLE, 1, 1e6, NULL},
  {"height", MEMBER_WHOLE, 1, 1e6, NULL},
  {NULL, MEMBER_TEXT, 0, 0, NULL},
};

/* What of the request is to be changed, and when that was. */
static const char patch_sql[] =
  "SELECT json_patch(json_group_object(key, value), ?2) FROM json_each(?1)"
  " WHERE type <> 'null' AND key IN ('name', 'visibility', 'durationSeconds',"
  " 'size', 'format', 'width', 'height')";

void assets_change (struct call *c) {
  static const char *const nothing[] = {NULL};
  const struct request *r = c->request;
  const struct scope scope = scope_of(c);
  char now[TIME_SIZE], *when, *patch, *json = NULL;
  enum store_code code = STORE_FAILED;
  if (!check_body(c, r->body, r->body_length, change_rules, nothing))
    return;
  time_format(scope.now, now);
  when = sqlite3_mprintf("{\"updatedAt\":\"%s\"}", now);
  patch = value_query(patch_sql, r->body, r->body_length, when);
  if (patch != NULL)
    code = store_change(c->service->store, &scope, r->segments[2], patch,
                        &json);
  answer_one(c, code, json);
  sqlite3_free(patch);
  sqlite3_free(when);
}
