/* SPDX-License-Identifier: MIT
**
** query: see query.h. A list may be separated by commas, be repeated, or be
** JSON: a string or an array, as the service's TypeScript SDK sends them.
*/

#include "query.h"
#include "../store/text.h"

#include <stdlib.h>
#include <string.h>

int query_refuse (struct call *c, const char *name, char *message) {
  response_error(c->response, 400, "generation_input_validation_failed", name,
                 message);
  sqlite3_free(message);
  return 0;
}

/* ---- Lists ---- */

/* A list being read, as the JSON array that the store takes. */
struct list {
  struct call *c;
  const struct filter_rule *rule;
  sqlite3_str *json;
};

/* Adds one value; 0 where it is refused. */
static int add (struct list *l, const char *text) {
  const struct names words = {l->rule->words, sizeof(*l->rule->words)};
  const char *name = l->rule->parameter;
  if (l->rule->words != NULL && !text_is_known(text, words))
    return query_refuse(l->c, name, text_unknown(name, text, words));
  if (l->rule->is_uuid && !uuid_valid(text))
    return query_refuse(l->c, name, sqlite3_mprintf("%s must be a UUID", name));
  sqlite3_str_appendchar(l->json, 1,
                         sqlite3_str_length(l->json) == 0 ? '[' : ',');
  text_quote(l->json, text);
  return 1;
}

/* Adds what stands between commas and is not empty, without spaces around. */
static int add_separated (struct list *l, const char *value) {
  char *copy = text_copy(value, strlen(value)), *at = copy;
  int good = copy != NULL;
  while (good && at != NULL) {
    char *next = strchr(at, ','), *end;
    if (next != NULL)
      *next++ = '\0';
    at += strspn(at, " ");
    for (end = at + strlen(at); end > at && end[-1] == ' '; end--)
      ;
    *end = '\0';
    good = *at == '\0' || add(l, at);
    at = next;
  }
  sqlite3_free(copy);
  return good;
}

/* A value_reader. */
static int add_value (void *arg, const struct value *v) {
  struct list *l = arg;
  if (strcmp(v->type, "text") == 0)
    return !add(l, v->text);
  query_refuse(
    l->c, l->rule->parameter,
    sqlite3_mprintf("%s must hold strings only", l->rule->parameter));
  return 1;
}

static int add_json (struct list *l, const char *value) {
  int result = value_walk(value, strlen(value), "$", "array", add_value, l);
  if (result < 0)
    query_refuse(
      l->c, l->rule->parameter,
      sqlite3_mprintf("%s is neither a list nor a JSON array of strings",
                      l->rule->parameter));
  return result == 0;
}

/* Adds what one parameter holds, in whichever way it is written. */
static int add_param (struct list *l, const char *value) {
  char *array;
  int good;
  if (l->rule->is_uuid)
    return *value == '\0' || add(l, value);
  if (*value == '[')
    return add_json(l, value);
  if (*value != '"')
    return add_separated(l, value);
  array = sqlite3_mprintf("[%s]", value);
  good = array != NULL && add_json(l, array);
  sqlite3_free(array);
  return good;
}

/* Reads all parameters of a rule; '*out' stays NULL where they say nothing. */
static int read_list (struct call *c, const struct filter_rule *rule,
                      char **out) {
  const struct request *r = c->request;
  struct list l = {c, rule, sqlite3_str_new(NULL)};
  int i, good = 1;
  for (i = 0; good && i < r->param_count; i++)
    if (strcmp(r->params[i].name, rule->parameter) == 0)
      good = add_param(&l, r->params[i].value);
  if (sqlite3_str_length(l.json) > 0)
    sqlite3_str_appendchar(l.json, 1, ']');
  *out = sqlite3_str_finish(l.json);
  return good;
}

int query_scope (struct call *c, const struct kind *kind, struct scope *scope) {
  const struct filter_rule *rule = kind->filters;
  const char *once;
  int i, good = 1;
  memset(scope, 0, sizeof(*scope));
  scope->kind = kind;
  scope->org = text_copy(c->org, strlen(c->org));
  scope->now = service_now(c->service);
  for (i = 0; good && rule[i].parameter != NULL; i++)
    good = (!rule[i].is_uuid || query_text(c, rule[i].parameter, &once))
           && read_list(c, &rule[i], &scope->values[i]);
  return good;
}

/* ---- Single values ---- */

int query_text (struct call *c, const char *name, const char **text) {
  int repeated;
  *text = request_param(c->request, name, &repeated);
  return !repeated
         || query_refuse(c, name,
                         sqlite3_mprintf("%s must be given once", name));
}

int query_number (struct call *c, const char *name, int least, int most,
                  int *number) {
  const char *text;
  size_t length;
  if (!query_text(c, name, &text))
    return 0;
  if (text == NULL)
    return 1;
  length = strlen(text);
  *number = length <= 6 && strspn(text, "0123456789") == length ? atoi(text)
                                                                : least - 1;
  return (*number >= least && *number <= most)
         || query_refuse(
           c, name,
           sqlite3_mprintf("%s must be a whole number from %d to %d", name,
                           least, most));
}
