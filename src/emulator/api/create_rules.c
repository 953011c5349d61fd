/* SPDX-License-Identifier: MIT
**
** create_rules: what the body of a create may hold: each member by itself, and
** what goes together.
*/

#include "check.h"
#include "create.h"

#define TEXT_MAX 16384
#define LONGEST  86400 /* seconds of media */

#define TEXT(path, least, most)                                                \
  { path, MEMBER_TEXT, least, most, NULL }
#define WORD(path, words)                                                      \
  { path, MEMBER_TEXT, 0, 0, words }
#define NUMBER(path, least, most)                                              \
  { path, MEMBER_NUMBER, least, most, NULL }
#define WHOLE(path, least, most)                                               \
  { path, MEMBER_WHOLE, least, most, NULL }
#define FLAG(path)                                                             \
  { path, MEMBER_FLAG, 0, 0, NULL }
#define ID(path)                                                               \
  { path, MEMBER_UUID, 0, 0, NULL }
#define OBJECT(path)                                                           \
  { path, MEMBER_OBJECT, 0, 0, NULL }
#define ARRAY(path)                                                            \
  { path, MEMBER_ARRAY, 0, 0, NULL }
#define SPEAKER "options.active_speaker_detection"

static const char *const inputs[] = {"video", "image", "audio", "text", NULL};
static const char *const providers[] = {"elevenlabs", NULL};
static const char *const sync_modes[] = {"bounce",  "loop",  "cut_off",
                                         "silence", "remap", NULL};
static const char *const model_modes[] = {"lips", "face", "head", NULL};
static const char *const prompts[] = {
  "happy", "sad", "angry", "disgusted", "surprised", "neutral", NULL};

static const struct member_rule rules[] = {
  TEXT("model", 1, 200),
  ARRAY("input"),
  OBJECT("input[]"),
  WORD("input[].type", inputs),
  TEXT("input[].url", 1, TEXT_MAX),
  ID("input[].assetId"),
  TEXT("input[].refId", 1, 200),
  OBJECT("input[].provider"),
  WORD("input[].provider.name", providers),
  TEXT("input[].provider.voiceId", 1, 200),
  TEXT("input[].provider.script", 1, 5000),
  NUMBER("input[].provider.stability", 0, 1),
  NUMBER("input[].provider.similarityBoost", 0, 1),
  OBJECT("options"),
  WORD("options.sync_mode", sync_modes),
  WORD("options.model_mode", model_modes),
  WORD("options.prompt", prompts),
  NUMBER("options.temperature", 0, 1),
  FLAG("options.occlusion_detection_enabled"),
  FLAG("options.reasoning_enabled"),
  TEXT("options.i2v_prompt", 0, TEXT_MAX),
  OBJECT(SPEAKER),
  FLAG(SPEAKER ".auto_detect"),
  FLAG(SPEAKER ".v3"),
  FLAG(SPEAKER ".use_v2"),
  WHOLE(SPEAKER ".frame_number", 0, 1e9),
  ARRAY(SPEAKER ".coordinates"),
  NUMBER(SPEAKER ".coordinates[]", 0, 1e6),
  ARRAY(SPEAKER ".bounding_boxes"),
  TEXT(SPEAKER ".bounding_boxes_url", 1, TEXT_MAX),
  ARRAY("segments"),
  OBJECT("segments[]"),
  NUMBER("segments[].startTime", 0, LONGEST),
  NUMBER("segments[].endTime", 0, LONGEST),
  OBJECT("segments[].audioInput"),
  TEXT("segments[].audioInput.refId", 1, 200),
  NUMBER("segments[].audioInput.startTime", 0, LONGEST),
  NUMBER("segments[].audioInput.endTime", 0, LONGEST),
  OBJECT("segments[].optionsOverride"),
  TEXT("webhookUrl", 1, TEXT_MAX),
  TEXT("outputFileName", 1, 255),
  ID("projectId"),
  OBJECT("dubParams"),
  TEXT("dubParams.targetLang", 1, 50),
  TEXT("dubParams.sourceLang", 1, 50),
  TEXT("dubParams.providerName", 1, 50),
  OBJECT("dialogueEdit"),
  TEXT("dialogueEdit.id", 1, 200),
  {NULL, MEMBER_TEXT, 0, 0, NULL},
};

/* Rows of 'wrong': rank, status, code, field, message. */
#define BAD(rank, field, message)                                              \
  " UNION ALL SELECT " #rank                                                   \
  ", 400, 'generation_input_validation_failed', " field ", " message
#define MISSING(rank, field, from)                                             \
  BAD(rank, field, field " || ' is missing'") " FROM " from
#define UNFIT(rank, code, field, message)                                      \
  " UNION ALL SELECT " #rank ", 422, 'generation_" code "', " field            \
  ","                                                                          \
  " " message
#define LACKS(path) "json_extract(value, '$." path "') IS NULL"
#define ITEM        "'input[' || n || ']"
#define SEGMENT     "'segments[' || key || ']"

/* What the queries below look at. */
#define TABLES                                                                 \
  "WITH item AS (SELECT key AS n, value, json_extract(value, '$.type') AS "    \
  "type,"                                                                      \
  "  json_extract(value, '$.url') AS url,"                                     \
  "  json_extract(value, '$.assetId') AS asset,"                               \
  "  json_extract(value, '$.refId') AS ref FROM json_each(?1, '$.input')),"    \
  " media AS (SELECT * FROM item WHERE type <> 'text'),"                       \
  " visual AS (SELECT * FROM item WHERE type IN ('video', 'image')),"          \
  " sound AS (SELECT * FROM item WHERE type IN ('audio', 'text')),"            \
  " segment AS (SELECT key, value,"                                            \
  "  json_extract(value, '$.startTime') AS first,"                             \
  "  json_extract(value, '$.endTime') AS last,"                                \
  "  json_extract(value, '$.audioInput.refId') AS ref"                         \
  "  FROM json_each(?1, '$.segments')),"                                       \
  " body AS (SELECT json_extract(?1, '$.model') AS model,"                     \
  "  json_extract(?1, '$.dubParams') AS dub,"                                  \
  "  json_extract(?1, '$.dialogueEdit') AS edit,"                              \
  "  (SELECT count(*) FROM visual) AS visuals,"                                \
  "  (SELECT count(*) FROM sound) AS sounds,"                                  \
  "  (SELECT count(*) FROM segment) AS segments,"                              \
  "  EXISTS (SELECT 1 FROM visual WHERE type = 'image') AS image)"

#define FIRST_OF                                                               \
  " SELECT status, code, field, message FROM (SELECT NULL AS rank,"            \
  " NULL AS status, NULL AS code, NULL AS field, NULL AS message"
#define BY_RANK ") WHERE rank NOT NULL ORDER BY rank LIMIT 1"

static const char missing_sql[] = TABLES FIRST_OF MISSING(
  1, "'model'", "body WHERE model IS NULL")
  MISSING(2, "'input'", "body WHERE json_type(?1, '$.input') IS NOT 'array'")
    MISSING(3, ITEM ".type'", "item WHERE type IS NULL") MISSING(
      4, ITEM ".provider.name'",
      "item WHERE type = 'text' AND " LACKS(
        "provider.name")) MISSING(5, ITEM ".provider.voiceId'",
                                  "item WHERE type = 'text' AND " LACKS(
                                    "provider.voiceId"))
      MISSING(6, ITEM ".provider.script'",
              "item WHERE type = 'text' AND " LACKS(
                "provider.script")) MISSING(7, SEGMENT ".startTime'",
                                            "segment WHERE first IS NULL")
        MISSING(8, SEGMENT ".endTime'", "segment WHERE last IS NULL") MISSING(
          9, SEGMENT ".audioInput.refId'", "segment WHERE ref IS NULL")
          MISSING(10, "'dubParams.targetLang'",
                  "body WHERE dub NOT NULL AND json_extract(dub, "
                  "'$.targetLang') IS NULL")
            MISSING(
              11, "'dialogueEdit.id'",
              "body WHERE edit NOT NULL AND json_extract(edit, '$.id') IS NULL")
              BY_RANK;

/* Whether media can be fetched and decoded is not looked into. */
static const char media_sql[] = TABLES FIRST_OF
  UNFIT(12, "input_validation_failed", ITEM "'",
        "'give either url or assetId'")
  " FROM media WHERE (url IS NULL) = (asset IS NULL)"
  UNFIT(13, "input_' || type || '_inaccessible", ITEM ".url'", "NULL")
  " FROM media WHERE url NOT LIKE 'http://_%' AND url NOT LIKE 'https://_%'"
  "  AND url NOT LIKE 'emulator:/media/_%'"
    BY_RANK;

/* Which model takes what. */
static const char combination_sql[] = TABLES FIRST_OF
  UNFIT(14, "unsupported_model", "'model'", "'unknown model ' || model")
  " FROM body WHERE model NOT IN ('sync-3', 'lipsync-2', 'lipsync-2-pro',"
  "  'lipsync-1.9.0-beta', 'react-1')"
  UNFIT(15, "input_dub_audio_conflict", "'input'", "NULL")
  " FROM body WHERE dub NOT NULL AND sounds > 0"
  UNFIT(16, "input_too_many_visual", "'input'", "NULL")
  " FROM body WHERE visuals > 1"
  UNFIT(17, "input_validation_failed", "'input'",
        "'input needs a video or an image'")
  " FROM body WHERE visuals = 0"
  UNFIT(18, "unsupported_model", "'model'", "'only sync-3 animates an image'")
  " FROM body WHERE image AND model <> 'sync-3'"
  UNFIT(19, "unsupported_model", "'model'",
        "'only sync-3 takes a dialogueEdit'")
  " FROM body WHERE edit NOT NULL AND model <> 'sync-3'"
  UNFIT(20, "input_validation_failed", "'input'",
        "'dubParams and dialogueEdit need a video'")
  " FROM body WHERE image AND (dub NOT NULL OR edit NOT NULL)"
  UNFIT(21, "input_validation_failed", "'input'",
        "'input needs an audio or a text'")
  " FROM body WHERE sounds = 0 AND dub IS NULL AND edit IS NULL"
  UNFIT(22, "input_validation_failed", "'input'",
        "'several audio inputs need segments'")
  " FROM body WHERE sounds > 1 AND segments = 0"
  UNFIT(23, "input_segments_invalid", "'input'",
        "'several audio inputs need a refId each, no two alike'")
  " FROM body WHERE sounds > 1"
  "  AND (SELECT count(DISTINCT ref) FROM sound) < sounds"
  UNFIT(24, "input_segments_invalid", SEGMENT ".audioInput.refId'",
        "'no audio input has this refId'")
  " FROM segment WHERE ref NOT IN (SELECT ref FROM sound WHERE ref NOT NULL)"
  UNFIT(25, "input_segments_invalid", SEGMENT ".endTime'",
        "'a segment ends after it starts'")
  " FROM segment WHERE last <= first"
  UNFIT(26, "input_segments_invalid", SEGMENT ".startTime'",
        "'segments must not overlap'")
  " FROM segment WHERE first < (SELECT max(last) FROM segment AS before"
  "  WHERE before.key < segment.key)"
  BY_RANK;

static const char *const wrong_sql[] = {missing_sql, media_sql, combination_sql,
                                        NULL};

/* The first asset of a body (?1) that the organization (?2) has not, or that is
** of another type than its item. */
static const char assets_sql[] =
  "SELECT iif(type IS NULL, '!', '?') || 'input[' || n || '].assetId'"
  " FROM (SELECT item.key AS n,"
  "  upper(json_extract(item.value, '$.type')) AS wanted,"
  "  (SELECT json_extract(body, '$.type') FROM documents WHERE kind = 'asset'"
  "   AND org = ?2 AND id = json_extract(item.value, '$.assetId')) AS type"
  "  FROM json_each(?1, '$.input') AS item"
  "  WHERE json_extract(item.value, '$.assetId') NOT NULL)"
  " WHERE type IS NOT wanted ORDER BY n LIMIT 1";

static int check_assets (struct call *c, const char *json) {
  const char *values[] = {json, c->org};
  char *field;
  enum store_code code = store_text(c->service->store, service_now(c->service),
                                    assets_sql, values, 2, &field);
  if (code == STORE_OK && *field == '!')
    response_error(c->response, 404, "asset_not_found", field + 1, NULL);
  else if (code == STORE_OK)
    response_error(c->response, 422, "generation_input_asset_type_mismatch",
                   field + 1, NULL);
  else if (code == STORE_FAILED)
    response_code(c->response, "internal_error");
  sqlite3_free(field);
  return code == STORE_NONE;
}

int create_check (struct call *c, const char *json, size_t length) {
  return check_body(c, json, length, rules, wrong_sql) && check_assets(c, json);
}
