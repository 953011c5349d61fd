/* SPDX-License-Identifier: MIT
**
** voices: see voices.h. The emulator hears nothing: of a sample it knows the
** type and the size.
*/

#include "voices.h"
#include "assets.h"
#include "catalog.h"
#include "check.h"
#include "query.h"
#include "../store/text.h"
#include "../store/value.h"

#include <stdlib.h>
#include <string.h>

#define ALL          1000000 /* voices that are looked through */
#define SAMPLE_LEAST 256     /* bytes; a shorter sample is too short */
#define SAMPLE_MOST  ((int64_t)1 << 30)

/* Those that nobody has cloned have no id of the service's. */
#define STOCK                                                                  \
  "[{\"provider\":\"elevenlabs\",\"voiceId\":\"EmUlAtOrAmAlia000001\","        \
  "\"name\":\"Amalia\",\"previewUrl\":null},"                                  \
  "{\"provider\":\"elevenlabs\",\"voiceId\":\"EmUlAtOrBrUnO0000002\","         \
  "\"name\":\"Bruno\",\"previewUrl\":null}]"

static const char *const members[] = {
  COMMON_MEMBERS, "provider",   "voiceId",     "internalVoiceId",
  "name",         "previewUrl", "restriction", NULL};

static const char *const required[] = {"provider", "name", NULL};
static const char *const providers[] = {"elevenlabs", NULL};

static const struct filter_rule filters[] = {
  {"provider", "json_extract(body, '$.provider')", providers, 0},
  {NULL, NULL, NULL, 0},
};

static void make_up (const char *member, struct prng *r, sqlite3_str *json) {
  (void)r;
  text_quote(json, strcmp(member, "name") == 0 ? "Voice" : "elevenlabs");
}

const struct resource voices = {
  .kind = {"voice", members, required, NULL, NULL, NULL, filters, make_up},
  .invalid_id = "voice_not_found",
  .not_found = "voice_not_found",
  .deleted = "SELECT 'true'",
};

/* ---- Listing ---- */

/* Gives the cloned voices as an array, the newest first; NULL on failure. */
static char *all_cloned (struct call *c, const struct scope *scope) {
  sqlite3_str *json = sqlite3_str_new(NULL);
  char *text;
  enum store_code code = store_page(c->service->store, scope, NULL, ALL, json);
  text = text_finish(json, NULL);
  if (code == STORE_OK)
    return text;
  sqlite3_free(text);
  return NULL;
}

void voices_list (struct call *c) {
  struct scope scope;
  char *cloned = NULL;
  if (query_scope(c, &voices.kind, &scope)) {
    cloned = all_cloned(c, &scope);
    if (cloned != NULL)
      response_json(c->response,
                    value_query("SELECT json_group_array(json(value)) FROM"
                                " (SELECT value FROM json_each(?1) UNION ALL"
                                "  SELECT value FROM json_each(?2))",
                                cloned, strlen(cloned), STOCK));
    else
      response_code(c->response, "internal_error");
  }
  sqlite3_free(cloned);
  scope_close(&scope);
}

/* ---- Samples ---- */

/* What is known of a sample. */
struct sample_facts {
  char *type;   /* such as "audio" or "AUDIO"; NULL: nothing */
  int64_t size; /* bytes; -1: it is not in the service's storage */
};

/* Looks at a file that was uploaded. */
static void find_upload (struct call *c, char *url,
                         struct sample_facts *facts) {
  const char *name = assets_own_name(c, url);
  struct upload u;
  if (name == NULL || !uploads_find(&c->service->uploads, name, c->org, &u))
    return;
  facts->type = text_copy(u.type, strcspn(u.type, "/"));
  facts->size = u.size;
  upload_close(&u);
}

/* Looks at an asset; 0 where there is none. */
static int find_asset (struct call *c, const char *id,
                       struct sample_facts *facts) {
  const struct scope scope = resource_scope(c, &assets);
  struct document d;
  char *size;
  if (store_get(c->service->store, &scope, id, &d) != STORE_OK) {
    response_error(c->response, 404, "asset_not_found", "assetId", NULL);
    return 0;
  }
  facts->type = value_text(d.json, strlen(d.json), "$.type");
  size = value_query("SELECT json_extract(?1, '$.size')", d.json,
                     strlen(d.json), NULL);
  facts->size = size != NULL ? strtoll(size, NULL, 10) : -1;
  sqlite3_free(size);
  sqlite3_free(d.json);
  return 1;
}

static int has_sound (const char *type) {
  return type != NULL
         && (sqlite3_stricmp(type, "audio") == 0
             || sqlite3_stricmp(type, "video") == 0);
}

/* Refuses a sample that no voice can be made of; 0 then. */
static int check_facts (struct call *c, const struct sample_facts *facts,
                        const char *field) {
  const char *code = facts->size < 0           ? "voice_sample_upload_required"
                     : !has_sound(facts->type) ? "voice_sample_type_unsupported"
                     : facts->size > SAMPLE_MOST
                       ? "voice_sample_source_too_large"
                     : facts->size < SAMPLE_LEAST ? "voice_sample_too_short"
                                                  : NULL;
  if (code == NULL)
    return 1;
  response_error(c->response, catalog_find(code)->status, code, field, NULL);
  return 0;
}

static int check_sample (struct call *c) {
  const struct request *r = c->request;
  char *url = value_text(r->body, r->body_length, "$.url");
  char *asset = value_text(r->body, r->body_length, "$.assetId");
  struct sample_facts facts = {NULL, -1};
  int good = 1;
  if (url != NULL)
    find_upload(c, url, &facts);
  else
    good = find_asset(c, asset, &facts);
  good = good && check_facts(c, &facts, url != NULL ? "url" : "assetId");
  sqlite3_free(facts.type);
  sqlite3_free(url);
  sqlite3_free(asset);
  return good;
}

/* ---- Cloning ---- */

static const struct member_rule rules[] = {
  {"name", MEMBER_TEXT, 1, 255, NULL},
  {"provider", MEMBER_TEXT, 0, 0, providers},
  {"url", MEMBER_TEXT, 1, 16384, NULL},
  {"assetId", MEMBER_UUID, 0, 0, NULL},
  {NULL, MEMBER_TEXT, 0, 0, NULL},
};

static const char *const wrong_sql[] = {
  MISSING("name"), MISSING("provider"),
  WRONG
  "'url', 'one of url and assetId must be given'"
  " WHERE (json_extract(?1, '$.url') IS NULL)"
  " = (json_extract(?1, '$.assetId') IS NULL)",
  NULL};

/* The code that refuses another voice of the body's (?2) name, or none; ?1 is
** an array of those that there are, "limit" how many there may be. */
static const char room_sql[] =
  "SELECT CASE"
  " WHEN EXISTS (SELECT 1 FROM json_each(?1) WHERE"
  "  lower(json_extract(value, '$.name')) = lower(json_extract(?2, '$.name')))"
  " THEN 'voice_name_conflict'"
  " WHEN json_array_length(?1) >= json_extract(?2, '$.limit')"
  " THEN 'voice_clone_limit_reached' END";

/* Refuses a voice for which there is no room; 0 then. */
static int check_room (struct call *c, const struct scope *scope) {
  const struct request *r = c->request;
  struct settings settings;
  char *name = value_text(r->body, r->body_length, "$.name"), *code = NULL;
  char *cloned = all_cloned(c, scope), *asked;
  sqlite3_str *s = sqlite3_str_new(NULL);
  service_settings(c->service, &settings);
  sqlite3_str_appendf(
    s, "{\"limit\":%lld,\"name\":", (long long)settings.voice_limit);
  text_quote(s, name);
  sqlite3_str_appendchar(s, 1, '}');
  asked = text_finish(s, NULL);
  if (cloned != NULL)
    code = value_query(room_sql, cloned, strlen(cloned), asked);
  if (code != NULL)
    response_code(c->response, code);
  sqlite3_free(asked);
  sqlite3_free(name);
  sqlite3_free(cloned);
  sqlite3_free(code);
  return code == NULL;
}

static const char document_sql[] =
  "SELECT json_object('kind', 'voice', 'id', NULL, 'createdAt', NULL,"
  " 'provider', json_extract(?1, '$.provider'),"
  " 'voiceId', substr(replace(?2, '-', ''), 1, 20),"
  " 'name', json_extract(?1, '$.name'), 'previewUrl', NULL,"
  " 'restriction', NULL)";

void voices_clone (struct call *c) {
  const struct request *r = c->request;
  const struct scope scope = resource_scope(c, &voices);
  char id[UUID_SIZE], *document;
  if (!check_body(c, r->body, r->body_length, rules, wrong_sql)
      || !check_sample(c) || !check_room(c, &scope))
    return;
  service_request_id(c->service, id); /* as good a name as any */
  document = value_query(document_sql, r->body, r->body_length, id);
  resource_add(c, &voices, document);
  sqlite3_free(document);
}
