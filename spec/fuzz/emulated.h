/* SPDX-License-Identifier: MIT
**
** emulated: shared by the fuzzers of the emulator: a new service for each
** input, and its responses checked by the client's strict scanner.
*/

#ifndef fuzz_emulated_h
#define fuzz_emulated_h

#include <stdlib.h>
#include <string.h>

#include "api/body.h"
#include "json.h"
#include "api/routes.h"

#define ORG "test-org"
#define NOW INT64_C(1787652000000)

static inline void expect (int condition) {
  if (!condition)
    abort();
}


/* A service with samples or what a file holds; NULL where that is refused. */
static inline struct service *open_service (int64_t generations,
                                            const char *import) {
  struct parameters p;
  struct service *s;
  char *why = NULL;
  expect(parameters_open(&p));
  p.generations = generations;
  p.settings.now = NOW;
  if (import != NULL)
    p.import = sqlite3_mprintf("%s", import);
  s = service_open(&p, &api_offer, &why);
  expect((s == NULL) == (why != NULL));
  expect(s != NULL || strncmp(why, "cannot import ", 14) == 0);
  sqlite3_free(why);
  return s;
}


/* Reads a body to its end, or to where it is cut, and closes it. The text is
** to be freed by sqlite3_free. */
static inline char *read_whole (struct body *b, size_t *length) {
  sqlite3_str *out = sqlite3_str_new(NULL);
  char piece[4096];
  ssize_t n;
  expect(b != NULL);
  while ((n = body_read(b, piece, sizeof(piece))) > 0) {
    expect(n <= (ssize_t)sizeof(piece));
    sqlite3_str_append(out, piece, (int)n);
  }
  expect(n == 0 || n == BODY_CUT);
  body_close(b);
  *length = (size_t)sqlite3_str_length(out);
  return sqlite3_str_finish(out);
}


typedef void (*element_reader)(void *arg, const struct json_scanner *j,
                               const char *text);

/* Feeds a text whole; 'reader' gets each element. True where it is JSON of
** that shape, also where it is beyond what the client takes. */
static inline int is_json (enum json_shape shape, const char *text,
                           size_t length, element_reader reader, void *arg) {
  static const struct json_limits limits = {1 << 20, 256, 1024};
  struct json_scanner j;
  enum json_status status;
  size_t at = 0, used;
  json_open(&j, shape, &limits);
  while ((status = json_feed(&j, text + at, length - at, &used))
         == JSON_ELEMENT) {
    at += used;
    if (reader != NULL)
      reader(arg, &j, text + j.element);
  }
  if (status == JSON_MORE) /* a number ends where the text does */
    status = json_finish(&j);
  json_close(&j);
  return status == JSON_END || status == JSON_ELEMENT || status == JSON_E_DEPTH
         || status == JSON_E_MEMBERS;
}

#endif
