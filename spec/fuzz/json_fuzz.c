/* SPDX-License-Identifier: MIT
**
** Fuzzing of the scanner: the input's first byte chooses the shape, the
** ceilings, and whether the text is repeated, the second the seed of a schedule
** of splits, the rest is the text. Fed whole and fed in pieces must give the
** same elements and the same end; what is accepted is then read: every member
** found, every value walked. A text that is repeated, but for one byte, makes
** the scanner guess its keys; in pieces as short as ours it never does.
*/

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

/* What a run said. */
struct record {
  enum json_status status;
  uint64_t offset;
  unsigned elements;
  uint64_t sum; /* of where elements and members lie */
};


static void mix (struct record *r, uint64_t value) {
  r->sum = (r->sum ^ value) * UINT64_C(1099511628211);
}


static void expect (int condition) {
  if (!condition)
    abort();
}


/* Decodes and reads what the walk comes by. */
static void read_value (const char *text, size_t length) {
  struct json_walk walk;
  struct json_text token;
  enum json_token type;
  walk.at = text;
  walk.end = text + length;
  while ((type = json_next(&walk, &token)) != JSON_T_END) {
    int64_t integer;
    double number;
    if (type == JSON_T_NUMBER)
      expect(json_number(token.data, token.length, &integer, &number) >= 0);
    if (type == JSON_T_STRING || type == JSON_T_KEY) {
      char *out = (char *)malloc(token.length + 1);
      expect(json_decode(token.data, token.length, out) <= token.length);
      free(out);
    }
    expect(walk.at <= walk.end);
  }
}


static void read_element (const struct json_scanner *s, const char *text) {
  unsigned i;
  for (i = 0; i < s->count; i++) {
    const struct json_member *m = &s->members[i];
    size_t n = m->key_length & ~JSON_KEY_ESCAPED;
    char *name = (char *)malloc(n + 1);
    n = json_decode(text + m->key, n, name);
    expect(json_find(s->members, s->count, text, name, n) != NULL);
    expect((size_t)m->value + m->value_length <= s->element_length);
    free(name);
  }
  read_value(text, s->element_length);
}


static void note_element (struct record *r, const struct json_scanner *s,
                          const char *text) {
  unsigned i;
  r->elements++;
  mix(r, s->element);
  mix(r, s->element_length);
  for (i = 0; i < s->count; i++) {
    mix(r, s->members[i].key);
    mix(r, s->members[i].key_length);
    mix(r, s->members[i].value);
    mix(r, s->members[i].value_length);
  }
  if (text != NULL)
    read_element(s, text + s->element);
}


/* Each piece is a block of its own, so that no read goes past it. */
static enum json_status feed (struct json_scanner *s, struct record *r,
                              const char *text, size_t from, size_t n,
                              int whole) {
  char *piece = (char *)malloc(n);
  enum json_status status;
  size_t at = 0, used;
  memcpy(piece, text + from, n);
  do {
    status = json_feed(s, piece + at, n - at, &used);
    expect(used <= n - at);
    at += used;
    expect(json_keep(s) <= s->offset);
    if (status == JSON_ELEMENT)
      note_element(r, s, whole ? text : NULL);
  } while (status == JSON_ELEMENT);
  free(piece);
  return status;
}


static struct record scan (enum json_shape shape,
                           const struct json_limits *limits, uint32_t seed,
                           const char *text, size_t length) {
  struct json_scanner s;
  struct record r;
  size_t at = 0;
  memset(&r, 0, sizeof(r));
  json_open(&s, shape, limits);
  r.status = JSON_MORE;
  while (at < length && r.status < JSON_E_SYNTAX) {
    size_t n = length - at;
    if (seed != 0) {
      seed = seed * 1664525u + 1013904223u;
      n = (seed >> 16) % 20 + 1;
      if (n > length - at)
        n = length - at;
    }
    r.status = feed(&s, &r, text, at, n, seed == 0);
    at += n;
  }
  if (r.status < JSON_E_SYNTAX) {
    r.status = json_finish(&s);
    if (r.status == JSON_ELEMENT) {
      note_element(&r, &s, seed == 0 ? text : NULL);
      r.status = json_finish(&s);
    }
  }
  expect(json_error_text(&s) != NULL && json_found_text(&s) != NULL);
  r.offset = s.offset;
  json_close(&s);
  return r;
}


/* Whole and in pieces. */
static void compare (enum json_shape shape, const struct json_limits *limits,
                     uint32_t seed, const char *text, size_t length) {
  struct record whole = scan(shape, limits, 0, text, length);
  struct record cut = scan(shape, limits, seed, text, length);
  expect(whole.status == cut.status && whole.offset == cut.offset);
  expect(whole.elements == cut.elements && whole.sum == cut.sum);
}


/* Three times the text, the byte in the middle one that 'seed' chooses another
** one; as lines, or as a list. */
static void compare_repeated (enum json_shape shape, uint32_t seed,
                              const struct json_limits *limits,
                              const char *text, size_t length) {
  char *all = (char *)malloc(3 * length + 4), *end = all;
  int i;
  for (i = 0; i < 3; i++) {
    *end++ = shape == JSON_LINES ? ' ' : i == 0 ? '[' : ',';
    memcpy(end, text, length);
    if (i == 1)
      end[seed % length] = text[seed / 7 % length];
    end += length;
  }
  *end++ = shape == JSON_LINES ? ' ' : ']';
  compare(shape, limits, seed, all, (size_t)(end - all));
  free(all);
}


int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size) {
  static const struct json_limits limits[] = {{1 << 20, 256, 1024}, {40, 4, 3}};
  enum json_shape shape;
  const struct json_limits *l;
  const char *text;
  if (size < 3)
    return 0;
  shape = (enum json_shape)(data[0] % 4);
  l = &limits[data[0] / 4 % 2];
  text = (const char *)data + 2;
  if (data[0] / 8 % 2 == 0)
    compare(shape, l, data[1] + 1u, text, size - 2);
  else
    compare_repeated(shape, data[1] * 7919u + 1, l, text, size - 2);
  return 0;
}
