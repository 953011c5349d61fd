/* SPDX-License-Identifier: MIT
**
** generations: the descriptor of the resource. What is PENDING becomes
** PROCESSING and then COMPLETED, or FAILED where it has an errorCode; a fault
** at its creation may want another outcome.
*/

#include "prices.h"
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

static const char failure[] =
  ", '$.errorCode', json_extract(outcome, '$.errorCode'),"
  " '$.error', json_extract(outcome, '$.error')";

static const struct transition transitions[] = {
  {"PENDING", "REJECTED", STEP_QUEUE,
   "json_extract(outcome, '$.status') = 'REJECTED'", failure},
  {"PENDING", "PROCESSING", STEP_QUEUE, NULL, ""},
  {"PROCESSING", "FAILED", STEP_WORK, "outcome NOT NULL", failure},
  {"PROCESSING", "FAILED", STEP_WORK,
   "json_extract(body, '$.errorCode') NOT NULL", ""},
  {"PROCESSING", "COMPLETED", STEP_WORK, NULL, output},
  {NULL, NULL, STEP_QUEUE, NULL, NULL},
};

static const struct filter_rule filters[] = {
  {"status", "status", statuses, 0},
  {"ids", "id", NULL, 0},
  {"source", "source", NULL, 0},
  {"projectId", "project", NULL, 1},
  {NULL, NULL, NULL, 0},
};

static const char costs[] = "SELECT " COSTS_SQL("?1");

static void make_up (const char *member, struct prng *r, sqlite3_str *json) {
  if (strcmp(member, "input") == 0)
    sample_input(r, json);
  else
    sqlite3_str_appendall(json, "\"lipsync-2\"");
}

const struct resource generations = {
  .kind = {"generation", members, required, "COMPLETED", terminal, transitions,
           filters, make_up},
  .invalid_id = "invalid_generation_id",
  .not_found = "generation_not_found",
  .running = "generation_not_deletable_while_processing",
  .waits = 1,
  .download = "$.outputUrl",
  .no_file = "generation_conflict",
  .costs = costs,
};
