/* SPDX-License-Identifier: MIT
**
** scan: runs a text through one of the two scanners, cut in a chosen way, and
** writes down all that it says, so that two runs can be compared as texts.
*/

#ifndef lipsync_scan_h
#define lipsync_scan_h

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "plain_json.h"

/* The functions of a scanner. */
struct engine {
  void (*open)(struct json_scanner *, enum json_shape,
               const struct json_limits *);
  enum json_status (*feed)(struct json_scanner *, const char *, size_t,
                           size_t *);
  enum json_status (*finish)(struct json_scanner *);
  const char *(*error_text)(const struct json_scanner *);
  const char *(*found_text)(const struct json_scanner *);
  void (*close)(struct json_scanner *);
};

static const struct engine fast = {json_open,       json_feed,
                                   json_finish,     json_error_text,
                                   json_found_text, json_close};

static const struct engine plain = {plain_open,       plain_feed,
                                    plain_finish,     plain_error_text,
                                    plain_found_text, plain_close};

static const struct json_limits usual = {1 << 20, 256, 1024};

/* How a text is cut: in pieces of 'piece' bytes, or, where that is 0, in
** pieces of random sizes that follow from 'seed'. */
struct cut {
  size_t piece;
  uint32_t seed;
};

static const struct cut whole = {SIZE_MAX, 0};
static const struct cut bytes = {1, 0};

static unsigned next_random (uint32_t *seed) {
  *seed = *seed * 1664525u + 1013904223u;
  return *seed >> 8;
}

static size_t next_piece (struct cut *cut, size_t left) {
  size_t n = cut->piece;
  if (n == 0) { /* mostly small ones */
    unsigned most = next_random(&cut->seed) % 60 + 1;
    n = next_random(&cut->seed) % most + 1;
  }
  return n < left ? n : left;
}

/* What a run said. */
struct record {
  char *text;
  size_t length, room;
  enum json_status status; /* the last one */
  unsigned elements;
  uint64_t offset; /* where the scanner stood at the end */
  const char *error, *found;
};

static void record_free (struct record *r) {
  free(r->text);
  r->text = NULL;
}

static void note (struct record *r, const char *format, ...)
#if defined(__GNUC__)
  __attribute__((format(printf, 2, 3)))
#endif
  ;

static void note (struct record *r, const char *format, ...) {
  char line[200];
  va_list arguments;
  int n;
  va_start(arguments, format);
  n = vsnprintf(line, sizeof line, format, arguments);
  va_end(arguments);
  if (r->length + (size_t)n + 1 > r->room) {
    r->room = 2 * r->room + 1000;
    r->text = realloc(r->text, r->room);
  }
  memcpy(r->text + r->length, line, (size_t)n + 1);
  r->length += (size_t)n;
}

static void note_element (struct record *r, const struct json_scanner *s) {
  unsigned i;
  r->elements++;
  note(r, "element %lu+%u\n", (unsigned long)s->element, s->element_length);
  for (i = 0; i < s->count; i++) {
    const struct json_member *m = &s->members[i];
    note(r, "  %u+%x = %u+%u\n", m->key, m->key_length, m->value,
         m->value_length);
  }
}

/* Feeds one piece, from a block of its own so that no read goes past it. */
static enum json_status feed_piece (const struct engine *e,
                                    struct json_scanner *s, const char *data,
                                    size_t length, struct record *r) {
  char *block = malloc(length);
  size_t at = 0;
  enum json_status status;
  memcpy(block, data, length);
  do {
    size_t used;
    status = e->feed(s, block + at, length - at, &used);
    at += used;
    if (status == JSON_ELEMENT)
      note_element(r, s);
  } while (status == JSON_ELEMENT);
  if (status < JSON_E_SYNTAX && at != length)
    CHECK_SAYS(0, "%lu bytes left unread", (unsigned long)(length - at));
  free(block);
  return status;
}

/* The record of 'data' run through 'e'; record_free it. */
static struct record scan (const struct engine *e, enum json_shape shape,
                           const struct json_limits *limits, const char *data,
                           size_t length, struct cut cut) {
  struct record r;
  struct json_scanner s;
  size_t at = 0;
  memset(&r, 0, sizeof r);
  e->open(&s, shape, limits);
  r.status = JSON_MORE;
  while (at < length && r.status < JSON_E_SYNTAX) {
    size_t n = next_piece(&cut, length - at);
    r.status = feed_piece(e, &s, data + at, n, &r);
    at += n;
  }
  if (r.status < JSON_E_SYNTAX) {
    r.status = e->finish(&s);
    if (r.status == JSON_ELEMENT) {
      note_element(&r, &s);
      r.status = e->finish(&s);
    }
  }
  r.offset = s.offset;
  r.error = e->error_text(&s);
  r.found = e->found_text(&s);
  note(&r, "status %d at %lu: %s; %s\n", (int)r.status, (unsigned long)r.offset,
       r.error, r.found);
  e->close(&s);
  return r;
}

/* Runs 'data' through both scanners whole, byte by byte and in random pieces
** ('rounds' times), and checks that all say the same. Gives the record. */
static struct record scan_all (const char *name, enum json_shape shape,
                               const struct json_limits *limits,
                               const char *data, size_t length,
                               unsigned rounds) {
  struct record first = scan(&fast, shape, limits, data, length, whole);
  unsigned i;
  for (i = 0; i < 3 + 2 * rounds; i++) {
    struct cut random = {0, i * 7919u + (uint32_t)length};
    struct record r = scan(i % 2 == 0 ? &plain : &fast, shape, limits, data,
                           length,
                           i == 0  ? whole
                           : i < 3 ? bytes
                                   : random);
    CHECK_SAYS(strcmp(first.text, r.text) == 0,
               "%s, shape %d, run %u: whole by SIMD\n%scut\n%s", name,
               (int)shape, i, first.text, r.text);
    record_free(&r);
  }
  return first;
}

#endif
