/* SPDX-License-Identifier: MIT
**
** json_string: the scanner's states, and those of its parts that read escapes
** and UTF-8 in strings, whole or cut; for json.c.
*/

#ifndef lipsync_json_string_h
#define lipsync_json_string_h

#include "json.h"
#include "json_bytes.h"

/*
** What is awaited in each state, and what follows. "A value" begins with a
** quote, a digit or minus, one of t, f, n, or an opening bracket. White space
** is skipped in those marked with a star.
*/
enum state {
  /* outside of elements */
  START,         /* * the document's first byte, or in lines a further one; to
                        FIRST_ELEMENT in a list, else the element begins */
  FIRST_ELEMENT, /* * after the list's '[': an element, or ']' to DONE */
  NEXT_ELEMENT,  /* * after the list's ',': an element */
  AFTER_ELEMENT, /* * after an element of the list: ',' to NEXT_ELEMENT, or
                        ']' to DONE */
  DONE,          /* * nothing more */

  /* inside of an element, between tokens */
  FIRST_KEY,   /* * after '{': a quote to KEY_TEXT, or '}' */
  KEY,         /* * after ',' in an object: a quote to KEY_TEXT */
  COLON,       /* * after a key: ':' to VALUE */
  VALUE,       /* * after ':', or after ',' in an array: a value */
  FIRST_VALUE, /* * after '[': a value, or ']' */
  AFTER_VALUE, /* * after a value: ',' to KEY or VALUE, or what closes the
                        innermost array or object, to AFTER_VALUE or, where
                        that was the element, out of it */

  /* inside of a string */
  KEY_TEXT, /* a key's next byte; its quote leads to COLON */
  TEXT,     /* a value's next byte; its quote leads to AFTER_VALUE */
  ESCAPE,   /* after '\': 'u' to HEX, a short escape back to the text */
  HEX,      /* one of 'left' hex digits; the last goes back */
  UTF8,     /* one of 'left' bytes of a character; the last goes back */

  /* inside of a word or a number, which ends before the first byte that does
     not belong to it; that byte is for AFTER_VALUE */
  LITERAL,        /* the next byte of 'rest'; the last to AFTER_VALUE */
  MINUS,          /* after '-': '0' to ZERO, another digit to INTEGER */
  ZERO,           /* after a leading '0': '.' or 'e', but no digit */
  INTEGER,        /* digits, or '.' to POINT, or 'e' to EXPONENT */
  POINT,          /* after '.': a digit to FRACTION */
  FRACTION,       /* digits, or 'e' to EXPONENT */
  EXPONENT,       /* after 'e': a sign to EXPONENT_SIGN, or a digit */
  EXPONENT_SIGN,  /* after the sign: a digit to EXPONENT_DIGITS */
  EXPONENT_DIGITS /* digits */
};

/* Ends the scan: nothing but 'status' comes from here on. */
static enum json_status fail (struct json_scanner *s, enum json_status status,
                              const char *text) {
  s->status = status;
  s->error = text;
  return status;
}

/* Notes what has to follow 'lead', the first byte of a UTF-8 sequence:
** 'left' bytes, the first of them from 'low' to 'high', which leaves out
** overlong forms, surrogates and what is above U+10FFFF. 0 if nothing can. */
static int utf8_lead (struct json_scanner *s, unsigned char lead) {
  s->low = 0x80;
  s->high = 0xBF;
  if (lead < 0xC2 || lead > 0xF4)
    return 0;
  s->left = lead < 0xE0 ? 1 : lead < 0xF0 ? 2 : 3;
  switch (lead) {
    case 0xE0: s->low = 0xA0; break;
    case 0xED: s->high = 0x9F; break;
    case 0xF0: s->low = 0x90; break;
    case 0xF4: s->high = 0x8F; break;
    default: break;
  }
  return 1;
}

/* Takes byte 'c' of an escape or a UTF-8 sequence. The last byte leads back to
** the text. */
static void string_byte (struct json_scanner *s, unsigned char c) {
  switch ((enum state)s->state) {
    case ESCAPE:
      s->left = 4;
      s->state = c == 'u' ? HEX : s->text;
      if (c != 'u' && !is_short_escape((char)c))
        fail(s, JSON_E_SYNTAX, "an unknown escape in a string");
      return;
    case HEX:
      if (!is_hex((char)c))
        fail(s, JSON_E_SYNTAX, "an escape \\u without four hex digits");
      break;
    case UTF8:
      if (c < s->low || c > s->high)
        fail(s, JSON_E_UTF8, "a string that is not UTF-8");
      s->low = 0x80;
      s->high = 0xBF;
      break;
    default: /* its first byte */
      s->text = s->state;
      s->state = c == '\\' ? ESCAPE : UTF8;
      if (c < 0x80 && c != '\\')
        fail(s, JSON_E_SYNTAX, "a control character in a string");
      else if (c >= 0x80 && !utf8_lead(s, c))
        fail(s, JSON_E_UTF8, "a string that is not UTF-8");
      return;
  }
  if (--s->left == 0)
    s->state = s->text;
}

/* Reads on in a string where it is neither plain nor at its quote: all that
** are whole at once, but one that is cut, or wrong, byte by byte. Ends after
** them, at 'stop', or at the byte that is wrong; that is in s->status then. */
static NOT_INLINE const char *string_part (struct json_scanner *s,
                                           const char *p, const char *stop) {
  const char *from = p;
  if (p < stop && (s->state == KEY_TEXT || s->state == TEXT)) {
    if (*p == '\\') {
      s->escaped = JSON_KEY_ESCAPED;
      p = skip_escapes(p, stop);
    }
    else
      p = skip_utf8(p, stop);
    if (p != from)
      return p;
  }
  for (; p < stop; p++) {
    string_byte(s, (unsigned char)*p);
    if (s->status != JSON_MORE)
      break;
    if (s->state == s->text)
      return p + 1;
  }
  return p;
}

#endif
