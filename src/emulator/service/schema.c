/* SPDX-License-Identifier: MIT
**
** schema: see schema.h.
*/

#include "schema.h"
#include "../store/iso_time.h"
#include "../store/text.h"

#include <stdint.h>
#include <string.h>

/* Reads a value to 'out'; 0 where it is not what the row asks for. */
static int read_any (const struct schema *row, const struct value *v,
                     void *out) {
  int64_t *whole = out;
  char **text = out;
  int in_range = (value_is(v, "integer") || value_is(v, "real"))
                 && v->number >= row->least && v->number <= row->most;
  switch (row->type) {
    case SCHEMA_TEXT:
      if (!value_is(v, "text"))
        return 0;
      sqlite3_free(*text);
      *text = text_copy(v->text, strlen(v->text));
      return 1;
    case SCHEMA_WHOLE:
      *whole = in_range ? (int64_t)v->number : 0;
      return in_range && v->number == (double)*whole;
    case SCHEMA_NUMBER: *(double *)out = v->number; return in_range;
    case SCHEMA_FLAG:
      *whole = value_is(v, "true");
      return *whole || value_is(v, "false");
    case SCHEMA_CHOICE:
      for (*whole = 0; row->choices[*whole] != NULL; ++*whole)
        if ((value_is(v, "text") || value_is(v, "integer"))
            && strcmp(row->choices[*whole], v->text) == 0)
          return 1;
      return 0;
    case SCHEMA_TIME:
      if (value_is(v, "text"))
        return time_parse(v->text, whole);
      *whole = in_range ? (int64_t)(v->number * 1000) : 0;
      return in_range;
    default: return 1;
  }
}

/* Appends what the row asks for. */
static void write_wanted (sqlite3_str *s, const struct schema *row) {
  int i;
  switch (row->type) {
    case SCHEMA_TEXT: sqlite3_str_appendall(s, "a string"); break;
    case SCHEMA_FLAG: sqlite3_str_appendall(s, "true or false"); break;
    case SCHEMA_TIME:
      sqlite3_str_appendall(s,
                            "a time like 2026-08-25T12:00:00Z, or seconds "
                            "since 1970");
      break;
    case SCHEMA_CHOICE:
      for (i = 0; row->choices[i] != NULL; i++)
        sqlite3_str_appendf(s, "%s\"%s\"", i > 0 ? " or " : "",
                            row->choices[i]);
      break;
    default:
      sqlite3_str_appendf(s, "a %snumber from %.0f to %.0f",
                          row->type == SCHEMA_WHOLE ? "whole " : "", row->least,
                          row->most);
  }
}

int schema_read (const struct schema *row, const char *shown,
                 const struct value *v, void *out, char **why) {
  sqlite3_str *s;
  if (read_any(row, v, (char *)out + row->offset))
    return 1;
  s = sqlite3_str_new(NULL);
  sqlite3_str_appendf(s, "%s must be ", shown);
  write_wanted(s, row);
  if (value_is(v, "text"))
    sqlite3_str_appendf(s, ", not \"%s\"", v->text);
  *why = text_finish(s, NULL);
  return 0;
}

int schema_reader (void *target, const struct value *v) {
  struct schema_target *t = target;
  const struct names known = {t->rows, sizeof(*t->rows)};
  const struct schema *row = t->rows;
  while (row->name != NULL && strcmp(row->name, v->key) != 0)
    row++;
  if (row->name != NULL)
    return !schema_read(row, v->key, v, t->out, &t->why);
  t->why = text_unknown(t->what, v->key, known);
  return 1;
}
