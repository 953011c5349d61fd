/* SPDX-License-Identifier: MIT
**
** sample: see sample.h. JSON is written as text, because the samples differ in
** which members are null or left out and in how characters are escaped.
*/

#include "sample.h"
#include "iso_time.h"

#include <string.h>

#define DAYS_BACK 90
#define DAY       INT64_C(86400000)

static const char *const models[] = {"lipsync-2", "lipsync-2-pro", "sync-3",
                                     "lipsync-1.9.0-beta", "react-1"};

static const char *const sources[] = {"api", "studio", "mcp", "api", "zapier"};

static const char *const projects[] = {"3f8c2a71-5b0e-4d6f-9a1c-7e2b4c5d6e80",
                                       "91d7e4b2-0c3a-4f58-8b6d-1a2f3c4b5d60",
                                       "c05a9e13-7d24-4b8e-a3f1-60b2d4e8f719",
                                       NULL, NULL};

static const char *const modes[] = {"bounce", "loop", "cut_off", "silence",
                                    "remap"};

/* Names as a user gave them would be sanitized to these. */
static const char *const names[] = {"spring_campaign-final", "interview_02",
                                    "onboarding-fr",         "Trailer_v3",
                                    "lesson-14_part_2",      NULL};

/* JSON strings without their quotes. The last is a text that was cut between
** the two halves of a character: legal JSON, seen from Node programs. */
static const char *const scripts[] = {
  "Welcome back! Today we look at three things that changed since spring.",
  "Bonjour \\u00e0 tous, et bienvenue dans ce cours\\u2026",
  "こんにちは。今日は新しい製品をご紹介します。",
  "She said \\\"hello\\\" and left.\\nNew line, tab\\tand a back\\\\slash.",
  "Grüße aus Köln – schön, dass ihr da seid! \\ud83d\\ude80",
  "Добро пожаловать на нашу ежегодную встречу.",
  "مرحبا بكم في هذا العرض القصير 👋🏽",
  "Look at https:\\/\\/example.com\\/offers for the terms \\u0026 prices."};

static const char cut_script[] = "Thank you all, see you next time \\ud83d";

struct failure {
  const char *code;
  const char *message;
};

static const struct failure failures[] = {
  {"generation_input_video_inaccessible",
   "The provided video URL is inaccessible."},
  {"generation_pipeline_failed",
   "The generation failed while it was being rendered."},
  {"generation_input_audio_invalid",
   "The audio of the input cannot be decoded."},
  {"generation_input_face_selection_invalid",
   "No face was found in frame 0 at \\\"[412, 230]\\\"."},
  {"generation_unknown_error", NULL},
};

#define LENGTH(a)    ((uint32_t)(sizeof(a) / sizeof((a)[0])))
#define CHOOSE(c, a) ((a)[prng_below(c, LENGTH(a))])

/* A sample that is being made. */
struct making {
  sqlite3_str *json;
  struct prng random;
  int64_t n;
  int sparse; /* what is null is left out */
  const struct sample *sample;
};

/* Appends ,"name":"text" or, for NULL, ,"name":null. */
static void member (struct making *m, const char *name, const char *text) {
  if (text != NULL)
    sqlite3_str_appendf(m->json, ",\"%s\":\"%s\"", name, text);
  else if (!m->sparse)
    sqlite3_str_appendf(m->json, ",\"%s\":null", name);
}

/* Appends "name": and a long signed URL, as storage services make them. */
static void signed_url (sqlite3_str *s, struct prng *c, const char *name,
                        const char *folder, const char *id,
                        const char *extension) {
  char hex[65];
  prng_hex(c, hex, 64);
  sqlite3_str_appendf(
    s,
    "\"%s\":\"https://media.example.com/%s/%s.%s"
    "?X-Expires=604800&X-Credential=AKIAEXAMPLE%%2Feu-west-1%%2Fs3"
    "&X-Signature=%s\"",
    name, folder, id, extension, hex);
}

/* Appends "name": and the address of an output of the emulator's own. The layer
** above replaces it by a signed URL. */
static void output_url (sqlite3_str *s, const char *name, const char *id,
                        const char *extension) {
  sqlite3_str_appendf(s, "\"%s\":\"emulator:/media/outputs/%s.%s\"", name, id,
                      extension);
}

/* A video or audio, as an asset or by its address. */
static void media_input (sqlite3_str *s, struct prng *c, const char *type,
                         const char *extension, const char *ref) {
  char id[UUID_SIZE];
  prng_uuid(c, id);
  sqlite3_str_appendf(s, "{\"type\":\"%s\",", type);
  if (prng_below(c, 4) == 0)
    sqlite3_str_appendf(s, "\"assetId\":\"%s\"", id);
  else
    signed_url(s, c, "url", "inputs", id, extension);
  if (ref != NULL)
    sqlite3_str_appendf(s, ",\"refId\":\"%s\"", ref);
  sqlite3_str_appendchar(s, 1, '}');
}

/* A script and the voice that is to speak it. */
static void text_input (sqlite3_str *s, struct prng *c, const char *script) {
  char voice[21];
  prng_hex(c, voice, 20);
  sqlite3_str_appendf(
    s,
    "{\"type\":\"text\",\"provider\":{\"name\":"
    "\"elevenlabs\",\"voiceId\":\"%s\",\"script\":\"%s\",\"stability\":0.%u,"
    "\"similarityBoost\":0.75}}",
    voice, script, 1 + prng_below(c, 9));
}

void sample_input (struct prng *c, sqlite3_str *json) {
  sqlite3_str_appendchar(json, 1, '[');
  media_input(json, c, "video", "mp4", NULL);
  sqlite3_str_appendchar(json, 1, ',');
  media_input(json, c, "audio", "wav", NULL);
  sqlite3_str_appendchar(json, 1, ']');
}

/* "input" of one of three kinds: spoken, cut into segments, or plain. */
static void input (struct making *m) {
  sqlite3_str *s = m->json;
  struct prng *c = &m->random;
  if (m->n % 4 != 1 && m->n % 8 != 2) {
    sample_input(c, s);
    return;
  }
  sqlite3_str_appendchar(s, 1, '[');
  media_input(s, c, "video", m->n % 4 == 1 ? "mp4" : "mov", NULL);
  sqlite3_str_appendchar(s, 1, ',');
  if (m->n % 4 == 1) {
    text_input(s, c, m->n % 50 == 49 ? cut_script : CHOOSE(c, scripts));
  }
  else {
    media_input(s, c, "audio", "mp3", "intro");
    sqlite3_str_appendchar(s, 1, ',');
    media_input(s, c, "audio", "mp3", "main");
  }
  sqlite3_str_appendchar(s, 1, ']');
}

/* All options there are, nested ones included. */
static void options (struct making *m) {
  sqlite3_str *s = m->json;
  struct prng *c = &m->random;
  sqlite3_str_appendf(s, ",\"options\":{\"sync_mode\":\"%s\"",
                      CHOOSE(c, modes));
  if (m->n % 5 == 4) /* react-1 */
    sqlite3_str_appendall(s, ",\"model_mode\":\"face\",\"prompt\":\"happy\"");
  sqlite3_str_appendf(s, ",\"temperature\":0.%u", prng_below(c, 10));
  sqlite3_str_appendall(s, ",\"active_speaker_detection\":{\"auto_detect\":");
  if (m->n % 3 == 0)
    sqlite3_str_appendf(s, "false,\"frame_number\":%u,\"coordinates\":[%u,%u]",
                        prng_below(c, 250), prng_below(c, 1920),
                        prng_below(c, 1080));
  else
    sqlite3_str_appendall(s, "true");
  sqlite3_str_appendf(s, "},\"occlusion_detection_enabled\":%s}",
                      m->n % 6 == 0 ? "true" : "false");
}

/* Appends the outputs, an error, or neither yet. */
static void outcome (struct making *m) {
  struct prng *c = &m->random;
  const char *status = m->sample->status;
  const struct failure *failure = &CHOOSE(c, failures);
  int bad = strcmp(status, "FAILED") == 0 || strcmp(status, "REJECTED") == 0;
  if (strcmp(status, "REJECTED") == 0)
    failure = &failures[0];
  member(m, "error", bad ? failure->message : NULL);
  member(m, "errorCode", bad ? failure->code : NULL);
  if (strcmp(status, "COMPLETED") == 0) {
    sqlite3_str_appendf(m->json, ",\"outputDuration\":%u.%u,",
                        3 + prng_below(c, 240), prng_below(c, 100));
    output_url(m->json, "outputUrl", m->sample->id, "mp4");
  }
  else if (!m->sparse) {
    sqlite3_str_appendall(m->json,
                          ",\"outputDuration\":null,\"outputUrl\":\"\"");
  }
}

/* Two segments, for the samples with two audio inputs. */
static const char segments[] =
  ",\"segments\":[{\"startTime\":0,\"endTime\":4.5,"
  "\"audioInput\":{\"refId\":\"intro\"}},{\"startTime\":4.5,"
  "\"endTime\":17.25,\"audioInput\":{\"refId\":\"main\",\"startTime\":1,"
  "\"endTime\":13.75},\"optionsOverride\":{\"sync_mode\":\"cut_off\"}}]";

/* Appends members that say something about some generations only. */
static void extras (struct making *m) {
  const struct sample *sample = m->sample;
  int done = strcmp(sample->status, "COMPLETED") == 0, cut = m->n % 8 == 2;
  member(m, "outputFileName", CHOOSE(&m->random, names));
  if (cut)
    sqlite3_str_appendall(m->json, segments);
  else
    member(m, "segments", NULL);
  if (done && (cut || m->n % 4 == 1)) {
    sqlite3_str_appendchar(m->json, 1, ',');
    output_url(m->json, cut ? "segmentOutputUrl" : "synthesizedAudioUrl",
               sample->id, cut ? "segments.mp4" : "wav");
  }
  member(m, "webhookUrl",
         m->n % 3 == 1 ? "https://hooks.example.com/sync?team=7" : NULL);
  member(m, "projectId", sample->project);
}

/* The newest few include running ones, whatever the count; all older ones are
** terminal. */
static const char *status_of (int64_t n, int64_t count) {
  static const char *const newest[] = {
    "COMPLETED",  "PENDING",  "PROCESSING", "FAILED",    "PENDING",
    "PROCESSING", "REJECTED", "PROCESSING", "COMPLETED", "PENDING"};
  int64_t back = count - 1 - n;
  if (back < (int64_t)LENGTH(newest))
    return newest[back];
  return n % 10 == 3 || n % 10 == 6 ? "FAILED"
         : n % 10 == 9              ? "REJECTED"
                                    : "COMPLETED";
}

/* Dates go up with n, but not strictly: a listing in the order of insertion
** is not in the order of time, and now and then two dates are equal. */
static int64_t created_of (struct prng *c, int64_t n, int64_t count,
                           int64_t now, const char *status) {
  int64_t step = DAYS_BACK * DAY / count;
  int64_t at = now - DAYS_BACK * DAY + n * step;
  if (status[0] == 'P') /* running: made within the last minute */
    return now - 1000 - (int64_t)prng_below(c, 59000);
  if (n % 17 == 1)
    at -= step;
  else if (n % 17 != 0)
    at += (int64_t)(prng_next(c) % (uint64_t)(2 * step + 1));
  return at < now ? at : now - (int64_t)prng_below(c, 1000);
}

void sample_make (uint64_t seed, int64_t n, int64_t count, int64_t now,
                  struct sample *sample, sqlite3_str *json) {
  struct making m = {json, {0}, n, n % 7 == 5, sample};
  char created[TIME_SIZE];
  prng_open(&m.random, seed, (uint64_t)n);
  prng_uuid(&m.random, sample->id);
  sample->status = status_of(n, count);
  sample->source = CHOOSE(&m.random, sources);
  sample->project = CHOOSE(&m.random, projects);
  sample->created = created_of(&m.random, n, count, now, sample->status);
  if (m.sparse) /* a date without a fraction is legal too */
    sample->created -= sample->created % 1000;
  time_format(sample->created, created);
  if (m.sparse)
    memcpy(created + 19, "Z", 2);
  sqlite3_str_appendf(json,
                      "{\"id\":\"%s\",\"createdAt\":\"%s\",\"status\":"
                      "\"%s\",\"model\":\"%s\",\"input\":",
                      sample->id, created, sample->status,
                      models[n % LENGTH(models)]);
  input(&m);
  options(&m);
  outcome(&m);
  extras(&m);
  sqlite3_str_appendchar(json, 1, '}');
}
