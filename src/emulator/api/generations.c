/* SPDX-License-Identifier: MIT
**
** generations: the descriptor of the resource. What was added as PENDING is
** PROCESSING a minute later and terminal after five more: FAILED where it has
** an errorCode, else COMPLETED.
*/

#include "resource.h"
#include "../store/sample.h"

#include <string.h>

static const char *const members[] = {COMMON_MEMBERS,
                                      "status",
                                      "model",
                                      "input",
                                      "options",
                                      "segments",
                                      "projectId",
                                      "webhookUrl",
                                      "outputFileName",
                                      "dubParams",
                                      "dialogueEdit",
                                      "error",
                                      "errorCode",
                                      "error_code",
                                      "outputUrl",
                                      "outputMediaUrl",
                                      "outputDuration",
                                      "segmentOutputUrl",
                                      "synthesizedAudioUrl",
                                      NULL};

static const char *const required[] = {"model", "input", NULL};

static const char *const statuses[] = {"PENDING", "PROCESSING", "COMPLETED",
                                       "FAILED",  "REJECTED",   NULL};

static const char *const terminal[] = {"COMPLETED", "FAILED", "REJECTED", NULL};

static const char output[] =
  ", '$.outputDuration', 4 + seq % 60 + 0.25, '$.outputUrl',"
  " 'emulator:/media/outputs/' || id || '.mp4'";

static const struct transition transitions[] = {
  {"PENDING", "PROCESSING", 60000, NULL, ""},
  {"PROCESSING", "FAILED", 300000, "json_extract(body, '$.errorCode') NOT NULL",
   ""},
  {"PROCESSING", "COMPLETED", 300000, NULL, output},
  {NULL, NULL, 0, NULL, NULL},
};

static const struct filter_rule filters[] = {
  {"status", "status", statuses, 0},
  {"ids", "id", NULL, 0},
  {"source", "source", NULL, 0},
  {"projectId", "project", NULL, 1},
  {NULL, NULL, NULL, 0},
};

static void make_up (const char *member, struct prng *r, sqlite3_str *json) {
  if (strcmp(member, "input") == 0)
    sample_input(r, json);
  else
    sqlite3_str_appendall(json, "\"lipsync-2\"");
}

const struct resource generations = {
  {"generation", members, required, "COMPLETED", terminal, transitions, filters,
   make_up},
  "invalid_generation_id",
  "generation_not_found",
  "generation_not_deletable_while_processing",
  1,
  "$.outputUrl"};
