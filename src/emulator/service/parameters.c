/* SPDX-License-Identifier: MIT
**
** parameters: see parameters.h.
*/

#include "parameters.h"
#include "../store/text.h"

#include <stdlib.h>
#include <string.h>

#define SEED_MAX  9007199254740992.0 /* what every kind of number holds */
#define TIME_LAST 2.5e11             /* seconds: the year 9892 */
#define LONGEST   3.2e9              /* seconds: a hundred years */
#define MEDIA_MAX 1e15               /* bytes */

static const char *const gone_cursors[] = {"error", "empty", "position", NULL};
static const char *const refusals[] = {"409", "404", "422", NULL};
static const char *const replays[] = {"error", "answer", "create", NULL};

static const char *const signatures[] = {"right",   "wrong", "late",
                                         "doubled", "none",  NULL};
static const char *const etags[] = {"strong", "weak", "none", NULL};
static const char *const orders[] = {"sent", "mixed", NULL};

/* Name, type, member, largest number or choices; argument, default, help. */
#define ROW(name, type, member, most, choices, ...)                            \
  {                                                                            \
    SCHEMA(name, type, struct parameters, member, 0, most, choices),           \
      __VA_ARGS__                                                              \
  }

const struct parameter parameter_table[] = {
  ROW("port", WHOLE, port, 65535, NULL, "N", "0",
      "port to listen on; 0 is any free one"),
  ROW("host", TEXT, host, 0, NULL, "ADDRESS", "127.0.0.1",
      "address to listen on, or its name"),
  ROW("database", TEXT, database, 0, NULL, "FILE",
      ":memory:", "keep all data in FILE"),
  ROW("keys", OTHER, settings.keys, 0, NULL, "KEY=ORG", "test-key=test-org",
      "accept KEY of the organization ORG; repeatable;\n"
      "the first gets the samples"),
  ROW("generations", WHOLE, generations, 1e8, NULL, "N", NULL,
      "samples for a new database (60; 0 with --import)"),
  ROW("random_seed", WHOLE, random_seed, SEED_MAX, NULL, "N", "1",
      "another number makes other samples"),
  ROW("import", TEXT, import, 0, NULL, "FILE", NULL,
      "fill a new database from a JSON file"),
  ROW("export", TEXT, export, 0, NULL, "FILE", NULL,
      "write all data to a JSON file at the end"),
  ROW("now", TIME, settings.now, TIME_LAST, NULL, "TIME", NULL,
      "let the clock stand at TIME until it is advanced"),
  ROW("log", FLAG, settings.log, 0, NULL, NULL, NULL,
      "write a line per request to standard error"),
  ROW("gone_cursor", CHOICE, settings.gone_cursor, 0, gone_cursors, "WHAT",
      "error",
      "what a cursor gives whose generation was deleted:\n"
      "error, empty, or position: goes on"),
  ROW("hang_up_after", WHOLE, settings.hang_up_after, 86400, NULL, "SECONDS",
      "0", "close on readers that pause longer; 0 is never"),
  ROW("ignore_status_filter", FLAG, settings.ignore_status_filter, 0, NULL,
      NULL, NULL, "listings show every status, whatever is asked"),
  ROW("allow_unknown_members", FLAG, settings.allow_unknown_members, 0, NULL,
      NULL, NULL, "add what the service does not document, too"),
  ROW("pending_seconds", NUMBER, settings.pending_seconds, LONGEST, NULL, "N",
      "60", "how long a generation is PENDING"),
  ROW("processing_seconds", NUMBER, settings.processing_seconds, LONGEST, NULL,
      "N", "300", "how long it is PROCESSING after that"),
  ROW("concurrency_limit", WHOLE, settings.concurrency_limit, 1e6, NULL, "N",
      "0",
      "generations that an organization may have\n"
      "PENDING and PROCESSING; 0 is any number"),
  ROW("voice_limit", WHOLE, settings.voice_limit, 1e6, NULL, "N", "10",
      "voices that an organization may have cloned"),
  ROW("create_seconds", NUMBER, settings.create_seconds, 86400, NULL, "N", "0",
      "how long a create takes"),
  ROW("idempotency_seconds", NUMBER, settings.idempotency_seconds, LONGEST,
      NULL, "N", "86400", "how long an Idempotency-Key is remembered"),
  ROW("download_refusal", CHOICE, settings.download_refusal, 0, refusals,
      "STATUS", "409",
      "answers a download of what has no output:\n409, 404 or 422"),
  ROW("replay_ok", FLAG, settings.replay_ok, 0, NULL, NULL, NULL,
      "answer a repeated create with 200, not 201"),
  ROW("replay_deleted", CHOICE, settings.replay_deleted, 0, replays, "WHAT",
      "error",
      "what it gives if the generation was deleted:\n"
      "error, answer: the first, create: another"),
  ROW("webhook_secret", TEXT, settings.webhook_secret, 0, NULL, "SECRET",
      "whsec_emulator", "what webhooks are signed with"),
  ROW("webhook_attempts", WHOLE, settings.webhook_attempts, 10, NULL, "N", "1",
      "how often a webhook is sent until it is taken"),
  ROW("webhook_copies", WHOLE, settings.webhook_copies, 10, NULL, "N", "1",
      "sends each webhook so many times"),
  ROW("webhook_timeout", NUMBER, settings.webhook_timeout, 3600, NULL,
      "SECONDS", "10", "how long a receiver of webhooks may take"),
  ROW("webhook_rejected", FLAG, settings.webhook_rejected, 0, NULL, NULL, NULL,
      "send webhooks of REJECTED generations, too"),
  ROW("webhook_newest_first", FLAG, settings.webhook_newest_first, 0, NULL,
      NULL, NULL, "of webhooks that wait send the newest first"),
  ROW("webhook_old_header", FLAG, settings.webhook_old_header, 0, NULL, NULL,
      NULL, "sign webhooks in X-Signature-Primary"),
  ROW("webhook_signature", CHOICE, settings.webhook_signature, 0, signatures,
      "WHICH", "right",
      "signature of webhooks: wrong, late, doubled or\nnone, too"),
  ROW("file_limit", WHOLE, settings.file_limit, MEDIA_MAX, NULL, "BYTES",
      "5368709120", "largest file that may be uploaded"),
  ROW("body_limit", WHOLE, settings.body_limit, MEDIA_MAX, NULL, "BYTES",
      "17179869184", "largest request with files"),
  ROW("upload_lifetime", WHOLE, settings.upload_lifetime, LONGEST, NULL,
      "SECONDS", "604800", "how long an asset may be put at its URL"),
  ROW("media_lifetime", WHOLE, settings.media_lifetime, LONGEST, NULL,
      "SECONDS", "604800", "how long the URL of an output is good"),
  ROW("media_size", WHOLE, settings.media_size, MEDIA_MAX, NULL, "BYTES",
      "4096", "size of each output"),
  ROW("media_version", WHOLE, settings.media_version, SEED_MAX, NULL, "N", "1",
      "another number gives outputs other bytes"),
  ROW("media_etag", CHOICE, settings.media_etag, 0, etags, "WHICH", "strong",
      "entity tag of outputs: weak or none, too"),
  ROW("media_ignore_range", FLAG, settings.media_ignore_range, 0, NULL, NULL,
      NULL, "send outputs whole, whatever range is asked for"),
  ROW("media_chunked", FLAG, settings.media_chunked, 0, NULL, NULL, NULL,
      "send outputs without Content-Length"),
  ROW("media_redirect", TEXT, settings.media_redirect, 0, NULL, "PREFIX", "",
      "redirect requests for outputs: PREFIX, a URL or\n"
      "/moved, goes before their path"),
  ROW("batch_order", CHOICE, settings.batch_order, 0, orders, "ORDER", "sent",
      "of the results of a batch: mixed, too"),
  ROW("batch_errors", WHOLE, settings.batch_errors, 500, NULL, "N", "0",
      "every Nth row of a batch fails, and its result\n"
      "is an error; 0: none"),
  ROW(NULL, OTHER, port, 0, NULL, NULL, NULL, NULL),
};

/* Whether a row can be read after the start, too. */
static int is_setting (const struct parameter *row) {
  return row->schema.offset >= offsetof(struct parameters, settings);
}

/* ---- Keys: lines of a key, a tab, an organization ---- */

/* Whether all bytes are at least 'least' and none is a delete. */
static int has_only (const char *text, char least) {
  for (; *text != '\0'; text++)
    if ((unsigned char)*text < (unsigned char)least || *text == 0x7F)
      return 0;
  return 1;
}

static int add_key (struct settings *s, const char *key, const char *org,
                    char **why) {
  char *lines;
  *why = NULL;
  /* a key is a header's value */
  if (*key == '\0' || *org == '\0' || !has_only(key, '!')
      || !has_only(org, ' ')) {
    *why = sqlite3_mprintf(
      "a key and its organization must be text, "
      "the key without spaces");
    return 0;
  }
  lines = sqlite3_mprintf("%z%s\t%s\n", s->keys, key, org);
  s->keys = lines;
  return lines != NULL;
}

/* The line of a key, or the first one for NULL; empty where there is none. */
static const char *find_key (const struct settings *s, const char *key) {
  const char *line = s->keys != NULL ? s->keys : "";
  size_t n = key != NULL ? strlen(key) : 0;
  while (key != NULL && *line != '\0'
         && (strncmp(line, key, n) != 0 || line[n] != '\t'))
    line = strchr(line, '\n') + 1;
  return line;
}

char *settings_org (const struct settings *s, const char *key) {
  const char *line = find_key(s, key);
  if (*line == '\0')
    return NULL;
  line = strchr(line, '\t') + 1;
  return text_copy(line, strcspn(line, "\n"));
}

char *settings_first_key (const struct settings *s) {
  return text_copy(s->keys, strcspn(s->keys, "\t"));
}

/* ---- Life ---- */

/* The keys are a text, too. */
static int is_text (const struct parameter *row) {
  return row->schema.type == SCHEMA_TEXT || row->schema.type == SCHEMA_OTHER;
}

/* The first row from 'row' on of a setting that is a text; its name is NULL
** where there is none. */
static const struct parameter *next_text (const struct parameter *row) {
  while (row->schema.name != NULL && !(is_setting(row) && is_text(row)))
    row++;
  return row;
}

static char **text_at (struct settings *s, const struct parameter *row) {
  return (char **)((char *)s + row->schema.offset
                   - offsetof(struct parameters, settings));
}

int settings_copy (struct settings *to, const struct settings *from) {
  const struct parameter *row = next_text(parameter_table);
  int good = 1;
  *to = *from;
  for (; row->schema.name != NULL; row = next_text(row + 1)) {
    char **text = text_at(to, row);
    *text = text_copy(*text, strlen(*text));
    good = good && *text != NULL;
  }
  return good;
}

void settings_forget_keys (struct settings *s) {
  sqlite3_free(s->keys);
  s->keys = NULL;
}

void settings_forget_texts (struct settings *s) {
  const struct parameter *row = next_text(parameter_table);
  for (; row->schema.name != NULL; row = next_text(row + 1))
    *text_at(s, row) = NULL;
}

void settings_close (struct settings *s) {
  const struct parameter *row = next_text(parameter_table);
  for (; row->schema.name != NULL; row = next_text(row + 1))
    sqlite3_free(*text_at(s, row));
  settings_forget_texts(s);
}

int parameters_open (struct parameters *p) {
  const struct parameter *row;
  char *why;
  memset(p, 0, sizeof(*p));
  p->generations = -1;
  p->settings.now = -1;
  for (row = parameter_table; row->schema.name != NULL; row++)
    if (row->standard != NULL
        && !parameters_read_text(p, row, row->schema.name, row->standard, &why))
      return 0;
  return 1;
}

void parameters_close (struct parameters *p) {
  const struct parameter *row;
  for (row = parameter_table; row->schema.name != NULL; row++)
    if (is_text(row))
      sqlite3_free(*(char **)((char *)p + row->schema.offset));
  memset(p, 0, sizeof(*p));
}

/* ---- Reading ---- */

/* Parameters that are being read from JSON. */
struct reading {
  struct parameters *p;
  int started;
  char *why;
};

/* A value_reader. "keys" is only emptied: its own members are walked later. */
static int read_parameter (void *arg, const struct value *v) {
  const struct names known = {parameter_table, sizeof(*parameter_table)};
  const struct parameter *row = parameter_table;
  struct reading *r = arg;
  while (row->schema.name != NULL && strcmp(row->schema.name, v->key) != 0)
    row++;
  if (row->schema.name == NULL)
    r->why = text_unknown("parameter", v->key, known);
  else if (r->started && !is_setting(row))
    r->why = sqlite3_mprintf("%s can only be set at the start", v->key);
  else if (row->schema.type != SCHEMA_OTHER)
    return !schema_read(&row->schema, v->key, v, r->p, &r->why);
  else if (!value_is(v, "object"))
    r->why = sqlite3_mprintf("keys must be a table { KEY = ORGANIZATION }");
  else
    settings_forget_keys(&r->p->settings);
  return r->why != NULL;
}

static int read_member_of_keys (void *arg, const struct value *v) {
  struct reading *r = arg;
  return !add_key(&r->p->settings, v->key, value_is(v, "text") ? v->text : "",
                  &r->why);
}

int parameters_read (struct parameters *p, const char *json, size_t length,
                     int started, char **why) {
  struct reading r = {p, started, NULL};
  int result = value_walk(json, length, "$", "object", read_parameter, &r);
  if (result == VALUE_OTHER)
    r.why = sqlite3_mprintf("parameters are given by name, in an object");
  else if (result == 0)
    result =
      value_walk(json, length, "$.keys", "object", read_member_of_keys, &r) > 0;
  if (result == 0 && p->settings.keys == NULL) {
    r.why = sqlite3_mprintf("keys must not be empty");
    result = 1;
  }
  *why = r.why;
  return result == 0;
}

/* Cuts KEY=ORG at its last "=", for a key may hold one. */
static int read_key (struct settings *s, const char *shown, const char *text,
                     char **why) {
  const char *equals = strrchr(text, '=');
  char *key;
  int good;
  if (equals == NULL) {
    *why = sqlite3_mprintf("%s must be KEY=ORGANIZATION", shown);
    return 0;
  }
  key = text_copy(text, (size_t)(equals - text));
  good = key != NULL && add_key(s, key, equals + 1, why);
  sqlite3_free(key);
  return good;
}

int parameters_read_text (struct parameters *p, const struct parameter *row,
                          const char *shown, const char *text, char **why) {
  struct value v = {row->schema.name, "text", text, 0};
  *why = NULL;
  if (row->schema.type == SCHEMA_OTHER)
    return read_key(&p->settings, shown, text, why);
  if (row->argument == NULL) {
    v.type = "true";
  }
  else if (row->schema.type != SCHEMA_TEXT && *text != '\0'
           && text[strspn(text, "0123456789.")] == '\0') {
    v.type = "integer";
    v.number = strtod(text, NULL);
  }
  return schema_read(&row->schema, shown, &v, p, why);
}
