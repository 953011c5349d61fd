/* SPDX-License-Identifier: MIT
**
** api: the service's own routes: list, count, get, download, delete, the
** catalog, the models. Creating is not emulated: it answers 501.
*/

#include "catalog.h"
#include "query_string.h"
#include "routes.h"
#include "../store/text.h"

#include <string.h>

#define WAIT_DEFAULT 5 /* seconds, of get with wait=true */
#define WAIT_MOST    10
#define WATCH_STEP   10 /* ms: the shortest sleep of a wait */

static const char invalid[] = "generation_input_validation_failed";

static void answer_refusal (struct response *response, struct refusal *why) {
  response_error(response, 400, invalid, why->field, why->message);
  sqlite3_free(why->message);
}

/* What went wrong with a single generation. */
static void answer_code (struct response *response, enum store_code code) {
  switch (code) {
    case STORE_NONE: response_code(response, "generation_not_found"); break;
    case STORE_RUNNING:
      response_code(response, "generation_not_deletable_while_processing");
      break;
    default: response_code(response, "internal_error");
  }
}

/* ---- Many ---- */

/* Everything, as a stream that reads the store as it goes. */
static void list_all (struct service *s, const char *org, struct filter *f,
                      struct response *response) {
  response_body(response, 200, TYPE_JSON,
                body_listing(service_store(s), org, f, service_now, s));
  memset(f, 0, sizeof(*f)); /* the body has it */
}

/* Finds where a cursor stands. Returns 0 where the answer is made already. */
static int find_cursor (struct service *s, const char *org, const char *cursor,
                        int64_t rule, struct position *position,
                        struct response *response) {
  int gone;
  enum store_code code = store_position(service_store(s), org, cursor, position,
                                        &gone);
  if (code == STORE_OK && (!gone || rule == GONE_POSITION))
    return 1;
  if (gone && rule == GONE_EMPTY)
    response_text(response, 200, TYPE_JSON, text_copy("[]", 2), 2);
  else
    response_error(response, 400, invalid, "cursor",
                   "cursor is not the id of a generation of this organization");
  return 0;
}

/* At most 100, newest first. */
static void list_page (struct service *s, const char *org,
                       const struct filter *f, const struct page *page,
                       int64_t rule, struct response *response) {
  struct position position;
  sqlite3_str *json;
  if (page->cursor != NULL
      && !find_cursor(s, org, page->cursor, rule, &position, response))
    return;
  json = sqlite3_str_new(NULL);
  if (store_page(service_store(s), org, f, service_now(s),
                 page->cursor != NULL ? &position : NULL, page->limit, json)
      == STORE_OK) {
    response_built(response, 200, json);
    return;
  }
  sqlite3_free(sqlite3_str_finish(json));
  response_code(response, "internal_error");
}

static void handle_list (struct service *s, const struct request *r,
                         const char *org, struct response *response) {
  struct settings settings;
  struct refusal why;
  struct filter f;
  struct page page;
  service_settings(s, &settings);
  if (!query_filter(service_store(s), r, &f, &why)
      || !query_page(r, &page, &why)) {
    answer_refusal(response, &why);
    filter_close(&f);
    return;
  }
  if (settings.ignore_status_filter) {
    sqlite3_free(f.status);
    f.status = NULL;
  }
  if (page.limit > 0)
    list_page(s, org, &f, &page, settings.gone_cursor, response);
  else
    list_all(s, org, &f, response);
  filter_close(&f);
}

static void handle_count (struct service *s, const struct request *r,
                          const char *org, struct response *response) {
  struct refusal why;
  struct filter f;
  int64_t count = 0;
  if (!query_filter(service_store(s), r, &f, &why)) {
    answer_refusal(response, &why);
  }
  else if (store_count(service_store(s), org, &f, service_now(s), &count)
           == STORE_OK) {
    sqlite3_str *json = sqlite3_str_new(NULL);
    sqlite3_str_appendf(json, "{\"count\":%lld}", (long long)count);
    response_built(response, 200, json);
  }
  else {
    response_code(response, "internal_error");
  }
  filter_close(&f);
}

/* ---- One ---- */

/* The id in the path; NULL where it is none, and the answer is made. */
static const char *path_id (const struct request *r,
                            struct response *response) {
  const char *id = r->segments[2];
  if (uuid_valid(id))
    return id;
  response_code(response, "invalid_generation_id");
  return NULL;
}

/* How a single generation is asked for. */
struct asking {
  int wait;
  int timeout; /* seconds */
  int progress;
};

/* Reads include, which asks for progress and for nothing else. */
static int read_include (const struct request *r, struct asking *a,
                         struct refusal *why) {
  int repeated;
  const char *include = request_param(r, "include", &repeated);
  if (include == NULL)
    return 1;
  if (repeated || strcmp(include, "progress") != 0)
    return query_refuse(why, "include",
                        sqlite3_mprintf("include must be progress"));
  if (a->wait)
    return query_refuse(
      why, "include",
      sqlite3_mprintf("include=progress cannot be used together with wait"));
  a->progress = 1;
  return 1;
}

/* Reads wait, timeout and include; all are checked even where one would
** make another pointless. */
static int read_asking (const struct request *r, struct asking *a,
                        struct refusal *why) {
  int repeated;
  const char *wait = request_param(r, "wait", &repeated);
  a->wait = wait != NULL && strcmp(wait, "true") == 0;
  a->timeout = WAIT_DEFAULT;
  a->progress = 0;
  if (repeated || (wait != NULL && !a->wait && strcmp(wait, "false") != 0))
    return query_refuse(why, "wait",
                        sqlite3_mprintf("wait must be true or false"));
  return query_number(r, "timeout", 1, WAIT_MOST, &a->timeout, why)
         && read_include(r, a, why);
}

/* How long to sleep until a row may have gone on, at most 'left'. */
static int64_t nap_length (const struct row *row, int64_t now, int64_t left) {
  int64_t nap = row->due < 0 ? left : row->due - now;
  if (nap < WATCH_STEP)
    nap = WATCH_STEP;
  return nap < left ? nap : left;
}

/* Reads a row, after waiting at most 'most' milliseconds until it is
** terminal. */
static enum store_code wait_row (struct service *s, const char *org,
                                 const char *id, int64_t most,
                                 struct row *row) {
  const int64_t deadline = service_ticks() + most;
  for (;;) {
    int64_t now = service_now(s), left;
    enum store_code code = store_get(service_store(s), org, id, now, row);
    if (code != STORE_OK || row->terminal)
      return code;
    left = deadline - service_ticks();
    if (left <= 0 || !service_wait_change(s, nap_length(row, now, left)))
      return code;
    sqlite3_free(row->json);
  }
}

/* How far a running generation has come, as a fraction. What the service
** sends is not documented; this is the emulator's own choice. */
static void write_progress (sqlite3_str *s, const struct row *row,
                            int64_t now) {
  int64_t left = row->due - now;
  if (row->terminal)
    sqlite3_str_appendall(s, "1");
  else if (row->due < 0 || left >= STORE_PROCESSING_MS)
    sqlite3_str_appendall(s, "0");
  else
    sqlite3_str_appendf(s, "0.%02d",
                        (int)(99 - left * 99 / STORE_PROCESSING_MS));
}

/* Answers with a row, whose JSON it frees. */
static void answer_row (struct service *s, struct row *row, int progress,
                        struct response *response) {
  sqlite3_str *json = sqlite3_str_new(NULL);
  size_t length = strlen(row->json);
  if (!progress) {
    sqlite3_str_appendall(json, row->json);
  }
  else { /* in place of the closing brace */
    while (length > 0 && row->json[length - 1] != '}')
      length--;
    sqlite3_str_append(json, row->json, (int)length - 1);
    sqlite3_str_appendall(json, ",\"progress\":");
    write_progress(json, row, service_now(s));
    sqlite3_str_appendchar(json, 1, '}');
  }
  sqlite3_free(row->json);
  response_built(response, 200, json);
}

static void handle_get (struct service *s, const struct request *r,
                        const char *org, struct response *response) {
  const char *id = path_id(r, response);
  struct refusal why;
  struct asking asking;
  struct row row;
  enum store_code code;
  if (id == NULL)
    return;
  if (!read_asking(r, &asking, &why)) {
    answer_refusal(response, &why);
    return;
  }
  code = wait_row(s, org, id, asking.wait ? asking.timeout * 1000 : 0, &row);
  if (code == STORE_OK)
    answer_row(s, &row, asking.progress, response);
  else
    answer_code(response, code);
}

/* Keeps the text of "outputUrl". */
static int read_url (void *arg, const struct value *v) {
  char **url = arg;
  if (strcmp(v->key, "outputUrl") == 0 && strcmp(v->type, "text") == 0) {
    sqlite3_free(*url);
    *url = text_copy(v->text, strlen(v->text));
  }
  return 0;
}

static void handle_download (struct service *s, const struct request *r,
                             const char *org, struct response *response) {
  const char *id = path_id(r, response);
  char *url = NULL;
  struct row row;
  enum store_code code;
  if (id == NULL)
    return;
  code = store_get(service_store(s), org, id, service_now(s), &row);
  if (code != STORE_OK) {
    answer_code(response, code);
    return;
  }
  store_values(service_store(s), row.json, strlen(row.json), "$", "object",
               read_url, &url);
  sqlite3_free(row.json);
  if (url != NULL && *url != '\0') {
    response_text(response, 200, TYPE_TEXT, url, strlen(url));
    return;
  }
  sqlite3_free(url);
  response_error(response, 404, NULL, NULL, "The generation has no output.");
}

static void handle_delete (struct service *s, const struct request *r,
                           const char *org, struct response *response) {
  const char *id = path_id(r, response);
  enum store_code code;
  char *json;
  if (id == NULL)
    return;
  code = store_delete(service_store(s), org, id, service_now(s), &json);
  if (code == STORE_OK)
    response_text(response, 200, TYPE_JSON, json, strlen(json));
  else
    answer_code(response, code);
}

/* ---- The rest ---- */

static void handle_errors (struct service *s, const struct request *r,
                           const char *org, struct response *response) {
  sqlite3_str *json = sqlite3_str_new(NULL);
  (void)s;
  (void)r;
  (void)org;
  catalog_write(json);
  response_built(response, 200, json);
}

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

static void handle_models (struct service *s, const struct request *r,
                           const char *org, struct response *response) {
  (void)s;
  (void)r;
  (void)org;
  response_text(response, 200, TYPE_JSON, text_copy(models, sizeof(models) - 1),
                sizeof(models) - 1);
}

static void handle_create (struct service *s, const struct request *r,
                           const char *org, struct response *response) {
  (void)s;
  (void)r;
  (void)org;
  response_error(response, 501, NULL, NULL,
                 "The emulator does not create generations; "
                 "POST /_emulator/add puts them in.");
}

const struct route api_routes[] = {
  {"list", "GET", "/v2/generations", 0, handle_list},
  {"count", "GET", "/v2/generations/count", 0, handle_count},
  {"estimate", "POST", "/v2/generations/estimate", 0, handle_create},
  {"get", "GET", "/v2/generations/*", 0, handle_get},
  {"delete", "DELETE", "/v2/generations/*", 0, handle_delete},
  {"download", "GET", "/v2/generations/*/download", 0, handle_download},
  {"create", "POST", "/v2/generate", 0, handle_create},
  {"get", "GET", "/v2/generate/*", 0, handle_get},
  {"errors", "GET", "/v2/errors", 1, handle_errors},
  {"models", "GET", "/v2/models", 0, handle_models},
  {NULL, NULL, NULL, 0, NULL},
};
