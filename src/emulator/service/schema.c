/* SPDX-License-Identifier: MIT
**
** schema: see schema.h.
*/

#include "schema.h"
#include "../store/iso_time.h"
#include "../store/text.h"

#include <stdint.h>
#include <string.h>

/* The readers below return 0 where the value is not what the row asks for. */

static int read_text (const struct value *v, char **out) {
  if (!value_is(v, "text"))
    return 0;
  sqlite3_free(*out);
  *out = text_copy(v->text, strlen(v->text));
  return 1;
}

static int read_number (const struct schema *row, const struct value *v,
                        double *out) {
  *out = v->number;
  return (value_is(v, "integer") || value_is(v, "real"))
         && v->number >= row->least && v->number <= row->most;
}

static int read_whole (const struct schema *row, const struct value *v,
                       int64_t *out) {
  double n;
  if (!read_number(row, v, &n) || n != (double)(int64_t)n)
    return 0;
  *out = (int64_t)n;
  return 1;
}

static int read_flag (const struct value *v, int64_t *out) {
  *out = value_is(v, "true");
  return *out || value_is(v, "false");
}

static int read_choice (const struct schema *row, const struct value *v,
                        int64_t *out) {
  for (*out = 0; row->choices[*out] != NULL; ++*out)
    if (value_is(v, "text") && strcmp(row->choices[*out], v->text) == 0)
      return 1;
  return 0;
}

static int read_time (const struct schema *row, const struct value *v,
                      int64_t *out) {
  double seconds;
  if (value_is(v, "text"))
    return time_parse(v->text, out);
  if (!read_number(row, v, &seconds))
    return 0;
  *out = (int64_t)(seconds * 1000);
  return 1;
}

static int read_any (const struct schema *row, const struct value *v,
                     void *out) {
  switch (row->type) {
    case SCHEMA_TEXT: return read_text(v, out);
    case SCHEMA_WHOLE: return read_whole(row, v, out);
    case SCHEMA_NUMBER: return read_number(row, v, out);
    case SCHEMA_FLAG: return read_flag(v, out);
    case SCHEMA_CHOICE: return read_choice(row, v, out);
    case SCHEMA_TIME: return read_time(row, v, out);
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
