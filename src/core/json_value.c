/* SPDX-License-Identifier: MIT
**
** json_value: reads values from text that has passed the scanner, and so checks
** nothing again: every quote is closed, every escape complete. Numbers do not
** depend on the locale of the process.
*/

#include <float.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "json_bytes.h"
#include "platform.h"

enum json_type json_type_of (char c) {
  switch (c) {
    case 'n': return JSON_NULL;
    case 'f': return JSON_FALSE;
    case 't': return JSON_TRUE;
    case '"': return JSON_STRING;
    case '[': return JSON_ARRAY;
    case '{': return JSON_OBJECT;
    default: return JSON_NUMBER;
  }
}

/* ---- Strings ---- */

#define REPLACEMENT 0xFFFDu /* what a lone surrogate reads as */

static unsigned hex_digit (char c) {
  if (is_digit(c))
    return (unsigned)(c - '0');
  return (unsigned)((c | 0x20) - 'a') + 10; /* either case */
}

static unsigned hex4 (const char *p) {
  return hex_digit(p[0]) << 12 | hex_digit(p[1]) << 8 | hex_digit(p[2]) << 4
         | hex_digit(p[3]);
}

/* The character that the \u escape at '*p' means, or the pair of them. Moves
** '*p' after it. */
static unsigned unicode_escape (const char **p, const char *end) {
  unsigned c = hex4(*p + 2);
  *p += 6;
  if (c < 0xD800 || c > 0xDFFF)
    return c;
  if (c <= 0xDBFF && end - *p >= 6 && (*p)[0] == '\\' && (*p)[1] == 'u') {
    unsigned low = hex4(*p + 2);
    if (low >= 0xDC00 && low <= 0xDFFF) {
      *p += 6;
      return 0x10000 + ((c - 0xD800) << 10) + (low - 0xDC00);
    }
  }
  return REPLACEMENT;
}

static size_t utf8_encode (unsigned c, char *out) {
  size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
  size_t i;
  if (n == 1) {
    out[0] = (char)c;
    return 1;
  }
  for (i = n - 1; i > 0; i--) {
    out[i] = (char)(0x80 | (c & 0x3F));
    c >>= 6;
  }
  out[0] = (char)((0xF00 >> n & 0xFF) | c); /* n ones and a zero lead */
  return n;
}

static char short_escape (char c) {
  switch (c) {
    case 'b': return '\b';
    case 'f': return '\f';
    case 'n': return '\n';
    case 'r': return '\r';
    case 't': return '\t';
    default: return c;
  }
}

/* Decodes the escape at '*p' into 'out' (4 bytes of room) and moves '*p'
** after it. Never makes more bytes than it reads. */
static size_t decode_escape (const char **p, const char *end, char *out) {
  if ((*p)[1] == 'u')
    return utf8_encode(unicode_escape(p, end), out);
  out[0] = short_escape((*p)[1]);
  *p += 2;
  return 1;
}

/* The next backslash, or 'end'. */
static const char *next_escape (const char *p, const char *end) {
  const char *escape = memchr(p, '\\', (size_t)(end - p));
  return escape == NULL ? end : escape;
}

size_t json_decode (const char *text, size_t length, char *out) {
  const char *p = text;
  const char *end = text + length;
  char *o = out;
  while (p < end) {
    const char *escape = next_escape(p, end);
    size_t run = (size_t)(escape - p);
    memmove(o, p, run); /* 'out' may be 'text' */
    o += run;
    p = escape;
    if (p < end) {
      char bytes[4];
      size_t n = decode_escape(&p, end, bytes);
      memcpy(o, bytes, n);
      o += n;
    }
  }
  return (size_t)(o - out);
}

/* ---- Members ---- */

/* Whether the inside of a string with escapes reads as 'name'. */
static int escaped_is (const char *p, const char *end, const char *name,
                       size_t length) {
  while (p < end) {
    const char *escape = next_escape(p, end);
    const char *from = p;
    size_t n = (size_t)(escape - p);
    char bytes[4];
    p = escape;
    if (n == 0) {
      n = decode_escape(&p, end, bytes);
      from = bytes;
    }
    if (n > length || memcmp(from, name, n) != 0)
      return 0;
    name += n;
    length -= n;
  }
  return length == 0;
}

int json_key_is (const struct json_member *m, const char *text,
                 const char *name, size_t length) {
  const char *key = text + m->key;
  size_t n = m->key_length & ~JSON_KEY_ESCAPED;
  if (m->key_length & JSON_KEY_ESCAPED)
    return escaped_is(key, key + n, name, length);
  return n == length && memcmp(key, name, n) == 0;
}

const struct json_member *json_find (const struct json_member *members,
                                     unsigned count, const char *text,
                                     const char *name, size_t length) {
  const struct json_member *m;
  if (count == 0 || length >= JSON_KEY_ESCAPED) /* none: no array either */
    return NULL;
  m = members + count;
  while (m != members) { /* backwards: of a repeated key the last one counts */
    m--;
    /* most keys differ in length already: nothing is called for those */
    if (UNLIKELY(m->key_length == (uint32_t)length)
          ? memcmp(text + m->key, name, length) == 0
          : UNLIKELY((m->key_length & JSON_KEY_ESCAPED) != 0)
              && json_key_is(m, text, name, length))
      return m;
  }
  return NULL;
}

/* ---- Numbers ---- */

/* A number taken apart: digits, leading zeros left out, and the power of ten
** they are multiplied with. */
struct decimal {
  int negative;
  int fraction;    /* a point or an exponent was there */
  unsigned digits; /* how many went into 'mantissa' */
  int lost;        /* there were more than it could take */
  uint64_t mantissa;
  int exponent;
};

#define DIGITS_MAX   19     /* any so many fit 64 bits */
#define EXPONENT_MAX 100000 /* as good as infinity, far from overflow */

static void take_digit (struct decimal *d, char c) {
  if (d->digits == DIGITS_MAX)
    d->lost = 1;
  else {
    d->mantissa = d->mantissa * 10 + (unsigned)(c - '0');
    if (d->mantissa != 0)
      d->digits++;
  }
}

static int take_exponent (const char *p, const char *end) {
  int negative = *p == '-';
  int n = 0;
  if (*p == '-' || *p == '+')
    p++;
  for (; p < end; p++)
    if (n < EXPONENT_MAX)
      n = n * 10 + (*p - '0');
  return negative ? -n : n;
}

static void take_apart (struct decimal *d, const char *p, const char *end) {
  memset(d, 0, sizeof *d);
  if (*p == '-') {
    d->negative = 1;
    p++;
  }
  for (; p < end && is_digit(*p); p++)
    take_digit(d, *p);
  d->fraction = p < end;
  if (p < end && *p == '.')
    for (p++; p < end && is_digit(*p); p++) {
      take_digit(d, *p);
      if (d->exponent > -EXPONENT_MAX)
        d->exponent--;
    }
  if (p < end) /* at the e */
    d->exponent += take_exponent(p + 1, end);
}

/* The value as an integer, if it is written as one, fits and is not -0. */
static int as_integer (const struct decimal *d, int64_t *integer) {
  uint64_t most = (uint64_t)INT64_MAX + (d->negative ? 1 : 0);
  if (d->fraction || d->lost || d->mantissa > most
      || (d->negative && d->mantissa == 0))
    return 0;
  if (d->mantissa > (uint64_t)INT64_MAX)
    *integer = INT64_MIN;
  else
    *integer = d->negative ? -(int64_t)d->mantissa : (int64_t)d->mantissa;
  return 1;
}

/* The value, if one operation on two exact doubles gives it, because then it
** is correctly rounded. Powers of ten are exact up to 22. */
static int as_exact (const struct decimal *d, double *number) {
  static const double tens[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
  double x = (double)d->mantissa;
  int e = d->exponent;
  if (d->lost || d->mantissa > (uint64_t)1 << 53)
    return 0;
  if (d->mantissa != 0) {
#if defined(FLT_EVAL_METHOD) && FLT_EVAL_METHOD == 0
    if (e < -22 || e > 22)
      return 0;
    x = e < 0 ? x / tens[-e] : x * tens[e];
#else
    /* wider registers would round twice */
    (void)tens;
    if (e != 0)
      return 0;
#endif
  }
  *number = d->negative ? -x : x;
  return 1;
}

/* Reads any number as the system does, which needs a NUL at the end. Returns 0,
** or -1 when out of memory. */
static int as_any (const char *text, size_t length, double *number) {
  char small[64];
  char *copy = length < sizeof small ? small : malloc(length + 1);
  int is_read;
  if (copy == NULL)
    return -1;
  memcpy(copy, text, length);
  copy[length] = '\0';
  is_read = platform_read_number(copy, number);
  if (copy != small)
    free(copy);
  return is_read ? 0 : -1;
}

int json_number (const char *text, size_t length, int64_t *integer,
                 double *number) {
  struct decimal d;
  take_apart(&d, text, text + length);
  if (as_integer(&d, integer))
    return 1;
  return as_exact(&d, number) ? 0 : as_any(text, length, number);
}

/* ---- Walking ---- */

/* The byte after the closing quote of the string whose inside begins at 'p'. */
static const char *skip_string (const char *p, struct json_text *text) {
  text->data = p;
  text->escaped = 0;
  for (; *p != '"'; p++)
    if (*p == '\\') {
      text->escaped = 1;
      p++; /* an escaped byte is not the end */
    }
  text->length = (size_t)(p - text->data);
  return p + 1;
}

/* A string; a key if a colon follows. */
static enum json_token string_token (struct json_walk *w,
                                     struct json_text *text) {
  const char *p = skip_string(w->at + 1, text);
  w->at = p;
  p = skip_space(p, w->end);
  if (p == w->end || *p != ':')
    return JSON_T_STRING;
  w->at = p + 1;
  return JSON_T_KEY;
}

static enum json_token number_token (struct json_walk *w,
                                     struct json_text *text) {
  const char *p = w->at;
  while (p < w->end && is_of_number(*p))
    p++;
  text->data = w->at;
  text->length = (size_t)(p - w->at);
  text->escaped = 0;
  w->at = p;
  return JSON_T_NUMBER;
}

static enum json_token fixed_token (struct json_walk *w, unsigned length,
                                    enum json_token token) {
  w->at += length;
  return token;
}

enum json_token json_next (struct json_walk *w, struct json_text *text) {
  while (w->at < w->end && (is_space(*w->at) || *w->at == ','))
    w->at++;
  if (w->at == w->end)
    return JSON_T_END;
  switch (*w->at) {
    case 'n': return fixed_token(w, 4, JSON_T_NULL);
    case 'f': return fixed_token(w, 5, JSON_T_FALSE);
    case 't': return fixed_token(w, 4, JSON_T_TRUE);
    case '[': return fixed_token(w, 1, JSON_T_ARRAY_OPEN);
    case ']': return fixed_token(w, 1, JSON_T_ARRAY_CLOSE);
    case '{': return fixed_token(w, 1, JSON_T_OBJECT_OPEN);
    case '}': return fixed_token(w, 1, JSON_T_OBJECT_CLOSE);
    case '"': return string_token(w, text);
    default: return number_token(w, text);
  }
}
