/* SPDX-License-Identifier: MIT
**
** Fuzzing of the emulator's multipart reader. The input is a Content-Type, a
** line's end, and a body. In pieces of any size it gives the same parts, up to
** the same end; no part has more bytes than the body; parts begin and end in
** turn.
*/

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "api/multipart.h"

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

/* What was read: a hash of all, and a count. */
struct seen {
  uint64_t hash;
  size_t bytes;
  int parts, open;
};


static void expect (int condition) {
  if (!condition)
    abort();
}


static void add (struct seen *s, const char *text, size_t size) {
  while (size-- > 0)
    s->hash = (s->hash ^ (unsigned char)*text++) * UINT64_C(1099511628211);
}


static int begin (void *arg, const struct multipart_part *part) {
  struct seen *s = (struct seen *)arg;
  expect(!s->open && part->name != NULL);
  s->open = 1;
  s->parts++;
  add(s, part->name, strlen(part->name) + 1);
  if (part->file_name != NULL)
    add(s, part->file_name, strlen(part->file_name) + 1);
  if (part->type != NULL)
    add(s, part->type, strlen(part->type) + 1);
  return 1;
}


static int more (void *arg, const char *bytes, size_t size) {
  struct seen *s = (struct seen *)arg;
  expect(s->open && size > 0);
  s->bytes += size;
  add(s, bytes, size);
  return 1;
}


static int end (void *arg) {
  struct seen *s = (struct seen *)arg;
  expect(s->open);
  s->open = 0;
  add(s, ";", 1);
  return 1;
}


static enum multipart_state read_in (const char *boundary, const char *body,
                                     size_t size, size_t piece,
                                     struct seen *s) {
  static const struct multipart_reader reader = {begin, more, end};
  struct multipart m;
  memset(s, 0, sizeof(*s));
  multipart_open(&m, boundary, &reader, s);
  while (size > 0) {
    size_t n = size < piece ? size : piece;
    char *copy = (char *)malloc(n); /* so that each piece's end is seen */
    memcpy(copy, body, n);
    multipart_feed(&m, copy, n);
    free(copy);
    body += n;
    size -= n;
  }
  multipart_finish(&m);
  expect(m.state == MULTIPART_EPILOGUE || m.state == MULTIPART_BAD);
  expect((m.state == MULTIPART_BAD) == (m.why != NULL));
  return m.state;
}


int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size) {
  static const size_t pieces[] = {1, 2, 3, 5, 7, 13, 64};
  char boundary[BOUNDARY_MAX + 1] = "ab", *text = (char *)malloc(size + 1);
  const char *body, *why;
  size_t length, i;
  struct seen whole, cut;
  enum multipart_state state;
  memcpy(text, data, size);
  text[size] = '\0';
  body = strchr(text, '\n');
  if (body != NULL)
    text[body++ - text] = '\0';
  if (multipart_boundary(text, boundary, &why))
    expect(*boundary != '\0' && strlen(boundary) <= BOUNDARY_MAX);
  else
    strcpy(boundary, "ab");
  if (body == NULL)
    body = text;
  length = (size_t)(text + size - body);
  state = read_in(boundary, body, length, length + 1, &whole);
  expect(whole.bytes <= length);
  for (i = 0; i < sizeof(pieces) / sizeof(*pieces); i++) {
    expect(read_in(boundary, body, length, pieces[i], &cut) == state);
    expect(memcmp(&whole, &cut, sizeof(cut)) == 0);
  }
  free(text);
  return 0;
}
