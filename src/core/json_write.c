/* SPDX-License-Identifier: MIT
**
** json_write: see json_write.h. Strings are copied in runs, as long as nothing
** in them needs an escape.
*/

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "json.h"
#include "json_bytes.h"
#include "platform.h"
#include "json_write.h"

/* From here on not every integer is a double. */
#define INTEGRAL_MAX 9007199254740992.0

#define NUMBER_MAX 32 /* bytes of any number's text, and more */

enum json_written json_write_text (struct buf *b, const char *text,
                                   size_t length) {
  switch (buf_append(b, text, length)) {
    case BUF_OK: return JSON_W_OK;
    case BUF_FULL: return JSON_W_FULL;
    default: return JSON_W_MEMORY;
  }
}

/* ---- Strings ---- */

/* The first byte from 'p' on that must not stand in a string as it is: one to
** be escaped, or one that is not UTF-8; or 'end'. */
static const char *skip_unescaped (struct block *block, const char *p,
                                   const char *end) {
  const char *from;
  do {
    p = from = skip_plain(block, p, end);
    p = skip_utf8(p, end);
    p += utf8_length_before(p, end);
  } while (p != from);
  return p;
}

static char escape_letter (char c) {
  switch (c) {
    case '"':
    case '\\': return c;
    case '\b': return 'b';
    case '\f': return 'f';
    case '\n': return 'n';
    case '\r': return 'r';
    case '\t': return 't';
    default: return 'u';
  }
}

static enum json_written write_escape (struct buf *b, char c) {
  char text[8] = {'\\', escape_letter(c)};
  if (text[1] == 'u')
    snprintf(text, sizeof text, "\\u%04x", (unsigned)c);
  return json_write_text(b, text, strlen(text));
}

/* Writes 'n' bytes, the beginning of a string or all of it, as most are. */
static enum json_written write_run (struct buf *b, const char *text, size_t n,
                                    int is_all) {
  char *out;
  switch (buf_reserve(b, n + 2, &out)) {
    case BUF_OK: break;
    case BUF_FULL: return JSON_W_FULL;
    default: return JSON_W_MEMORY;
  }
  *out = '"';
  memcpy(out + 1, text, n);
  out[n + 1] = '"';
  buf_added(b, n + 1 + (is_all != 0));
  return JSON_W_OK;
}

enum json_written json_write_string (struct buf *b, const char *text,
                                     size_t length) {
  const char *end = text + length;
  struct block block = {text, 0};
  const char *p = skip_unescaped(&block, text, end);
  enum json_written status = write_run(b, text, (size_t)(p - text), p == end);
  if (p == end)
    return status;
  while (status == JSON_W_OK && p < end) {
    const char *from;
    if ((unsigned char)*p >= 0x80)
      return JSON_W_UTF8;
    status = write_escape(b, *p++);
    from = p;
    p = skip_unescaped(&block, p, end);
    if (status == JSON_W_OK)
      status = json_write_text(b, from, (size_t)(p - from));
  }
  return status == JSON_W_OK ? json_write_text(b, "\"", 1) : status;
}

/* ---- Numbers ---- */

enum json_written json_write_integer (struct buf *b, int64_t n) {
  char text[NUMBER_MAX];
  int length = snprintf(text, sizeof text, "%" PRId64, n);
  return json_write_text(b, text, (size_t)length);
}

/* Whether the text reads as 'x'; -1 when out of memory. */
static int reads_as (const char *text, size_t length, double x) {
  int64_t integer;
  double number;
  switch (json_number(text, length, &integer, &number)) {
    case 1: return (double)integer == x;
    case 0: return number == x;
    default: return -1;
  }
}

static enum json_written write_shortest (struct buf *b, double x) {
  char text[NUMBER_MAX];
  size_t length;
  int digits = 15, same;
  do {
    length = platform_write_number(text, sizeof text, digits, x);
    same = length == 0 ? -1 : reads_as(text, length, x);
  } while (same == 0 && ++digits <= 17);
  return same < 0 ? JSON_W_MEMORY : json_write_text(b, text, length);
}

enum json_written json_write_number (struct buf *b, double x) {
  if (!isfinite(x))
    return JSON_W_NUMBER;
  if (x > -INTEGRAL_MAX && x < INTEGRAL_MAX && x == (double)(int64_t)x)
    return json_write_integer(b, (int64_t)x);
  return write_shortest(b, x);
}

/* ---- Compact text ---- */

/* The first byte after the token at 'p', where that is a string, or after all
** tokens up to the next white space or string. */
static const char *skip_tokens (const char *p, const char *end) {
  if (*p++ != '"')
    while (p < end && *p != '"' && !is_space(*p))
      p++;
  else {
    while (p < end && *p != '"')
      p += *p == '\\' && end - p > 1 ? 2 : 1;
    if (p < end)
      p++;
  }
  return p;
}

size_t json_compact (const char *text, size_t length, char *out) {
  const char *end = text + length;
  const char *p = skip_space(text, end);
  char *o = out;
  while (p < end) {
    const char *from = p;
    p = skip_tokens(p, end);
    memmove(o, from, (size_t)(p - from));
    o += p - from;
    p = skip_space(p, end);
  }
  return (size_t)(o - out);
}
