/* SPDX-License-Identifier: MIT
**
** value: reads JSON that came from outside, by SQLite's JSON functions in a
** connection of its own, so that the emulator has no parser.
*/

#ifndef emulator_value_h
#define emulator_value_h

#include <stddef.h>

/* A member of an object or an element of an array. */
struct value {
  const char *key;  /* NULL in an array */
  const char *type; /* SQLite's word: "text", "integer", "real", "true"... */
  const char *text; /* decoded string, or the text of anything else */
  double number;    /* of an integer, a real, true (1) */
};

int value_is (const struct value *v, const char *type);

/* Called for each in turn; not 0 ends the walk and is its result. */
typedef int (*value_reader)(void *arg, const struct value *value);

#define VALUE_OTHER (-1) /* no JSON, or not of the type that was asked */

/* Walks the members, in the order of their names, of what is at 'path' ("$"
** is all) of a JSON text, which must be of the type ("object", "array"). */
int value_walk (const char *json, size_t length, const char *path,
                const char *type, value_reader reader, void *arg);

/* Walks all values in a JSON object, outer ones and those before others first.
** A value's key is its path, such as input[0].url; "" is all. */
int value_tree (const char *json, size_t length, value_reader reader,
                void *arg);

/* Puts the first row that a query gives about a JSON text (?1) and another
** text (?2), of at most 'count' columns, into 'columns' as texts to be freed;
** 0 where there is no row. */
int value_row (const char *sql, const char *json, size_t length,
               const char *other, char **columns, int count);

/* The same for one column; NULL where there is no row, or NULL in it. */
char *value_query (const char *sql, const char *json, size_t length,
                   const char *other);

/* The text at 'path', to be freed with sqlite3_free; NULL where there is none,
** or an empty one. */
char *value_text (const char *json, size_t length, const char *path);

#endif
