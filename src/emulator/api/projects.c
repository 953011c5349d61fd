/* SPDX-License-Identifier: MIT
**
** projects: the descriptor of the resource, and what is in a project: assets
** that name it as their projectId.
*/

#include "assets.h"
#include "resource.h"
#include "../store/text.h"
#include "../store/value.h"

#include <string.h>

static const char *const visibilities[] = {"USER", "ORGANIZATION", NULL};
static const char *const modes[] = {"CREATOR", "DEVELOPER", NULL};
static const char *const workflows[] = {
  "lipsync",       "translate_and_dub", "change_appearance", "image_to_video",
  "edit_dialogue", "assistant",         "timeline",          NULL};

static const char *const members[] = {COMMON_MEMBERS,    "updatedAt",  "name",
                                      "description",     "visibility", "mode",
                                      "defaultWorkflow", NULL};

static const char *const required[] = {"name", NULL};

static const struct filter_rule filters[] = {{NULL, NULL, NULL, 0}};

static void make_up (const char *member, struct prng *r, sqlite3_str *json) {
  (void)member;
  (void)r;
  text_quote(json, "Untitled");
}

static const struct order orders[] = {
  {"updatedAt", "json_extract(value, '$.updatedAt') DESC"},
  {"name", "json_extract(value, '$.name') COLLATE NOCASE"},
  {NULL, NULL},
};

#define CHANGES                                                                \
  {"name", MEMBER_TEXT, 1, 255, NULL},                                         \
    {"description", MEMBER_TEXT, 0, 10000, NULL},                              \
    {"visibility", MEMBER_TEXT, 0, 0, visibilities},                           \
    {"mode", MEMBER_TEXT, 0, 0, modes}, {                                      \
    "defaultWorkflow", MEMBER_TEXT, 0, 0, workflows                            \
  }

static const struct member_rule takes[] = {
  {"id", MEMBER_UUID, 0, 0, NULL}, CHANGES, {NULL, MEMBER_TEXT, 0, 0, NULL}};

static const struct member_rule changes[] = {CHANGES,
                                             {NULL, MEMBER_TEXT, 0, 0, NULL}};

static const char *const wrong[] = {MISSING("name"), NULL};

const struct resource projects = {
  .kind = {"project", members, required, NULL, NULL, NULL, filters, make_up},
  .invalid_id = "project_not_found",
  .not_found = "project_not_found",
  .deleted = "SELECT json_object('id', json_extract(?1, '$.id'))",
  .orders = orders,
  .takes = takes,
  .wrong = wrong,
  .defaults = "{\"visibility\":\"USER\",\"mode\":\"CREATOR\"}",
  .changes = changes,
};

/* ---- What is in one ---- */

/* Whether it has answered that there is no such project. */
static int refuse_project (struct call *c, const char *id) {
  const struct scope scope = resource_scope(c, &projects);
  struct document d;
  enum store_code code = store_get(c->service->store, &scope, id, &d);
  if (code == STORE_OK)
    sqlite3_free(d.json);
  else
    resource_refuse(c, &projects, id, code);
  return code != STORE_OK;
}

/* Sets an asset's projectId; 'project' is JSON. */
static void move (struct call *c, const char *asset, const char *project) {
  const struct scope scope = resource_scope(c, &assets);
  char *patch = sqlite3_mprintf("{\"projectId\":%s}", project), *json = NULL;
  enum store_code code = STORE_FAILED;
  if (patch != NULL)
    code = store_change(c->service->store, &scope, asset, patch, &json);
  if (code == STORE_OK)
    c->response->status = 204;
  else
    resource_refuse(c, &assets, asset, code);
  sqlite3_free(json);
  sqlite3_free(patch);
}

void projects_attach (struct call *c) {
  static const struct member_rule rules[] = {
    {"assetId", MEMBER_UUID, 0, 0, NULL}, {NULL, MEMBER_TEXT, 0, 0, NULL}};
  static const char *const missing[] = {MISSING("assetId"), NULL};
  const struct request *r = c->request;
  char *asset, *project;
  if (!check_body(c, r->body, r->body_length, rules, missing)
      || refuse_project(c, r->segments[2]))
    return;
  asset = value_text(r->body, r->body_length, "$.assetId");
  project = sqlite3_mprintf("\"%s\"", r->segments[2]);
  if (asset != NULL && project != NULL)
    move(c, asset, project);
  sqlite3_free(project);
  sqlite3_free(asset);
}

/* Whether an asset is in the project. */
static int is_in (struct call *c, const char *asset, const char *project) {
  const struct scope scope = resource_scope(c, &assets);
  struct document d;
  char *in = NULL;
  int same;
  if (store_get(c->service->store, &scope, asset, &d) == STORE_OK) {
    in = value_text(d.json, strlen(d.json), "$.projectId");
    sqlite3_free(d.json);
  }
  same = in != NULL && strcmp(in, project) == 0;
  sqlite3_free(in);
  return same;
}

/* An asset that is elsewhere stays there. */
void projects_detach (struct call *c) {
  const struct request *r = c->request;
  if (refuse_project(c, r->segments[2]))
    return;
  if (is_in(c, r->segments[4], r->segments[2]))
    move(c, r->segments[4], "null");
  else
    c->response->status = 204;
}
