/* SPDX-License-Identifier: MIT
**
** schema: tables of what may come from outside: the members of a struct, each
** with its name, type and range. One reader serves the command line, Lua and
** JSON, so that they cannot disagree.
*/

#ifndef emulator_schema_h
#define emulator_schema_h

#include "../store/value.h"

#include <stddef.h>

/* What a member is, and what the struct has at its offset. */
enum schema_type {
  SCHEMA_TEXT,   /* char *, of SQLite's memory */
  SCHEMA_WHOLE,  /* int64_t */
  SCHEMA_NUMBER, /* double */
  SCHEMA_FLAG,   /* int64_t, 0 or 1 */
  SCHEMA_CHOICE, /* int64_t, an index of 'choices' */
  SCHEMA_TIME,   /* int64_t, milliseconds since 1970 */
  SCHEMA_OTHER   /* nothing: the table's owner reads it */
};

/* A table of these ends with a row whose name is NULL. */
struct schema {
  const char *name;
  enum schema_type type;
  size_t offset;
  double least, most; /* of a number */
  const char *const *choices;
};

#define SCHEMA(name, type, container, member, least, most, choices)            \
  { name, SCHEMA_##type, offsetof(container, member), least, most, choices }

/* Reads a value into the struct. Where it is refused, returns 0 and sets
** '*why' to a sentence that calls it 'shown' (to be freed; NULL: no memory). */
int schema_read (const struct schema *row, const char *shown,
                 const struct value *v, void *out, char **why);

/* For schema_reader: a struct and its table. */
struct schema_target {
  const struct schema *rows;
  const char *what; /* "member of a fault" */
  void *out;
  char *why; /* set where a member is refused, as by schema_read */
};

/* A value_reader that reads the members of an object. */
int schema_reader (void *target, const struct value *v);

#endif
