/* SPDX-License-Identifier: MIT
**
** edit: makes and changes documents by JSON bodies. See resource.h.
*/

#include "resource.h"
#include "../store/iso_time.h"
#include "../store/text.h"
#include "../store/value.h"

#include <string.h>

static const struct resource *resource_of (const struct call *c) {
  return c->request->route->subject;
}

/* ---- The members that are taken of a body ---- */

/* ?2 has "members", their names, and "before" and "after", objects with what
** may be overridden and what may not. A member that is null is as if absent. */
static const char take_sql[] =
  "SELECT json_patch(json_patch(json_extract(?2, '$.before'),"
  " (SELECT json_group_object(key, CASE WHEN type IN ('object', 'array')"
  "   THEN json(value) WHEN type IN ('true', 'false') THEN json(type)"
  "   ELSE value END) FROM json_each(?1)"
  "  WHERE type <> 'null' AND key IN"
  "   (SELECT value FROM json_each(?2, '$.members')))),"
  " json_extract(?2, '$.after'))";

/* Appends the names of the members that rules are about. A path with "." or "["
** leads further in. */
static void append_names (sqlite3_str *s, const struct member_rule *rules) {
  const char *separator = "";
  sqlite3_str_appendchar(s, 1, '[');
  for (; rules->path != NULL; rules++)
    if (strpbrk(rules->path, ".[") == NULL) {
      sqlite3_str_appendall(s, separator);
      text_quote(s, rules->path);
      separator = ",";
    }
  sqlite3_str_appendchar(s, 1, ']');
}

/* What of the body the rules name, with more members; to be freed. */
static char *take (struct call *c, const struct member_rule *rules,
                   const char *before, const char *after) {
  const struct request *r = c->request;
  sqlite3_str *more = sqlite3_str_new(NULL);
  char *text, *taken;
  sqlite3_str_appendall(more, "{\"members\":");
  append_names(more, rules);
  sqlite3_str_appendf(more, ",\"before\":%s,\"after\":%s}", before, after);
  text = text_finish(more, NULL);
  taken = value_query(take_sql, r->body, r->body_length, text);
  sqlite3_free(text);
  return taken;
}

/* ---- Making one ---- */

/* Answers with a document, after adding it; 0: another has its id. */
static int answer_added (struct call *c, const struct resource *r,
                         const char *document) {
  struct addition a = {document, 0, c->org, service_now(c->service), 0, 1};
  const struct scope scope = resource_scope(c, r);
  sqlite3_str *ids = sqlite3_str_new(NULL);
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
    response_text(c->response, r->created != 0 ? r->created : 201, TYPE_JSON,
                  d.json, strlen(d.json));
  else if (code != STORE_WRONG)
    response_error(c->response, 500, "internal_error", NULL, why);
  sqlite3_free(why);
  sqlite3_free(id);
  sqlite3_free(sqlite3_str_finish(ids));
  return code != STORE_WRONG;
}

static void refuse_id (struct call *c) {
  response_error(c->response, 409, NULL, "id", "This id is in use.");
}

void resource_add (struct call *c, const struct resource *r,
                   const char *document) {
  if (!answer_added(c, r, document))
    refuse_id(c);
}

/* Whether the id of the body is that of a document of the organization, there
** or gone; then it has answered. */
static int answer_known (struct call *c, const char *id) {
  const struct scope scope = resource_scope(c, resource_of(c));
  struct document d;
  struct position position;
  int deleted;
  if (store_get(c->service->store, &scope, id, &d) == STORE_OK) {
    response_json(c->response, d.json);
    return 1;
  }
  if (store_position(c->service->store, &scope, id, &position, &deleted)
      != STORE_OK)
    return 0;
  refuse_id(c);
  return 1;
}

/* What is kept beside the JSON, and when that was made. */
static char *facts_of (struct call *c) {
  sqlite3_str *s = sqlite3_str_new(NULL);
  char now[TIME_SIZE];
  time_format(service_now(c->service), now);
  sqlite3_str_appendf(s, "{\"updatedAt\":\"%s\",\"kind\":", now);
  text_quote(s, resource_of(c)->kind.name);
  sqlite3_str_appendall(s, ",\"organization\":");
  text_quote(s, c->org);
  sqlite3_str_appendchar(s, 1, '}');
  return text_finish(s, NULL);
}

void resource_create (struct call *c) {
  const struct request *q = c->request;
  const struct resource *r = resource_of(c);
  char *id, *facts, *document;
  if (!check_body(c, q->body, q->body_length, r->takes, r->wrong))
    return;
  id = value_text(q->body, q->body_length, "$.id");
  if (id == NULL || !answer_known(c, id)) {
    facts = facts_of(c);
    document = take(c, r->takes, r->defaults != NULL ? r->defaults : "{}",
                    facts);
    resource_add(c, r, document);
    sqlite3_free(document);
    sqlite3_free(facts);
  }
  sqlite3_free(id);
}

/* ---- Changing one ---- */

void resource_change (struct call *c) {
  static const char *const nothing[] = {NULL};
  const struct request *q = c->request;
  const struct resource *r = resource_of(c);
  const struct scope scope = resource_scope(c, r);
  char now[TIME_SIZE], *after, *patch, *json = NULL;
  enum store_code code = STORE_FAILED;
  if (!check_body(c, q->body, q->body_length, r->changes, nothing))
    return;
  time_format(scope.now, now);
  after = sqlite3_mprintf("{\"updatedAt\":\"%s\"}", now);
  patch = take(c, r->changes, "{}", after);
  if (patch != NULL)
    code = store_change(c->service->store, &scope, q->segments[2], patch,
                        &json);
  if (code == STORE_OK)
    response_json(c->response, json);
  else
    resource_refuse(c, r, q->segments[2], code);
  sqlite3_free(patch);
  sqlite3_free(after);
}
