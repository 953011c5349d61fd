/* SPDX-License-Identifier: MIT
**
** form: see form.h. A file becomes an item of the input, whose URL depends on
** the file's bytes only: a repeat with the same files is the same request.
** After a refusal the rest is read and lost, so that the client gets the
** response.
*/

#include "form.h"
#include "create.h"
#include "intake.h"
#include "multipart.h"
#include "../store/text.h"
#include "../store/value.h"

#include <stdlib.h>
#include <string.h>

#define FILES_MAX  3
#define FIELDS_MAX 32
#define PARTS_MAX  35
#define FIELD_MAX  (1024 * 1024) /* bytes of one */

#define UPLOAD_URL "emulator:/media/uploads/"

#define INVALID "generation_input_validation_failed"

/* What the part that is being read is. */
enum part { PART_FILE, PART_FIELD };

struct form {
  struct multipart multipart;
  struct service *service;
  char *org;
  int64_t file_limit;
  int files, fields;
  sqlite3_str *members; /* of the JSON body, but for the input */
  sqlite3_str *items;   /* of its input: those that are files */
  sqlite3_str *others;  /* and those that are given as JSON */
  char *seen;           /* "\nvideo\nmodel": the parts so far */
  enum part part;
  char *name;
  char *type; /* of a file's content, or NULL */
  struct incoming file;
  sqlite3_str *field;
  int status; /* of the refusal; 0: none so far */
  const char *code;
  char *refused; /* the field; or NULL */
  char *why;
};

/* Notes why it is refused, 'why' being taken; returns 0. */
static int refuse (struct form *f, int status, const char *code, char *why) {
  f->status = status;
  f->code = code;
  f->refused = f->name != NULL ? text_copy(f->name, strlen(f->name)) : NULL;
  f->why = why;
  return 0;
}

static int refuse_size (struct form *f, char *why) {
  return refuse(f, 413, INVALID, why);
}

/* ---- Parts ---- */

/* Notes a part's name; 0 where it comes again and may not. */
static int note_name (struct form *f, const char *name) {
  char *line = sqlite3_mprintf("\n%s\n", name);
  int again = line != NULL && f->seen != NULL && strcmp(name, "input") != 0
              && strstr(f->seen, line) != NULL;
  f->seen = sqlite3_mprintf("%z%s", f->seen, line);
  sqlite3_free(line);
  return !again;
}

static int begin_file (struct form *f, const struct multipart_part *part) {
  if (++f->files > FILES_MAX)
    return refuse_size(f, sqlite3_mprintf("more than %d files", FILES_MAX));
  if (strcmp(part->name, "video") != 0 && strcmp(part->name, "image") != 0
      && strcmp(part->name, "audio") != 0)
    return refuse(
      f, 400, INVALID,
      sqlite3_mprintf("a file must be named video, image or audio"));
  f->part = PART_FILE;
  incoming_open(&f->file);
  return 1;
}

static int begin_field (struct form *f) {
  if (++f->fields > FIELDS_MAX)
    return refuse_size(f, sqlite3_mprintf("more than %d fields", FIELDS_MAX));
  f->part = PART_FIELD;
  sqlite3_str_reset(f->field);
  return 1;
}

static int begin (void *arg, const struct multipart_part *part) {
  struct form *f = arg;
  sqlite3_free(f->name);
  sqlite3_free(f->type);
  f->type = part->type != NULL ? text_copy(part->type, strlen(part->type))
                               : NULL;
  f->name = text_copy(part->name, strlen(part->name));
  if (!note_name(f, part->name))
    return refuse(f, 400, INVALID,
                  sqlite3_mprintf("%s is given twice", part->name));
  return part->file_name != NULL ? begin_file(f, part) : begin_field(f);
}

static int add (void *arg, const char *data, size_t size) {
  struct form *f = arg;
  if (f->part == PART_FIELD) {
    sqlite3_str_append(f->field, data, (int)size);
    return sqlite3_str_length(f->field) <= FIELD_MAX
           || refuse_size(f, sqlite3_mprintf("%s is longer than %d bytes",
                                             f->name, FIELD_MAX));
  }
  incoming_add(&f->file, data, size);
  return f->file.size <= f->file_limit
         || refuse_size(f, sqlite3_mprintf("%s is larger than %lld bytes",
                                           f->name, (long long)f->file_limit));
}

/* ---- What they become ---- */

static void separate (sqlite3_str *s) {
  if (sqlite3_str_length(s) > 0)
    sqlite3_str_appendchar(s, 1, ',');
}

/* Keeps the file, and gives the input an item that names it. */
static int end_file (struct form *f) {
  char digest[SHA256_HEX];
  if (f->file.size == 0)
    return refuse(
      f, 422,
      strcmp(f->name, "audio") == 0   ? "generation_input_audio_invalid"
      : strcmp(f->name, "video") == 0 ? "generation_input_video_invalid"
                                      : "generation_input_image_inaccessible",
      sqlite3_mprintf("%s is empty", f->name));
  incoming_end(&f->file, digest);
  separate(f->items);
  sqlite3_str_appendf(f->items,
                      "{\"type\":\"%s\",\"url\":\"" UPLOAD_URL "%s\"}", f->name,
                      digest);
  return uploads_add(&f->service->uploads, digest, f->org,
                     f->type != NULL ? f->type : "", &f->file)
         || refuse(f, 500, "internal_error", NULL);
}

/* A value_reader. */
static int ignore (void *arg, const struct value *v) {
  (void)arg;
  (void)v;
  return 0;
}

static int is_json (const char *text, size_t length, const char *type) {
  return value_walk(text, length, "$", type, ignore, NULL) != VALUE_OTHER;
}

/* Adds an item to the input, or all items of an array. */
static int add_items (struct form *f, const char *text, size_t length) {
  if (is_json(text, length, "array")) {
    const char *open = strchr(text, '['), *close = strrchr(text, ']');
    text = open + 1 + strspn(open + 1, " \t\r\n");
    length = (size_t)(close - text);
    if (length == 0)
      return 1;
  }
  else if (!is_json(text, length, "object")) {
    return refuse(f, 400, INVALID,
                  sqlite3_mprintf("input is neither a JSON object nor an array "
                                  "of them"));
  }
  separate(f->others);
  sqlite3_str_append(f->others, text, (int)length);
  return 1;
}

/* The type of a field that is JSON; NULL of one that is text. */
static const char *type_of (const char *name) {
  static const char *const types[][2] = {{"options", "object"},
                                         {"segments", "array"},
                                         {"dubParams", "object"},
                                         {"dialogueEdit", "object"}};
  size_t i;
  for (i = 0; i < sizeof(types) / sizeof(*types); i++)
    if (strcmp(types[i][0], name) == 0)
      return types[i][1];
  return NULL;
}

static int end_field (struct form *f) {
  const char *text = sqlite3_str_value(f->field), *type = type_of(f->name);
  size_t length = (size_t)sqlite3_str_length(f->field);
  if (text == NULL)
    text = "";
  if (!text_is_utf8(text, length))
    return refuse(f, 400, INVALID, sqlite3_mprintf("%s is not UTF-8", f->name));
  if (strcmp(f->name, "input") == 0)
    return add_items(f, text, length);
  if (type != NULL && !is_json(text, length, type))
    return refuse(f, 400, INVALID,
                  sqlite3_mprintf("%s is not a JSON %s", f->name, type));
  separate(f->members);
  text_quote(f->members, f->name);
  sqlite3_str_appendchar(f->members, 1, ':');
  if (type != NULL)
    sqlite3_str_append(f->members, text, (int)length);
  else
    text_quote(f->members, text);
  return 1;
}

static int end (void *arg) {
  struct form *f = arg;
  int good = f->part == PART_FILE ? end_file(f) : end_field(f);
  if (f->part == PART_FILE)
    incoming_close(&f->file);
  if (good && f->files + f->fields > PARTS_MAX)
    return refuse_size(f, sqlite3_mprintf("more than %d parts", PARTS_MAX));
  return good;
}

/* ---- The intake ---- */

/* Refuses by what the body is said to have in all. A gateway would, too. */
static int refuse_head (struct call *c) {
  struct settings settings;
  service_settings(c->service, &settings);
  if (c->request->length <= settings.body_limit)
    return 0;
  response_error(c->response, 413, INVALID, NULL,
                 "the body is larger than a request may be");
  return 1;
}

/* Begins to read a form; NULL where the body is none. */
static void *open_form (struct call *c) {
  static const struct multipart_reader reader = {begin, add, end};
  const char *type = request_header(c->request, "Content-Type");
  char boundary[BOUNDARY_MAX + 1];
  const char *why;
  struct settings settings;
  struct form *f = NULL;
  int found = multipart_boundary(type, boundary, &why);
  if (found || why != NULL)
    f = calloc(1, sizeof(*f));
  if (f == NULL)
    return NULL;
  service_settings(c->service, &settings);
  f->service = c->service;
  f->org = text_copy(c->org, strlen(c->org));
  f->file_limit = settings.file_limit;
  f->file.fd = -1;
  f->members = sqlite3_str_new(NULL);
  f->items = sqlite3_str_new(NULL);
  f->others = sqlite3_str_new(NULL);
  f->field = sqlite3_str_new(NULL);
  multipart_open(&f->multipart, found ? boundary : "", &reader, f);
  if (!found)
    refuse(f, 400, INVALID, sqlite3_mprintf("%s", why));
  return f;
}

static void add_bytes (void *state, const char *data, size_t size) {
  struct form *f = state;
  if (f->status == 0)
    multipart_feed(&f->multipart, data, size);
}

static void close_form (void *state) {
  struct form *f = state;
  incoming_close(&f->file);
  sqlite3_free(sqlite3_str_finish(f->members));
  sqlite3_free(sqlite3_str_finish(f->items));
  sqlite3_free(sqlite3_str_finish(f->others));
  sqlite3_free(sqlite3_str_finish(f->field));
  sqlite3_free(f->org);
  sqlite3_free(f->seen);
  sqlite3_free(f->name);
  sqlite3_free(f->type);
  sqlite3_free(f->refused);
  sqlite3_free(f->why);
  free(f);
}

/* ---- Answering ---- */

/* Appends what a builder holds. */
static void append (sqlite3_str *out, sqlite3_str *what) {
  if (sqlite3_str_length(what) > 0)
    sqlite3_str_append(out, sqlite3_str_value(what), sqlite3_str_length(what));
}

/* The JSON body that a form stands for. */
static char *make_json (struct form *f, size_t *length) {
  sqlite3_str *json = sqlite3_str_new(NULL);
  sqlite3_str_appendchar(json, 1, '{');
  append(json, f->members);
  if (f->files > 0 || (f->seen != NULL && strstr(f->seen, "\ninput\n"))) {
    if (sqlite3_str_length(json) > 1)
      sqlite3_str_appendchar(json, 1, ',');
    sqlite3_str_appendall(json, "\"input\":[");
    append(json, f->items);
    if (sqlite3_str_length(f->items) > 0 && sqlite3_str_length(f->others) > 0)
      sqlite3_str_appendchar(json, 1, ',');
    append(json, f->others);
    sqlite3_str_appendchar(json, 1, ']');
  }
  sqlite3_str_appendchar(json, 1, '}');
  return text_finish(json, length);
}

static void create (struct call *c, struct form *f) {
  size_t length;
  char *json = make_json(f, &length);
  if (json != NULL)
    create_generation(c, json, length);
  else
    response_code(c->response, "internal_error");
  sqlite3_free(json);
}

void form_create (struct call *c) {
  struct form *f = c->request->intake;
  if (f == NULL)
    handle_create(c);
  else if (f->status == 0 && multipart_finish(&f->multipart))
    create(c, f);
  else if (f->status == 0)
    response_error(c->response, 400, INVALID, NULL, f->multipart.why);
  else
    response_error(c->response, f->status, f->code, f->refused, f->why);
}

const struct intake form_intake = {form_create, refuse_head, open_form,
                                   add_bytes, close_form};
