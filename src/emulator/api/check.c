/* SPDX-License-Identifier: MIT
**
** check: see check.h.
*/

#include "check.h"
#include "query.h"
#include "../store/text.h"
#include "../store/value.h"

#include <stdlib.h>
#include <string.h>

/* A body being checked. */
struct checking {
  struct call *c;
  const struct member_rule *rules;
};

/* Compares a path with a rule's, in which "[]" stands for any "[N]". */
static int path_fits (const char *rule, const char *path) {
  while (*rule != '\0' && *rule == *path) {
    path++;
    if (*rule++ == '[')
      path += strspn(path, "0123456789");
  }
  return *rule == *path;
}

static size_t characters (const char *text) {
  size_t n = 0;
  for (; *text != '\0'; text++)
    n += (*text & 0xC0) != 0x80;
  return n;
}

static int fits (const struct member_rule *rule, const struct value *v) {
  const struct names words = {rule->words, sizeof(*rule->words)};
  int whole = value_is(v, "integer"), number = whole || value_is(v, "real");
  double size = number                ? v->number
                : value_is(v, "text") ? (double)characters(v->text)
                                      : 0;
  int in_range = size >= rule->least && size <= rule->most;
  switch (rule->type) {
    case MEMBER_TEXT:
      return value_is(v, "text")
             && (rule->words != NULL ? text_is_known(v->text, words)
                                     : in_range);
    case MEMBER_NUMBER: return number && in_range;
    case MEMBER_WHOLE: return whole && in_range;
    case MEMBER_FLAG: return value_is(v, "true") || value_is(v, "false");
    case MEMBER_UUID: return value_is(v, "text") && uuid_valid(v->text);
    case MEMBER_OBJECT: return value_is(v, "object");
    default: return value_is(v, "array");
  }
}

/* What a rule asks for. */
static char *wanted (const struct member_rule *rule) {
  sqlite3_str *s = sqlite3_str_new(NULL);
  int i;
  switch (rule->type) {
    case MEMBER_TEXT:
      if (rule->words == NULL)
        sqlite3_str_appendf(s, "a string of %.0f to %.0f characters",
                            rule->least, rule->most);
      for (i = 0; rule->words != NULL && rule->words[i] != NULL; i++)
        sqlite3_str_appendf(s, "%s%s", i > 0 ? " or " : "", rule->words[i]);
      break;
    case MEMBER_NUMBER:
    case MEMBER_WHOLE:
      sqlite3_str_appendf(s, "a %snumber from %.0f to %.0f",
                          rule->type == MEMBER_WHOLE ? "whole " : "",
                          rule->least, rule->most);
      break;
    case MEMBER_FLAG: sqlite3_str_appendall(s, "true or false"); break;
    case MEMBER_UUID: sqlite3_str_appendall(s, "a UUID"); break;
    case MEMBER_OBJECT: sqlite3_str_appendall(s, "an object"); break;
    default: sqlite3_str_appendall(s, "an array");
  }
  return text_finish(s, NULL);
}

/* A value_reader. An element cannot be absent, and so not be null. */
static int check_value (void *arg, const struct value *v) {
  struct checking *x = arg;
  const struct member_rule *rule = x->rules;
  size_t length;
  if (*v->key == '\0' && !value_is(v, "object")) {
    query_refuse(x->c, NULL, sqlite3_mprintf("the body must be an object"));
    return 1;
  }
  while (rule->path != NULL && !path_fits(rule->path, v->key))
    rule++;
  length = strlen(v->key);
  if (rule->path == NULL || fits(rule, v)
      || (value_is(v, "null") && v->key[length - 1] != ']'))
    return 0;
  query_refuse(x->c, v->key,
               sqlite3_mprintf("%s must be %z", v->key, wanted(rule)));
  return 1;
}

/* Refuses what the query finds; 1 where that is nothing. */
static int check_whole (struct call *c, const char *json, size_t length,
                        const char *wrong_sql) {
  enum { STATUS, CODE, FIELD, MESSAGE, COLUMNS };
  char *wrong[COLUMNS];
  int i, found = value_row(wrong_sql, json, length, NULL, wrong, COLUMNS);
  if (found)
    response_error(c->response, atoi(wrong[STATUS]), wrong[CODE], wrong[FIELD],
                   wrong[MESSAGE]);
  for (i = 0; i < COLUMNS; i++)
    sqlite3_free(wrong[i]);
  return !found;
}

int check_json (struct call *c, const char *json, size_t length) {
  char *valid = text_is_utf8(json, length) ? value_query(
                  "SELECT 1 WHERE json_valid(?1)", json, length, NULL)
                                           : NULL;
  int good = valid != NULL;
  sqlite3_free(valid);
  return good
         || query_refuse(c, NULL,
                         sqlite3_mprintf("the body is not JSON in UTF-8"));
}

int check_body (struct call *c, const char *json, size_t length,
                const struct member_rule *rules, const char *const *wrong_sql) {
  struct checking x = {c, rules};
  int good = check_json(c, json, length)
             && value_tree(json, length, check_value, &x) == 0;
  for (; good && *wrong_sql != NULL; wrong_sql++)
    good = check_whole(c, json, length, *wrong_sql);
  return good;
}
