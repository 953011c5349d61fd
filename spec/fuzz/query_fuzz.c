/* SPDX-License-Identifier: MIT
**
** Fuzzing of what the emulator makes of a request's target: its path, its
** query, the filter and the page, and the store asked with them.
*/

#include "emulated.h"
#include "api/query.h"
#include "api/resource.h"

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);


static struct service *the_service (void) {
  static struct service *s;
  if (s == NULL)
    s = open_service(20, NULL);
  return s;
}


/* What the filter lets through is there, and no more. */
static void ask (struct store *s, const struct scope *f, int limit,
                 const char *cursor) {
  int64_t count = -1;
  int deleted = 0;
  struct position position;
  sqlite3_str *out = sqlite3_str_new(NULL);
  expect(store_count(s, f, &count) == STORE_OK);
  expect(count >= 0 && count <= 20);
  expect(store_page(s, f, NULL, limit, out) == STORE_OK);
  if (cursor != NULL)
    expect(store_position(s, f, cursor, &position, &deleted) != STORE_FAILED);
  sqlite3_free(sqlite3_str_finish(out));
}


static void read_query (struct call *c) {
  struct scope f;
  const char *cursor = NULL;
  int limit = 0;
  if (query_scope(c, &generations.kind, &f)
      && query_number(c, "limit", 1, 100, &limit)
      && query_text(c, "cursor", &cursor))
    ask(c->service->store, &f, limit, cursor);
  else
    expect(c->response->status == 400);
  scope_close(&f);
}


int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size) {
  struct request r;
  struct response response;
  struct call call = {
    .service = the_service(), .request = &r, .org = ORG, .response = &response};
  char *target = (char *)malloc(size + 1);
  memcpy(target, data, size);
  target[size] = '\0';
  memset(&r, 0, sizeof(r));
  r.method = "GET";
  r.target = target;
  expect(request_parse(&r));
  expect(r.param_count <= PARAMS_MAX && r.segment_count <= SEGMENTS_MAX);
  response_open(&response, r.id);
  read_query(&call);
  response_close(&response);
  request_free(&r);
  free(target);
  return 0;
}
