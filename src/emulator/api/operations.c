/* SPDX-License-Identifier: MIT
**
** operations: every operation of the service that is emulated, a row each.
*/

#include "assets.h"
#include "batch.h"
#include "catalog.h"
#include "form.h"
#include "intake.h"
#include "media.h"
#include "prices.h"
#include "query.h"
#include "resource.h"
#include "speech.h"
#include "voices.h"
#include "../store/text.h"
#include "../store/value.h"

#include <string.h>

/* What the service says of its models beyond their ids is our own. */
static const char models[] =
  "[{\"id\":\"lipsync-2\",\"name\":\"Lipsync 2\",\"type\":\"lipsync\","
  "\"version\":\"2.0.0\",\"description\":\"The general model.\"},"
  "{\"id\":\"lipsync-2-pro\",\"name\":\"Lipsync 2 Pro\","
  "\"type\":\"lipsync\",\"version\":\"2.0.0\","
  "\"description\":\"Finer detail around beard and teeth.\"},"
  "{\"id\":\"sync-3\",\"name\":\"Sync 3\",\"type\":\"lipsync\","
  "\"version\":\"3.0.0\"},"
  "{\"id\":\"react-1\",\"name\":\"React 1\",\"type\":\"lipsync\","
  "\"version\":\"1.0.0\",\"description\":\"Moves the whole face.\"},"
  "{\"id\":\"lipsync-1.9.0-beta\",\"name\":\"Lipsync 1.9\","
  "\"type\":\"lipsync\",\"version\":\"1.9.0-beta\","
  "\"deprecatedAt\":\"2026-03-31T00:00:00.000Z\"}]";

/* Answers with the JSON text that is the route's subject. */
static void answer_text (struct call *c) {
  const char *json = c->request->route->subject;
  response_json(c->response, text_copy(json, strlen(json)));
}

static void answer_catalog (struct call *c) {
  sqlite3_str *json = sqlite3_str_new(NULL);
  catalog_write(json);
  response_built(c->response, 200, json);
}

/* Answers with the secret that webhooks are signed with, of which a masked one
** shows the end. */
static void answer_secret (struct call *c) {
  const char *masked;
  char *secret, *json = NULL;
  size_t length, shown;
  if (!query_text(c, "masked", &masked))
    return;
  secret = service_webhook_secret(c->service);
  length = secret != NULL ? strlen(secret) : 0;
  shown = length < 8 ? 0 : 4;
  if (secret != NULL && masked != NULL && strcmp(masked, "false") == 0)
    json = value_query("SELECT json_object('secret', ?2)", "", 0, secret);
  else if (secret != NULL)
    json = value_query("SELECT json_object('secret', 'whsec_****' || ?2)", "",
                       0, secret + length - shown);
  response_json(c->response, json);
  sqlite3_free(secret);
}

#define CREATE_MAX ((size_t)1024 * 1024) /* bytes of a body */
#define KEY        0
#define OPEN       1

/* The first row that matches is taken: "count" is no id. */
const struct route api_routes[] = {
  {"list", "GET", "/v2/generations", resource_list, &generations, KEY, 0},
  {"count", "GET", "/v2/generations/count", resource_count, &generations, KEY,
   0},
  {"estimate", "POST", "/v2/generations/estimate", handle_estimate, NULL, KEY,
   CREATE_MAX},
  {"estimate", "POST", "/v2/generate/estimate-cost", handle_estimate, NULL, KEY,
   CREATE_MAX},
  {"analyze", "POST", "/v2/analyze/cost", handle_analyze, NULL, KEY,
   CREATE_MAX},
  {"get", "GET", "/v2/generations/*", resource_get, &generations, KEY, 0},
  {"get", "GET", "/v2/generate/*", resource_get, &generations, KEY, 0},
  {"delete", "DELETE", "/v2/generations/*", resource_delete, &generations, KEY,
   0},
  {"download", "GET", "/v2/generations/*/download", resource_download,
   &generations, KEY, 0},
  {"costs", "GET", "/v2/generate/*/costs", resource_costs, &generations, KEY,
   0},
  {"create", "POST", "/v2/generate", form_create, &generations, KEY,
   CREATE_MAX},
  {"errors", "GET", "/v2/errors", answer_catalog, NULL, OPEN, 0},
  {"models", "GET", "/v2/models", answer_text, models, KEY, 0},
  {"announce", "POST", "/v2/assets/upload", assets_announce, &assets, KEY,
   CREATE_MAX},
  {"put", "PUT", "/media/uploads/*", assets_put, NULL, OPEN, 0},
  {"get_assets", "POST", "/v2/assets/batch", assets_many, &assets, KEY,
   CREATE_MAX},
  {"create_asset", "POST", "/v2/assets", assets_create, &assets, KEY,
   CREATE_MAX},
  {"list_assets", "GET", "/v2/assets", resource_page, &assets, KEY, 0},
  {"get_asset", "GET", "/v2/assets/*", resource_get, &assets, KEY, 0},
  {"delete_asset", "DELETE", "/v2/assets/*", resource_delete, &assets, KEY, 0},
  {"change_asset", "PATCH", "/v2/assets/*", resource_change, &assets, KEY,
   CREATE_MAX},
  {"download_asset", "GET", "/v2/assets/*/download", resource_download, &assets,
   KEY, 0},
  {"create_project", "POST", "/v2/projects", resource_create, &projects, KEY,
   CREATE_MAX},
  {"list_projects", "GET", "/v2/projects", resource_page, &projects, KEY, 0},
  {"get_project", "GET", "/v2/projects/*", resource_get, &projects, KEY, 0},
  {"change_project", "PATCH", "/v2/projects/*", resource_change, &projects, KEY,
   CREATE_MAX},
  {"delete_project", "DELETE", "/v2/projects/*", resource_delete, &projects,
   KEY, 0},
  {"attach", "POST", "/v2/projects/*/assets", projects_attach, NULL, KEY,
   CREATE_MAX},
  {"detach", "DELETE", "/v2/projects/*/assets/*", projects_detach, NULL, KEY,
   0},
  {"list_voices", "GET", "/v2/voices", voices_list, &voices, KEY, 0},
  {"clone_voice", "POST", "/v2/voices", voices_clone, &voices, KEY, CREATE_MAX},
  {"get_voice", "GET", "/v2/voices/*", resource_get, &voices, KEY, 0},
  {"delete_voice", "DELETE", "/v2/voices/*", resource_delete, &voices, KEY, 0},
  {"speak", "POST", "/v2/tts", speech_create, NULL, KEY, CREATE_MAX},
  {"start_speech", "POST", "/v2/tts/jobs", job_create, &speech_jobs, KEY,
   CREATE_MAX},
  {"get_speech", "GET", "/v2/tts/jobs/*", job_get, &speech_jobs, KEY, 0},
  {"transcribe", "POST", "/v2/transcriptions", job_create, &transcriptions, KEY,
   CREATE_MAX},
  {"get_transcription", "GET", "/v2/transcriptions/*", job_get, &transcriptions,
   KEY, 0},
  {"edit_dialogue", "POST", "/v2/dialogue-edits", job_create, &dialogue_edits,
   KEY, CREATE_MAX},
  {"get_dialogue_edit", "GET", "/v2/dialogue-edits/*", job_get, &dialogue_edits,
   KEY, 0},
  {"usage", "GET", "/v2/usage/generations", handle_usage, NULL, KEY, 0},
  {"secret", "GET", "/v2/organizations/webhook/secret", answer_secret, NULL,
   KEY, 0},
  {"media", "GET", "/media/outputs/*", media_output, NULL, OPEN, 0},
  {"media", "GET", "/moved/media/outputs/*", media_output, "moved", OPEN, 0},
  {"batch", "POST", "/v2/batch", batch_create, NULL, KEY,
   BATCH_MAX + CREATE_MAX},
  {"batch", "GET", "/v2/batch", batch_list, NULL, KEY, 0},
  {"batch", "GET", "/v2/batch/*", batch_get, NULL, KEY, 0},
  {"batch", "GET", "/v2/batch/*/output", batch_output, NULL, KEY, 0},
  {"media", "GET", "/media/batches/*", batch_results, NULL, OPEN, 0},
  {"media", "GET", "/moved/media/batches/*", batch_results, "moved", OPEN, 0},
  {"media", "GET", "/media/uploads/*", media_upload, NULL, OPEN, 0},
  {"media", "GET", "/moved/media/uploads/*", media_upload, "moved", OPEN, 0},
  {NULL, NULL, NULL, NULL, NULL, 0, 0},
};

const struct intake *intake_of (const struct route *route) {
  static const struct intake *const intakes[] = {&form_intake, &assets_intake,
                                                 NULL};
  int i = 0;
  while (intakes[i] != NULL
         && (route == NULL || intakes[i]->handle != route->handle))
    i++;
  return intakes[i];
}

static const struct kind *const kinds[] = {&generations.kind,
                                           &batch_kind,
                                           &assets.kind,
                                           &projects.kind,
                                           &voices.kind,
                                           &speech_jobs.resource.kind,
                                           &transcriptions.resource.kind,
                                           &dialogue_edits.resource.kind,
                                           NULL};

const struct offer api_offer = {kinds, {api_routes, sizeof(*api_routes)}};
