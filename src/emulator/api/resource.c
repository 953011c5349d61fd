/* SPDX-License-Identifier: MIT
**
** resource: see resource.h.
*/

#include "resource.h"
#include "query.h"
#include "../store/text.h"
#include "../store/value.h"

#include <string.h>

#define PAGE_MAX     100
#define WAIT_DEFAULT 5 /* seconds, of get with wait=true */
#define WAIT_MAX     10
#define SLEEP_LEAST  10 /* milliseconds of a wait */

static const struct resource *resource_of (const struct call *c) {
  return c->request->route->subject;
}

const char *resource_id (const struct call *c) {
  const char *path = c->request->route->path;
  int i = -1;
  for (; *path != '*'; path++)
    i += *path == '/';
  return c->request->segments[i];
}

struct scope resource_scope (const struct call *c, const struct resource *r) {
  struct scope scope = {&r->kind, NULL, 0, {NULL}};
  scope.org = c->org;
  scope.now = service_now(c->service);
  return scope;
}

void resource_refuse (struct call *c, const struct resource *r, const char *id,
                      enum store_code code) {
  const char *name = "internal_error";
  if (code == STORE_NONE)
    name = uuid_valid(id) ? r->not_found : r->invalid_id;
  else if (code == STORE_RUNNING)
    name = r->running;
  response_code(c->response, name);
}

/* ---- Many ---- */

/* Everything, as a stream that reads the store as it goes. */
static void list_all (struct call *c, struct scope *f) {
  struct body *body = body_listing(c->service->store, f, service_now,
                                   c->service);
  if (body != NULL)
    response_body(c->response, 200, TYPE_JSON, body);
  else
    response_code(c->response, "internal_error");
}

/* Finds where a cursor stands. Returns 0 where the answer is made already. */
static int find_cursor (struct call *c, const struct scope *f,
                        const char *cursor, struct position *position) {
  struct settings settings;
  int deleted;
  enum store_code code = store_position(c->service->store, f, cursor, position,
                                        &deleted);
  service_settings(c->service, &settings);
  if (code == STORE_FAILED)
    response_code(c->response, "internal_error");
  else if (code == STORE_OK
           && (!deleted || settings.gone_cursor == GONE_POSITION))
    return 1;
  else if (code == STORE_OK && settings.gone_cursor == GONE_EMPTY)
    response_json(c->response, text_copy("[]", 2));
  else
    query_refuse(c, "cursor",
                 sqlite3_mprintf("cursor is not the id of a %s of this "
                                 "organization",
                                 f->kind->name));
  return 0;
}

/* At most 'limit', newest first, after the cursor if it is not NULL. */
static void list_page (struct call *c, const struct scope *f, int limit,
                       const char *cursor) {
  struct position position;
  sqlite3_str *json;
  if (cursor != NULL && !find_cursor(c, f, cursor, &position))
    return;
  json = sqlite3_str_new(NULL);
  if (store_page(c->service->store, f, cursor != NULL ? &position : NULL, limit,
                 json)
      == STORE_OK) {
    response_built(c->response, 200, json);
    return;
  }
  sqlite3_free(sqlite3_str_finish(json));
  response_code(c->response, "internal_error");
}

/* Drops the filter by status, where the settings say so. */
static void ignore_status (struct call *c, struct scope *f) {
  struct settings settings;
  int i;
  service_settings(c->service, &settings);
  for (i = 0;
       settings.ignore_status_filter && f->kind->filters[i].parameter != NULL;
       i++)
    if (strcmp(f->kind->filters[i].column, "status") == 0) {
      sqlite3_free(f->values[i]);
      f->values[i] = NULL;
    }
}

void resource_list (struct call *c) {
  struct scope f;
  const char *cursor;
  int limit = 0;
  if (query_scope(c, &resource_of(c)->kind, &f)
      && query_number(c, "limit", 1, PAGE_MAX, &limit)
      && query_text(c, "cursor", &cursor)) {
    ignore_status(c, &f);
    if (limit > 0)
      list_page(c, &f, limit, cursor);
    else if (cursor != NULL)
      query_refuse(c, "cursor", sqlite3_mprintf("cursor requires limit"));
    else
      list_all(c, &f);
  }
  scope_close(&f);
}

void resource_count (struct call *c) {
  struct scope f;
  int64_t count;
  if (query_scope(c, &resource_of(c)->kind, &f)) {
    if (store_count(c->service->store, &f, &count) == STORE_OK)
      response_json(c->response,
                    sqlite3_mprintf("{\"count\":%lld}", (long long)count));
    else
      response_code(c->response, "internal_error");
  }
  scope_close(&f);
}

/* ---- One ---- */

/* The same for the document that the call is about. */
static void answer_code (struct call *c, enum store_code code) {
  resource_refuse(c, resource_of(c), resource_id(c), code);
}

/* How a document is asked for. */
struct asking {
  int wait; /* seconds */
  int progress;
};

/* Reads a parameter that has one of two values; 1 for the second. */
static int read_word (struct call *c, const char *name, const char *first,
                      const char *second, int *is_second) {
  const char *text;
  if (!query_text(c, name, &text))
    return 0;
  *is_second = text != NULL && strcmp(text, second) == 0;
  return text == NULL || *is_second
         || (*first != '\0' && strcmp(text, first) == 0)
         || query_refuse(c, name,
                         sqlite3_mprintf("%s must be %s%s%s", name, first,
                                         *first != '\0' ? " or " : "", second));
}

/* Reads wait, timeout and include; all are checked even where one would
** make another pointless. */
static int read_asking (struct call *c, struct asking *a) {
  int timeout = WAIT_DEFAULT;
  a->wait = a->progress = 0;
  if (!resource_of(c)->waits)
    return 1;
  if (!read_word(c, "wait", "false", "true", &a->wait)
      || !query_number(c, "timeout", 1, WAIT_MAX, &timeout)
      || !read_word(c, "include", "", "progress", &a->progress))
    return 0;
  if (a->wait && a->progress)
    return query_refuse(
      c, "include",
      sqlite3_mprintf("include=progress cannot be used together with wait"));
  a->wait *= timeout;
  return 1;
}

/* How long to sleep until a document may have gone on, at most 'left'. */
static int64_t sleep_length (const struct document *d, int64_t now,
                             int64_t left) {
  int64_t length = d->due < 0 ? left : d->due - now;
  if (length < SLEEP_LEAST)
    length = SLEEP_LEAST;
  return length < left ? length : left;
}

/* Reads a document, after waiting at most 'seconds' until it is terminal. */
static enum store_code read_document (struct call *c, int seconds,
                                      struct document *d) {
  const int64_t deadline = service_ticks() + seconds * 1000;
  for (;;) {
    const struct scope scope = resource_scope(c, resource_of(c));
    enum store_code code = store_get(c->service->store, &scope, resource_id(c),
                                     d);
    int64_t left = deadline - service_ticks();
    if (code != STORE_OK || d->terminal || left <= 0
        || !service_wait_change(c->service, sleep_length(d, scope.now, left)))
      return code;
    sqlite3_free(d->json);
  }
}

/* Puts the progress before the brace that closes a JSON object. */
static char *with_progress (char *json, int progress) {
  char *brace = strrchr(json, '}'), *text;
  *brace = '\0';
  text = sqlite3_mprintf("%s,\"progress_percent\":%d}", json, progress);
  sqlite3_free(json);
  return text;
}

/* Those of a long poll, whatever comes of it. */
static const char wait_headers[] =
  "Retry-After: 2\n"
  "X-Sync-Wait-Mode: long_poll\n"
  "X-Sync-Wait-Timeout-Seconds: %d\n";

void resource_get (struct call *c) {
  struct asking asking;
  struct document d;
  enum store_code code;
  if (!read_asking(c, &asking))
    return;
  if (asking.wait)
    sqlite3_str_appendf(c->response->headers, wait_headers, asking.wait);
  code = read_document(c, asking.wait, &d);
  if (code != STORE_OK)
    answer_code(c, code);
  else
    response_json(c->response,
                  asking.progress ? with_progress(d.json, d.progress) : d.json);
}

/* Answers that there is nothing to download yet, or ever. */
static void refuse_download (struct call *c) {
  static const int statuses[] = {409, 404, 422};
  struct settings settings;
  service_settings(c->service, &settings);
  response_error(c->response, statuses[settings.download_refusal],
                 resource_of(c)->no_file, NULL, "There is no file of it.");
}

void resource_download (struct call *c) {
  struct document d;
  enum store_code code = read_document(c, 0, &d);
  char *text;
  if (code != STORE_OK) {
    answer_code(c, code);
    return;
  }
  text = value_text(d.json, strlen(d.json), resource_of(c)->download);
  sqlite3_free(d.json);
  if (text != NULL)
    response_text(c->response, 200, TYPE_TEXT, text, strlen(text));
  else
    refuse_download(c);
}

void resource_costs (struct call *c) {
  struct document d;
  enum store_code code = read_document(c, 0, &d);
  if (code != STORE_OK) {
    answer_code(c, code);
    return;
  }
  response_json(c->response, value_query(resource_of(c)->costs, d.json,
                                         strlen(d.json), NULL));
  sqlite3_free(d.json);
}

void resource_delete (struct call *c) {
  const struct resource *r = resource_of(c);
  const struct scope scope = resource_scope(c, r);
  char *json, *answer;
  enum store_code code = store_delete(c->service->store, &scope, resource_id(c),
                                      &json);
  if (code != STORE_OK) {
    answer_code(c, code);
    return;
  }
  if (r->deleted == NULL) {
    response_json(c->response, json);
    return;
  }
  answer = value_query(r->deleted, json, strlen(json), NULL);
  sqlite3_free(json);
  response_json(c->response, answer);
}
