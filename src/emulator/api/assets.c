/* SPDX-License-Identifier: MIT
**
** assets: see assets.h. What is signed of a PUT is its type and its length, so
** a file arrives as it was announced, or not at all.
*/

#include "assets.h"
#include "intake.h"
#include "media.h"
#include "../service/signing.h"
#include "../store/iso_time.h"
#include "../store/text.h"
#include "../store/value.h"

#include <stdlib.h>
#include <string.h>

#define UPLOADS "/media/uploads/"
#define HEADERS "content-length;content-type;host"

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
  {"projectId", "json_extract(body, '$.projectId')", NULL, 1},
  {NULL, NULL, NULL, 0},
};

static void make_up (const char *member, struct prng *r, sqlite3_str *json) {
  (void)r;
  text_quote(json, strcmp(member, "type") == 0 ? "VIDEO" : "USER");
}

static const struct order orders[] = {
  {"dateDesc", "json_extract(value, '$.createdAt') DESC"},
  {"dateAsc", "json_extract(value, '$.createdAt')"},
  {"nameAsc", "json_extract(value, '$.name') COLLATE NOCASE"},
  {"nameDesc", "json_extract(value, '$.name') COLLATE NOCASE DESC"},
  {"durationAsc", "json_extract(value, '$.durationSeconds')"},
  {"durationDesc", "json_extract(value, '$.durationSeconds') DESC"},
  {"sizeAsc", "json_extract(value, '$.size')"},
  {"sizeDesc", "json_extract(value, '$.size') DESC"},
  {"kindAsc", "json_extract(value, '$.type')"},
  {"kindDesc", "json_extract(value, '$.type') DESC"},
  {NULL, NULL},
};

static const struct member_rule changes[] = {
  {"name", MEMBER_TEXT, 1, 255, NULL},
  {"visibility", MEMBER_TEXT, 0, 0, visibilities},
  {"durationSeconds", MEMBER_NUMBER, 0, 1e9, NULL},
  {"size", MEMBER_WHOLE, 0, 1e15, NULL},
  {"format", MEMBER_TEXT, 1, 255, NULL},
  {"width", MEMBER_WHOLE, 1, 1e6, NULL},
  {"height", MEMBER_WHOLE, 1, 1e6, NULL},
  {NULL, MEMBER_TEXT, 0, 0, NULL},
};

const struct resource assets = {
  .kind = {"asset", members, required, NULL, NULL, NULL, filters, make_up},
  .invalid_id = "invalid_asset_id_format",
  .not_found = "asset_not_found",
  .deleted = "SELECT json_object('id', json_extract(?1, '$.id'))",
  .download = "$.url",
  .orders = orders,
  .changes = changes,
};

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
  WRONG
  "'url', 'url must begin with http:// or https://'"
  " WHERE json_extract(?1, '$.url') NOT LIKE 'http://_%'"
  " AND json_extract(?1, '$.url') NOT LIKE 'https://_%'",
  NULL};

const char *assets_own_name (const struct call *c, char *url) {
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
    resource_add(c, &assets, document);
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
  name = url != NULL ? assets_own_name(c, url) : NULL;
  if (name != NULL) {
    create_of_upload(c, name);
  }
  else {
    document = make_document(c, url, NULL);
    resource_add(c, &assets, document);
    sqlite3_free(document);
  }
  sqlite3_free(url);
}

/* ---- Many by their ids ---- */

static const struct member_rule batch_rules[] = {
  {"ids", MEMBER_ARRAY, 0, 0, NULL},
  {"ids[]", MEMBER_TEXT, 1, 200, NULL},
  {NULL, MEMBER_TEXT, 0, 0, NULL},
};

static const char *const batch_sql[] = {
  MISSING("ids"),
  WRONG
  "'ids', 'ids must be an array of 1 to 100 ids'"
  " WHERE json_array_length(?1, '$.ids') NOT BETWEEN 1 AND 100",
  NULL};

static const char many_sql[] =
  "SELECT json_object('items', json_group_array(json(shown(body))))"
  " FROM documents WHERE kind = 'asset' AND +org = ?1"
  " AND id IN (SELECT value FROM json_each(?2, '$.ids'))";

void assets_many (struct call *c) {
  const struct request *r = c->request;
  const char *values[2];
  char *body, *json;
  if (!check_body(c, r->body, r->body_length, batch_rules, batch_sql))
    return;
  body = text_copy(r->body, r->body_length);
  values[0] = c->org;
  values[1] = body;
  if (store_text(c->service->store, service_now(c->service), many_sql, values,
                 2, &json)
      == STORE_OK)
    response_json(c->response, json);
  else
    response_code(c->response, "internal_error");
  sqlite3_free(body);
}
