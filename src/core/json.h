/* SPDX-License-Identifier: MIT
**
** json: a strict, resumable JSON scanner (RFC 8259), the index it makes of an
** object's members, and the reading of values from text that has passed it.
** The input may be split anywhere: the result is the same. Knows nothing of
** Lua or HTTP and never looks at the locale.
*/

#ifndef lipsync_json_h
#define lipsync_json_h

#include <stddef.h>
#include <stdint.h>

/* What the document has to be, and what is reported as an element of it. */
enum json_shape {
  JSON_LIST,   /* an array of objects; each of them is an element */
  JSON_SINGLE, /* one object, which is the only element */
  JSON_ANY,    /* any value, which is the only element */
  JSON_LINES   /* objects one after the other; each of them is an element */
};

enum json_status {
  JSON_MORE,    /* all input was read; the document goes on */
  JSON_ELEMENT, /* an element has just ended, its index is ready */
  JSON_END,     /* the document is complete; only white space was left */
  /* everything from here on is final */
  JSON_E_SYNTAX,  /* not JSON: json_error_text says what is wrong */
  JSON_E_UTF8,    /* a string is not UTF-8 */
  JSON_E_SHAPE,   /* the document is not of the wanted shape */
  JSON_E_ELEMENT, /* an element of the list is not an object */
  JSON_E_CUT,     /* the input ended inside the document (json_finish) */
  JSON_E_SIZE,    /* an element is longer than limits.element */
  JSON_E_DEPTH,   /* nesting is deeper than limits.depth */
  JSON_E_MEMBERS, /* an element has more members than limits.members */
  JSON_E_MEMORY   /* out of memory */
};

#define JSON_DEPTH_MAX   256  /* the most 'limits.depth' can be */
#define JSON_MEMBERS_MAX 1024 /* the members of one element in the index */

/* A value above a field's maximum counts as the maximum. */
struct json_limits {
  size_t element;   /* bytes of one element; at most 2 GiB - 1 */
  unsigned depth;   /* nested arrays and objects, the list itself counted */
  unsigned members; /* top-level members of one element */
};

/* Where one member of an element lies, as offsets from the element's first
** byte. The key is without its quotes, the value with them. */
struct json_member {
  uint32_t key;
  uint32_t key_length; /* low 31 bits; JSON_KEY_ESCAPED where the key's
                             text holds an escape */
  uint32_t value;
  uint32_t value_length;
};

#define JSON_KEY_ESCAPED 0x80000000u

struct json_scanner; /* see the end of this file */

/* Sets 's' to the start of a document. Allocates nothing. */
void json_open (struct json_scanner *s, enum json_shape shape,
                const struct json_limits *limits);

/* Lends 's' room for 'n' members, before its first byte: it indexes no more of
** them, allocates nothing, and is not closed. */
void json_lend (struct json_scanner *s, struct json_member *room, unsigned n);

/* Reads on from 'data'; '*used' says how much of it was read. Returns after
** each element. Until the next call, 's->members' has its members (in order,
** with repeated ones), 's->element' its stream offset, and
** 's->element_length' its length.
** After JSON_END only white space may come: feeding it gives JSON_END again.
** Time is linear in the input, however it is split. */
enum json_status json_feed (struct json_scanner *s, const char *data,
                            size_t length, size_t *used);

/* Stream offset of the first byte that the caller must still keep: of the
** element being read, or else of the next byte. */
uint64_t json_keep (const struct json_scanner *s);

/* Says that the input ends here: JSON_END, JSON_E_CUT or the earlier error.
** Only this ends a number at the top level of JSON_ANY: then it returns
** JSON_ELEMENT once, and JSON_END when called again. */
enum json_status json_finish (struct json_scanner *s);

/* A short phrase for the error 's' is in: "a number with a leading zero". */
const char *json_error_text (const struct json_scanner *s);

/* What began where a value was expected, in words for JSON_E_SHAPE and
** JSON_E_ELEMENT: "an object", "a string", "a number", "null"… */
const char *json_found_text (const struct json_scanner *s);

/* Gives the memory back. */
void json_close (struct json_scanner *s);

/* ---- Values, from text that has passed the scanner ---- */

enum json_type {
  JSON_NULL,
  JSON_FALSE,
  JSON_TRUE,
  JSON_NUMBER,
  JSON_STRING,
  JSON_ARRAY,
  JSON_OBJECT
};

/* The type of the value that starts with byte 'c'. */
enum json_type json_type_of (char c);

/* The member named 'name' (decoded bytes), the last one where it is repeated,
** or NULL. 'text' is the element's first byte. */
const struct json_member *json_find (const struct json_member *members,
                                     unsigned count, const char *text,
                                     const char *name, size_t length);

/* Whether the key of 'm' reads as 'name'. */
int json_key_is (const struct json_member *m, const char *text,
                 const char *name, size_t length);

/* Decodes the inside of a string (no quotes) into 'out', which must have room
** for 'length' bytes; returns how many were written. A lone surrogate escape
** is read as U+FFFD. 'out' may be 'text'. */
size_t json_decode (const char *text, size_t length, char *out);

/* Reads a number: returns 1 and sets '*integer' where the text is an integer
** (no fraction, no exponent) that fits 64 bits, except "-0", which is a
** double; otherwise returns 0 and sets '*number' to the nearest double (an
** exponent too large gives an infinity), or returns -1 when out of memory. */
int json_number (const char *text, size_t length, int64_t *integer,
                 double *number);

/* Walks the inside of a value token by token. */
struct json_walk {
  const char *at;  /* set by the caller to the value's first byte */
  const char *end; /* and to the byte after its last */
};

enum json_token {
  JSON_T_END, /* nothing is left */
  JSON_T_NULL,
  JSON_T_FALSE,
  JSON_T_TRUE,
  JSON_T_NUMBER,
  JSON_T_STRING, /* text is without the quotes */
  JSON_T_KEY,    /* the same, and a value follows */
  JSON_T_ARRAY_OPEN,
  JSON_T_ARRAY_CLOSE,
  JSON_T_OBJECT_OPEN,
  JSON_T_OBJECT_CLOSE
};

struct json_text {
  const char *data;
  size_t length;
  int escaped; /* whether json_decode is needed */
};

/* The next token; 'text' is set for numbers, strings and keys. */
enum json_token json_next (struct json_walk *w, struct json_text *text);

/* The scanner's state is public only so that it can live inside other
** structs; only json.c reads more than the first four fields. */
struct json_scanner {
  struct json_member *members;
  unsigned count;          /* members of the element that has just ended */
  uint64_t element;        /* stream offset of the current element */
  uint32_t element_length; /* of the element that has just ended */
  uint64_t offset;         /* stream offset of the next byte to be read */
  /* private to json.c from here on */
  struct json_limits limits;
  enum json_shape shape;
  enum json_status status; /* JSON_MORE until an error ends it all */
  const char *error;       /* what json_error_text gives */
  unsigned member_capacity;
  unsigned inside;            /* depth of an element's members: 2 in a list */
  unsigned depth;             /* arrays and objects that are open */
  int state;                  /* enum state of json.c */
  int text;                   /* the state an escape or UTF-8 goes back to */
  uint32_t escaped;           /* JSON_KEY_ESCAPED if the string has an escape */
  unsigned left;              /* hex digits or UTF-8 bytes still to come */
  unsigned char low, high;    /* the range of the next UTF-8 byte */
  char found;                 /* first byte of the document or element */
  char closer;                /* '}' or ']': what closes the innermost one */
  char outer[JSON_DEPTH_MAX]; /* the closers of those around it */
  const char *rest;           /* what is left of "true", "false", "null" */
  struct json_guess *guesses; /* of a list's keys, see json_guess.h; or NULL */
  struct json_guess *guess;   /* that of the element's next key */
};

#endif
