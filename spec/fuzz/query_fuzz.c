/* SPDX-License-Identifier: MIT
**
** Fuzzing of what the emulator makes of a request's target: its path, its
** query, the filter and the page, and the store asked with them.
*/

#include <stdlib.h>
#include <string.h>

#include "api/query_string.h"

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

static const int64_t now = INT64_C(1787652000000);


static void expect (int condition) {
  if (!condition)
    abort();
}


static struct store *open_store (void) {
  static struct store *store;
  char *why = NULL;
  if (store == NULL) {
    expect(store_open(&store, ":memory:", &why) == STORE_OK);
    expect(store_fill(store, "org", 1, 20, now, &why) == STORE_OK);
  }
  return store;
}


static void ask (struct store *s, const struct filter *f,
                 const struct page *page) {
  int64_t count = -1;
  int gone = 0;
  struct position position;
  sqlite3_str *out = sqlite3_str_new(NULL);
  expect(store_count(s, "org", f, now, &count) == STORE_OK);
  expect(count >= 0 && count <= 20);
  expect(store_page(s, "org", f, now, NULL, page->limit, out) == STORE_OK);
  if (page->cursor != NULL)
    expect(store_position(s, "org", page->cursor, &position, &gone)
           != STORE_FAILED);
  sqlite3_free(sqlite3_str_finish(out));
}


static void read_query (struct store *s, const struct request *r) {
  struct filter filter;
  struct page page;
  struct refusal why;
  memset(&why, 0, sizeof(why));
  memset(&page, 0, sizeof(page));
  if (query_filter(s, r, &filter, &why) && query_page(r, &page, &why))
    ask(s, &filter, &page);
  else
    expect(why.field != NULL && why.message != NULL);
  sqlite3_free(why.message);
  filter_close(&filter);
}


int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size) {
  struct request r;
  char *target = (char *)malloc(size + 1);
  memcpy(target, data, size);
  target[size] = '\0';
  memset(&r, 0, sizeof(r));
  r.method = "GET";
  r.target = target;
  expect(request_parse(&r));
  expect(r.param_count <= PARAMS_MAX && r.segment_count <= SEGMENTS_MAX);
  read_query(open_store(), &r);
  request_free(&r);
  free(target);
  return 0;
}
