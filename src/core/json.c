/* SPDX-License-Identifier: MIT
**
** json: the scanner. One state machine, which resumes wherever the input was
** cut, checks every byte once and notes where an element's members lie. It
** never looks back, so it keeps no input; its only memory is the index, and the
** keys that are guesses (json_guess.h). The inside of strings, as far as it is
** not plain, is in json_string.h.
*/

#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "json_bytes.h"
#include "json_guess.h"
#include "json_string.h"

#define NO_VALUE "no value where one should be"
#define NO_DIGIT "a number without a digit where one should be"

static unsigned at_most (unsigned n, unsigned most) {
  return n < most ? n : most;
}

/* ---- Members ---- */

/* The place of a member; NULL while there is no room. */
static struct json_member *member_at (const struct json_scanner *s,
                                      unsigned i) {
  return s->members == NULL ? NULL : s->members + i;
}

/* Makes a table of guesses where elements follow each other. Without memory
** for it they are read all the same. */
static void make_guesses (struct json_scanner *s) {
  if (s->shape != JSON_LIST && s->shape != JSON_LINES)
    return;
  s->guesses = realloc(NULL, GUESSES * sizeof *s->guesses);
  if (s->guesses != NULL)
    guess_fill(s->guesses, GUESSES);
}

/* The guess for an element's first key. */
static struct json_guess *first_guess (const struct json_scanner *s) {
  return s->guesses == NULL ? &no_guess : s->guesses;
}

/* Makes room for more members than there are, for twice as many if there may be
** so many. */
static enum json_status more_members (struct json_scanner *s) {
  unsigned n = s->member_capacity == 0 ? 32 : 2 * s->member_capacity;
  struct json_member *members;
  if (s->member_capacity == s->limits.members)
    return JSON_E_MEMBERS;
  n = at_most(n, s->limits.members);
  members = realloc(s->members, n * sizeof *members);
  if (members == NULL)
    return JSON_E_MEMORY;
  if (s->members == NULL)
    make_guesses(s);
  s->members = members;
  s->member_capacity = n;
  return JSON_MORE;
}

/* ---- Errors ---- */

static const char *limit_text (enum json_status status) {
  switch (status) {
    case JSON_E_SIZE: return "an element that is too long";
    case JSON_E_DEPTH: return "nesting that is too deep";
    case JSON_E_MEMBERS: return "an object with too many members";
    default: return "not enough memory";
  }
}

/* Fails on 'c', which cannot begin the element or the document: with 'status'
** if it begins another kind of value, else with an error of syntax. */
static enum json_status fail_begin (struct json_scanner *s, char c,
                                    enum json_status status) {
  s->found = c;
  if (begins_value(c))
    return fail(s, status,
                status == JSON_E_SHAPE ? "a document of another shape"
                                       : "an element that is no object");
  if (status == JSON_E_SHAPE && (unsigned char)c == 0xEF)
    return fail(s, JSON_E_SYNTAX, "a byte order mark");
  return fail(s, JSON_E_SYNTAX, NO_VALUE);
}

/* ---- The machine ---- */

/* Whether the bytes so far are a whole number at the top level, which only the
** next byte or the end of the input completes. */
static int is_bare_number (unsigned depth, int state) {
  return depth == 0
         && (state == ZERO || state == INTEGER || state == FRACTION
             || state == EXPONENT_DIGITS);
}

static int in_element (const struct json_scanner *s) {
  return s->state > DONE;
}

/* Whether the document may end here. */
static int is_complete (const struct json_scanner *s) {
  return s->state == DONE || (s->shape == JSON_LINES && s->state == START);
}

/* Where the element has to end at the latest, if that is before 'end'. */
static const char *element_stop (const struct json_scanner *s, const char *p,
                                 uint64_t length, const char *end) {
  uint64_t left = s->limits.element - length;
  return (uint64_t)(end - p) > left ? p + left : end;
}

/* The head of a state where a token is awaited: skips white space. Leaves
** the machine where the input ends. */
#define TOKEN(state_)                                                          \
  case state_:                                                                 \
    if (UNLIKELY(p == stop || *p <= ' ')) {                                    \
      p = skip_space(p, stop);                                                 \
      if (p == stop) {                                                         \
        s->state = state_;                                                     \
        goto pause;                                                            \
      }                                                                        \
    }

/* The same where the very next byte is awaited. */
#define BYTE(state_)                                                           \
  case state_:                                                                 \
    if (UNLIKELY(p == stop)) {                                                 \
      s->state = state_;                                                       \
      goto pause;                                                              \
    }

/* Offset of 'q' from the element's first byte. That is an address, not a
** pointer, because an earlier piece of the input may be freed already. */
#define PLACE(q) ((uint32_t)((uintptr_t)(q)-origin))

/* Whether the next bytes are those of a string constant. */
#define FOLLOWS(text_)                                                         \
  (stop - p >= (ptrdiff_t)sizeof(text_) - 1                                    \
   && memcmp(p, text_, sizeof(text_) - 1) == 0)

/* A literal: usually whole, else only its first byte. */
#define WORD(text_)                                                            \
  if (FOLLOWS(text_)) {                                                        \
    p += sizeof(text_) - 1;                                                    \
    goto value_ends;                                                           \
  }                                                                            \
  p++;                                                                         \
  s->rest = &text_[1];                                                         \
  goto literal

#define FAIL(status_, text_)                                                   \
  do {                                                                         \
    status = fail(s, status_, text_);                                          \
    goto leave;                                                                \
  } while (0)

#define FAIL_LIMIT(status_) FAIL(status_, limit_text(status_))

/*
** Runs the machine from 'data' to 'end'. States follow each other by falling
** through and by goto where JSON usually goes that way, so that the common
** path of key, colon, value, comma is straight; '*at' is where it left.
*/
static enum json_status step (struct json_scanner *s, const char *data,
                              const char *end, const char **at) {
  struct json_member nowhere = {0, 0, 0, 0};
  struct json_member *next = member_at(s, s->count);
  struct json_member *room_ends = member_at(s, s->member_capacity);
  struct json_member *m = s->depth == s->inside && s->count > 0 ? next - 1
                                                                : &nowhere;
  uint64_t length = s->offset - s->element;
  uintptr_t origin = (uintptr_t)data - (uintptr_t)length;
  const char *p = data;
  struct block block = {data, 0};
  struct json_guess *guess = s->guess;
  const char *key = NULL; /* where the key began, if in this piece */
  const char *stop = in_element(s) ? element_stop(s, p, length, end) : end;
  unsigned depth = s->depth;
  char closer = s->closer;
  enum json_status status;

again:
  switch ((enum state)s->state) {

    TOKEN(START)
    if (s->shape == JSON_LIST && *p == '[') {
      if (s->limits.depth == 0)
        FAIL_LIMIT(JSON_E_DEPTH);
      depth = 1;
      p++;
      goto first_element;
    }
    if (s->shape == JSON_ANY ? begins_value(*p)
                             : s->shape != JSON_LIST && *p == '{')
      goto element;
    status = fail_begin(s, *p,
                        s->shape == JSON_LINES ? JSON_E_ELEMENT : JSON_E_SHAPE);
    goto leave;

  first_element:
    TOKEN(FIRST_ELEMENT)
    if (*p == ']')
      goto list_ends;
    goto next_element;

  next_element:
    TOKEN(NEXT_ELEMENT)
    if (*p != '{') {
      status = fail_begin(s, *p, JSON_E_ELEMENT);
      goto leave;
    }
  element:
    s->found = *p;
    next = s->members;
    s->element = s->offset + (uint64_t)(p - data);
    guess = first_guess(s);
    origin = (uintptr_t)p;
    stop = element_stop(s, p, 0, end);
    goto value;

    TOKEN(AFTER_ELEMENT)
    if (*p == ',') {
      p++;
      goto next_element;
    }
    if (*p != ']')
      FAIL(JSON_E_SYNTAX, "no comma or bracket behind an element");
  list_ends:
    depth = 0;
    p++;
    goto done;

  done:
    TOKEN(DONE)
    FAIL(JSON_E_SYNTAX, "more text behind the end of the document");

  first_key:
    TOKEN(FIRST_KEY)
    if (*p == '}')
      goto close;
    goto key;

  key:
    TOKEN(KEY)
    if (UNLIKELY(*p != '"'))
      FAIL(JSON_E_SYNTAX, *p == '}' ? "a comma behind the last member"
                                    : "a member without a quoted name");
  key_begins:
    if (depth == s->inside) {
      if (UNLIKELY(next == room_ends)) {
        unsigned count = s->member_capacity;
        status = more_members(s);
        if (status != JSON_MORE)
          FAIL_LIMIT(status);
        if (count == 0)
          guess = first_guess(s);
        next = s->members + count;
        room_ends = s->members + s->member_capacity;
      }
      m = next++;
    }
    p++;
    m->key = PLACE(p);
    if (LIKELY(stop - p > GUESS_LENGTH)) {
      const struct json_guess *g = guess;
      if (LIKELY(guess_is(g, p)) || (g = guess_later(g, p)) != NULL) {
        m->key_length = g->length - 2;
        p += g->length;
        guess = g->next;
        goto key_ends;
      }
    }
    s->escaped = 0;
    key = p;
    goto key_text;

  key_text:
  case KEY_TEXT:
    p = skip_plain(&block, p, stop);
    if (UNLIKELY(p == stop || *p != '"')) {
      s->state = KEY_TEXT;
      goto special;
    }
    m->key_length = (PLACE(p) - m->key) | s->escaped;
    if (UNLIKELY(!FOLLOWS("\":"))) {
      p++;
      goto colon;
    }
    p += 2;
    if (key != NULL && s->escaped == 0)
      guess = guess_note(guess, key, (size_t)(p - key));
    if (UNLIKELY(p == stop))
      goto value;
  key_ends:
    if (*p != '"')
      goto value;
    m->value = PLACE(p);
    p++;
    goto text;

  colon:
    TOKEN(COLON)
    if (UNLIKELY(*p != ':'))
      FAIL(JSON_E_SYNTAX, "no colon behind a member's name");
    p++;
    goto value;

  value:
    TOKEN(VALUE)
    m->value = PLACE(p);
    switch (*p) {
      case '"': p++; goto text;
      case '{':
      case '[': goto open;
      case 't': WORD("true");
      case 'f': WORD("false");
      case 'n': WORD("null");
      case '-': p++; goto minus;
      case '0': p++; goto zero;
      case '1':
      case '2':
      case '3':
      case '4':
      case '5':
      case '6':
      case '7':
      case '8':
      case '9': p++; goto integer;
      default:
        FAIL(JSON_E_SYNTAX, *p == ']' && closer == ']'
                              ? "a comma behind the last value"
                              : NO_VALUE);
    }

  first_value:
    TOKEN(FIRST_VALUE)
    if (*p == ']')
      goto close;
    goto value;

  text:
  case TEXT:
    p = skip_plain(&block, p, stop);
    if (UNLIKELY(p == stop || *p != '"')) {
      s->state = TEXT;
      goto special;
    }
    p++;
  value_ends:
    m->value_length = PLACE(p) - m->value;
    if (closer == '}' && FOLLOWS(",\"")) {
      p++;
      goto key_begins;
    }
    if (UNLIKELY(depth < s->inside))
      goto element_ends;
    goto after_value;

  after_value:
    TOKEN(AFTER_VALUE)
    if (*p == ',') {
      p++;
      if (closer == '}')
        goto key;
      goto value;
    }
    if (UNLIKELY(*p != closer))
      FAIL(JSON_E_SYNTAX, "no comma or bracket behind a value");
  close:
    p++;
    depth--;
    closer = s->outer[depth];
    if (depth <= s->inside) {
      if (depth < s->inside)
        goto element_ends;
      m = next == s->members ? &nowhere : next - 1;
    }
    goto value_ends;

  open:
    if (UNLIKELY(depth == s->limits.depth))
      FAIL_LIMIT(JSON_E_DEPTH);
    s->outer[depth++] = closer;
    m = &nowhere;
    if (*p++ == '[') {
      closer = ']';
      goto first_value;
    }
    closer = '}';
    goto first_key;

  element_ends:
    s->element_length = PLACE(p);
    s->state = s->shape == JSON_LIST    ? AFTER_ELEMENT
               : s->shape == JSON_LINES ? START
                                        : DONE;
    status = JSON_ELEMENT;
    goto leave;

  special: /* in a string: neither plain nor its quote */
  case ESCAPE:
  case HEX:
  case UTF8:
    p = string_part(s, p, stop);
    if (s->status != JSON_MORE) {
      status = s->status;
      goto leave;
    }
    if (p == stop)
      goto pause;
    if (s->state == TEXT)
      goto text;
    goto key_text;

  literal:
    BYTE(LITERAL)
    if (*p != *s->rest)
      FAIL(JSON_E_SYNTAX, NO_VALUE);
    p++;
    if (*++s->rest != '\0')
      goto literal;
    goto value_ends;

  minus:
    BYTE(MINUS)
    if (*p == '0') {
      p++;
      goto zero;
    }
    if (!is_digit(*p))
      FAIL(JSON_E_SYNTAX, NO_DIGIT);
    p++;
    goto integer;

  integer:
  case INTEGER:
    p = skip_digits(p, stop);
    if (p == stop) {
      s->state = INTEGER;
      goto pause;
    }
    goto integer_ends;

  zero:
    BYTE(ZERO)
    if (is_digit(*p))
      FAIL(JSON_E_SYNTAX, "a number with a leading zero");
  integer_ends:
    if (*p == '.') {
      p++;
      goto point;
    }
    goto mantissa_ends;

  point:
    BYTE(POINT)
    if (!is_digit(*p))
      FAIL(JSON_E_SYNTAX, NO_DIGIT);
    p++;
    goto fraction;

  fraction:
  case FRACTION:
    p = skip_digits(p, stop);
    if (p == stop) {
      s->state = FRACTION;
      goto pause;
    }
  mantissa_ends:
    if (*p != 'e' && *p != 'E')
      goto value_ends;
    p++;
    goto exponent;

  exponent:
    BYTE(EXPONENT)
    if (*p == '+' || *p == '-')
      p++;
    goto exponent_sign;

  exponent_sign:
    BYTE(EXPONENT_SIGN)
    if (!is_digit(*p))
      FAIL(JSON_E_SYNTAX, NO_DIGIT);
    p++;
    goto exponent_digits;

  exponent_digits:
  case EXPONENT_DIGITS:
    p = skip_digits(p, stop);
    if (p == stop) {
      s->state = EXPONENT_DIGITS;
      goto pause;
    }
    goto value_ends;
  }

pause:
  if (UNLIKELY(stop < end)) { /* the element is as long as it may be */
    if (!is_bare_number(depth, s->state) || is_of_number(*p))
      FAIL_LIMIT(JSON_E_SIZE);
    stop = end;
    goto again;
  }
  status = is_complete(s) ? JSON_END : JSON_MORE;
leave:
  s->count = next == NULL ? 0 : (unsigned)(next - s->members);
  s->guess = guess;
  s->depth = depth;
  s->closer = closer;
  s->offset += (uint64_t)(p - data);
  *at = p;
  return status;
}

/* ---- The interface ---- */

void json_open (struct json_scanner *s, enum json_shape shape,
                const struct json_limits *limits) {
  memset(s, 0, sizeof *s);
  s->shape = shape;
  s->status = JSON_MORE;
  s->state = START;
  s->guess = &no_guess;
  s->inside = shape == JSON_LIST ? 2 : 1;
  s->limits.element = limits->element < INT32_MAX ? limits->element : INT32_MAX;
  s->limits.depth = at_most(limits->depth, JSON_DEPTH_MAX);
  s->limits.members = at_most(limits->members, JSON_MEMBERS_MAX);
}

void json_lend (struct json_scanner *s, struct json_member *room, unsigned n) {
  s->members = room;
  s->member_capacity = s->limits.members = at_most(n, s->limits.members);
}

enum json_status json_feed (struct json_scanner *s, const char *data,
                            size_t length, size_t *used) {
  const char *at = data;
  enum json_status status = s->status;
  *used = 0;
  if (status != JSON_MORE)
    return status;
  if (length == 0)
    return is_complete(s) ? JSON_END : JSON_MORE;
  status = step(s, data, data + length, &at);
  *used = (size_t)(at - data);
  return status;
}

enum json_status json_finish (struct json_scanner *s) {
  if (s->status != JSON_MORE)
    return s->status;
  if (is_complete(s))
    return JSON_END;
  if (is_bare_number(s->depth, s->state)) {
    s->element_length = (uint32_t)(s->offset - s->element);
    s->state = DONE;
    return JSON_ELEMENT;
  }
  return fail(s, JSON_E_CUT,
              s->state == START ? "no text at all"
                                : "text that ends before the document does");
}

const char *json_error_text (const struct json_scanner *s) {
  return s->error == NULL ? "no error" : s->error;
}

const char *json_found_text (const struct json_scanner *s) {
  switch (s->found) {
    case '\0': return "nothing";
    case '{': return "an object";
    case '[': return "an array";
    case '"': return "a string";
    case 't': return "true";
    case 'f': return "false";
    case 'n': return "null";
    default: return begins_value(s->found) ? "a number" : "no JSON value";
  }
}

uint64_t json_keep (const struct json_scanner *s) {
  return in_element(s) ? s->element : s->offset;
}

void json_close (struct json_scanner *s) {
  free(s->members);
  free(s->guesses);
  s->members = NULL;
  s->guesses = NULL;
  s->guess = &no_guess;
  s->member_capacity = 0;
  s->count = 0;
}
