/* SPDX-License-Identifier: MIT
**
** speech: texts that are spoken, at once or by a job; transcriptions; edits of
** what is said. The emulator hears nothing: what it says was said is made up.
*/

#include "speech.h"
#include "../service/signing.h"
#include "../store/value.h"

#include <string.h>

/* SQL: the moment of a transition, as the service writes times. */
#define WHEN_DUE "strftime('%Y-%m-%dT%H:%M:%fZ', due / 1000.0, 'unixepoch')"

static const char failed[] =
  ", '$.error', ifnull(json_extract(outcome, '$.error'), 'The job failed.'),"
  " '$.errorCode', json_extract(outcome, '$.errorCode')";

static const struct filter_rule no_filters[] = {{NULL, NULL, NULL, 0}};
static const char *const nothing[] = {NULL};

/* ---- Speech ---- */

static const char *const providers[] = {"elevenlabs", NULL};

static const struct member_rule speech_rules[] = {
  {"script", MEMBER_TEXT, 1, 5000, NULL},
  {"voiceId", MEMBER_TEXT, 1, 200, NULL},
  {"provider", MEMBER_TEXT, 0, 0, providers},
  {"stability", MEMBER_NUMBER, 0, 1, NULL},
  {"similarityBoost", MEMBER_NUMBER, 0, 1, NULL},
  {NULL, MEMBER_TEXT, 0, 0, NULL},
};

static const char *const speech_wrong[] = {
  MISSING("script"), MISSING("voiceId"), MISSING("provider"), NULL};

/* A voice reads 15 characters a second. */
static const char speech_sql[] =
  "SELECT json_object('id', ?2,"
  " 'url', 'emulator:/media/outputs/' || ?2 || '.wav', 'duration',"
  " round(length(json_extract(?1, '$.script')) / 15.0, 2))";

void speech_create (struct call *c) {
  const struct request *r = c->request;
  char id[UUID_SIZE], *json, *shown;
  if (!check_body(c, r->body, r->body_length, speech_rules, speech_wrong))
    return;
  service_request_id(c->service, id); /* as good a name as any */
  json = value_query(speech_sql, r->body, r->body_length, id);
  shown = json != NULL ? signing_show(c->service, json) : NULL;
  sqlite3_free(shown != NULL ? json : NULL);
  response_json(c->response, shown != NULL ? shown : json);
}

static const char *const speech_members[] = {
  COMMON_MEMBERS, "status",    "url",        "duration", "error",
  "errorCode",    "startedAt", "finishedAt", NULL};

static const char *const speech_ends[] = {"SUCCESS", "FAILED", NULL};

static const char speech_failed[] =
  ", '$.error', ifnull(json_extract(outcome, '$.error'), 'The job failed.'),"
  " '$.errorCode', json_extract(outcome, '$.errorCode'),"
  " '$.finishedAt', " WHEN_DUE;

static const struct transition speech_life[] = {
  {"PENDING", "PROCESSING", STEP_QUEUE, NULL, ", '$.startedAt', " WHEN_DUE},
  {"PROCESSING", "FAILED", STEP_WORK, "outcome NOT NULL", speech_failed},
  {"PROCESSING", "SUCCESS", STEP_WORK, NULL,
   ", '$.duration', 4 + seq % 60 + 0.25, '$.finishedAt', " WHEN_DUE
   ", '$.url', 'emulator:/media/outputs/' || id || '.wav'"},
  {NULL, NULL, STEP_QUEUE, NULL, NULL},
};

const struct job speech_jobs = {
  .resource = {.kind = {"speech_job", speech_members, nothing, "PENDING",
                        speech_ends, speech_life, no_filters, NULL},
               .invalid_id = "invalid_speech_job_id",
               .not_found = "speech_job_not_found"},
  .rules = speech_rules,
  .wrong_sql = speech_wrong,
  .document_sql =
    "SELECT json_object('kind', 'speech_job', 'status', 'PENDING',"
    " 'id', NULL, 'createdAt', NULL, 'url', NULL, 'duration', NULL,"
    " 'error', NULL, 'startedAt', NULL, 'finishedAt', NULL)",
  .key_sql =
    "SELECT 'speech:' || trim(?2), json(?1),"
    " length(trim(?2)) NOT BETWEEN 1 AND 128",
  .status = 202,
  .pause = 3,
};

/* ---- Transcriptions ---- */

static const struct member_rule transcription_rules[] = {
  {"sourceVideoUrl", MEMBER_TEXT, 1, 16384, NULL},
  {"sourceAudioUrl", MEMBER_TEXT, 1, 16384, NULL},
  {"startMs", MEMBER_WHOLE, 0, 1e12, NULL},
  {"endMs", MEMBER_WHOLE, 0, 1e12, NULL},
  {"maxSourceSeconds", MEMBER_NUMBER, 0, 1e9, NULL},
  {"projectId", MEMBER_UUID, 0, 0, NULL},
  {NULL, MEMBER_TEXT, 0, 0, NULL},
};

static const char *const transcription_wrong[] = {
  WRONG
  "'sourceVideoUrl',"
  " 'one of sourceVideoUrl and sourceAudioUrl must be given'"
  " WHERE (json_extract(?1, '$.sourceVideoUrl') IS NULL)"
  " = (json_extract(?1, '$.sourceAudioUrl') IS NULL)",
  WRONG
  "'endMs', 'the part must have more than 0 and at most 60 minutes'"
  " WHERE json_extract(?1, '$.endMs')"
  " - ifnull(json_extract(?1, '$.startMs'), 0) NOT BETWEEN 1 AND 3600000",
  NULL};

static const char *const transcription_members[] = {
  COMMON_MEMBERS,   "status",     "sourceVideoUrl",
  "sourceAudioUrl", "startMs",    "endMs",
  "projectId",      "transcript", "error",
  "errorCode",      NULL};

static const char *const transcription_ends[] = {"COMPLETED", "FAILED", NULL};

#define WORD(id, text, start, end)                                             \
  "json_object('id', '" id "', 'text', '" text                                 \
  "',"                                                                         \
  " 'startMs', ifnull(json_extract(body, '$.startMs'), 0) + " start            \
  ","                                                                          \
  " 'endMs', ifnull(json_extract(body, '$.startMs'), 0) + " end ")"

static const char transcript[] =
  ", '$.transcript', json_object('segments', json_array(json_object('words',"
  " json_array(" WORD("w1", "All", "0", "300") "," WORD(
    "w2", "is", "320", "480") "," WORD("w3", "well.", "500", "900") "))))";

static const struct transition transcription_life[] = {
  {"PENDING", "PROCESSING", STEP_QUEUE, NULL, ""},
  {"PROCESSING", "FAILED", STEP_WORK, "outcome NOT NULL", failed},
  {"PROCESSING", "COMPLETED", STEP_WORK, NULL, transcript},
  {NULL, NULL, STEP_QUEUE, NULL, NULL},
};

/* The same part of the same source is the same job. */
const struct job transcriptions = {
  .resource = {.kind = {"transcription", transcription_members, nothing,
                        "PENDING", transcription_ends, transcription_life,
                        no_filters, NULL},
               .invalid_id = "invalid_transcription_id",
               .not_found = "transcription_not_found"},
  .rules = transcription_rules,
  .wrong_sql = transcription_wrong,
  .document_sql =
    "SELECT json_object('kind', 'transcription', 'status', 'PENDING',"
    " 'id', NULL, 'createdAt', NULL,"
    " 'sourceVideoUrl', json_extract(?1, '$.sourceVideoUrl'),"
    " 'sourceAudioUrl', json_extract(?1, '$.sourceAudioUrl'),"
    " 'startMs', json_extract(?1, '$.startMs'),"
    " 'endMs', json_extract(?1, '$.endMs'),"
    " 'projectId', json_extract(?1, '$.projectId'),"
    " 'transcript', NULL, 'error', NULL, 'errorCode', NULL)",
  .key_sql =
    "SELECT 'transcription:' || json_array(json_extract(?1, "
    "'$.sourceVideoUrl'),"
    " json_extract(?1, '$.sourceAudioUrl'), json_extract(?1, '$.startMs'),"
    " json_extract(?1, '$.endMs')), '{}', 0",
  .status = 201,
};

/* ---- Edits of dialogues ---- */

static const char *const edit_kinds[] = {"change", "remove", NULL};

static const struct member_rule edit_rules[] = {
  {"sourceVideoUrl", MEMBER_TEXT, 1, 16384, NULL},
  {"transcript", MEMBER_OBJECT, 0, 0, NULL},
  {"edits", MEMBER_ARRAY, 0, 0, NULL},
  {"edits[]", MEMBER_OBJECT, 0, 0, NULL},
  {"edits[].kind", MEMBER_TEXT, 0, 0, edit_kinds},
  {"edits[].wordId", MEMBER_TEXT, 1, 200, NULL},
  {"edits[].replacement", MEMBER_TEXT, 1, 5000, NULL},
  {"edits[].pronunciation", MEMBER_TEXT, 1, 5000, NULL},
  {"edits[].wordIds", MEMBER_ARRAY, 0, 0, NULL},
  {"projectId", MEMBER_UUID, 0, 0, NULL},
  {"voiceId", MEMBER_TEXT, 1, 200, NULL},
  {"rerunOfJobId", MEMBER_UUID, 0, 0, NULL},
  {NULL, MEMBER_TEXT, 0, 0, NULL},
};

static const char *const edit_wrong[] = {
  MISSING("sourceVideoUrl"), MISSING("transcript"),
  WRONG
  "'edits', 'edits is missing or empty'"
  " WHERE ifnull(json_array_length(?1, '$.edits'), 0) = 0",
  WRONG
  "'edits[' || key || ']', 'an edit needs its kind, and wordId and"
  " replacement to change, or wordIds to remove'"
  " FROM json_each(?1, '$.edits')"
  " WHERE CASE json_extract(value, '$.kind')"
  "  WHEN 'change' THEN json_extract(value, '$.wordId') IS NULL"
  "   OR json_extract(value, '$.replacement') IS NULL"
  "  WHEN 'remove' THEN ifnull(json_array_length(value, '$.wordIds'), 0)"
  "   = 0 ELSE 1 END LIMIT 1",
  NULL};

static const char *const edit_members[] = {COMMON_MEMBERS,
                                           "status",
                                           "sourceVideoUrl",
                                           "transcript",
                                           "edits",
                                           "projectId",
                                           "voiceId",
                                           "rerunOfJobId",
                                           "error",
                                           "errorCode",
                                           NULL};

static const char *const edit_ends[] = {"COMPLETED", "COMPLETED_PARTIAL",
                                        "FAILED", NULL};

/* SQL: whether an edit names a word that the transcript does not have. */
static const char names_no_word[] =
  "EXISTS (SELECT 1 FROM json_tree(body, '$.edits') AS t"
  " WHERE (t.key = 'wordId' OR t.path LIKE '%.wordIds')"
  " AND t.atom NOT IN (SELECT w.atom FROM json_tree(body, '$.transcript') AS w"
  "  WHERE w.key = 'id' AND w.atom NOT NULL))";

static const struct transition edit_life[] = {
  {"PENDING", "PROCESSING", STEP_QUEUE, NULL, ""},
  {"PROCESSING", "FAILED", STEP_WORK, "outcome NOT NULL", failed},
  {"PROCESSING", "COMPLETED_PARTIAL", STEP_WORK, names_no_word, ""},
  {"PROCESSING", "COMPLETED", STEP_WORK, NULL, ""},
  {NULL, NULL, STEP_QUEUE, NULL, NULL},
};

const struct job dialogue_edits = {
  .resource = {.kind = {"dialogue_edit", edit_members, nothing, "PENDING",
                        edit_ends, edit_life, no_filters, NULL},
               .invalid_id = "invalid_dialogue_edit_id",
               .not_found = "dialogue_edit_not_found"},
  .rules = edit_rules,
  .wrong_sql = edit_wrong,
  .document_sql =
    "SELECT json_object('kind', 'dialogue_edit', 'status', 'PENDING',"
    " 'id', NULL, 'createdAt', NULL,"
    " 'sourceVideoUrl', json_extract(?1, '$.sourceVideoUrl'),"
    " 'transcript', json_extract(?1, '$.transcript'),"
    " 'edits', json_extract(?1, '$.edits'),"
    " 'projectId', json_extract(?1, '$.projectId'),"
    " 'voiceId', json_extract(?1, '$.voiceId'),"
    " 'rerunOfJobId', json_extract(?1, '$.rerunOfJobId'),"
    " 'error', NULL, 'errorCode', NULL)",
  .status = 201,
};
