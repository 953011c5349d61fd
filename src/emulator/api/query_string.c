/* SPDX-License-Identifier: MIT
**
** query_string: see query_string.h. A list may be separated by commas, be
** repeated, or be JSON: a string or an array, as the service's TypeScript SDK
** sends them.
*/

#include "query_string.h"
#include "../store/text.h"

#include <string.h>

#define LIMIT_MAX 100

static const char *const statuses[] = {"PENDING", "PROCESSING", "COMPLETED",
                                       "FAILED",  "REJECTED",   NULL};

int query_refuse (struct refusal *why, const char *field, char *message) {
  why->field = field;
  why->message = message;
  return 0;
}

/* ---- Lists ---- */

/* A list being read, as the JSON array that the store takes. */
struct list {
  const char *name;
  sqlite3_str *json;
  int count;
  int closed; /* only the known statuses may be in it */
  struct refusal *why;
};

/* Adds one value; 0 where it is refused. */
static int add (struct list *l, const char *text) {
  const struct names known = {statuses, sizeof(*statuses)};
  if (l->closed && !text_is_known(text, known)) {
    char *unknown = text_unknown("status", text, known);
    return query_refuse(l->why, l->name, unknown);
  }
  if (l->count++ > 0)
    sqlite3_str_appendchar(l->json, 1, ',');
  text_quote_null(l->json, text);
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

static int add_value (void *arg, const struct value *v) {
  struct list *l = arg;
  if (strcmp(v->type, "text") == 0)
    return add(l, v->text) ? 0 : 1;
  query_refuse(l->why, l->name,
               sqlite3_mprintf("%s must hold strings only", l->name));
  return 1;
}

static int add_json (struct store *s, struct list *l, const char *value) {
  int result = store_values(s, value, strlen(value), "$", "array", add_value,
                            l);
  if (result < 0)
    query_refuse(
      l->why, l->name,
      sqlite3_mprintf("%s is neither a list nor a JSON array of strings",
                      l->name));
  return result == 0;
}

/* Adds what one parameter holds, in whichever way it is written. */
static int add_param (struct store *s, struct list *l, const char *value) {
  char *array;
  int good;
  if (*value == '[')
    return add_json(s, l, value);
  if (*value != '"')
    return add_separated(l, value);
  array = sqlite3_mprintf("[%s]", value);
  good = array != NULL && add_json(s, l, array);
  sqlite3_free(array);
  return good;
}

/* Reads all parameters of a name; '*out' stays NULL where they say nothing. */
static int read_list (struct store *s, const struct request *r,
                      const char *name, char **out, struct refusal *why) {
  struct list l = {name, NULL, 0, strcmp(name, "status") == 0, why};
  int i, good = 1;
  l.json = sqlite3_str_new(NULL);
  sqlite3_str_appendchar(l.json, 1, '[');
  for (i = 0; good && i < r->param_count; i++)
    if (strcmp(r->params[i].name, name) == 0)
      good = add_param(s, &l, r->params[i].value);
  sqlite3_str_appendchar(l.json, 1, ']');
  *out = text_finish(l.json, NULL);
  if (good && l.count == 0) {
    sqlite3_free(*out);
    *out = NULL;
  }
  return good;
}

/* ---- Single values ---- */

/* Reads a parameter that comes once; 0 where it comes more often. */
static int read_one (const struct request *r, const char *name,
                     const char **value, struct refusal *why) {
  int repeated;
  *value = request_param(r, name, &repeated);
  return !repeated
         || query_refuse(why, name,
                         sqlite3_mprintf("%s must be given once", name));
}

int query_filter (struct store *s, const struct request *r, struct filter *f,
                  struct refusal *why) {
  const char *project;
  memset(f, 0, sizeof(*f));
  if (!read_list(s, r, "status", &f->status, why)
      || !read_list(s, r, "ids", &f->ids, why)
      || !read_list(s, r, "source", &f->source, why)
      || !read_one(r, "projectId", &project, why))
    return 0;
  if (project == NULL)
    return 1;
  if (!uuid_valid(project))
    return query_refuse(why, "projectId",
                        sqlite3_mprintf("projectId must be a UUID"));
  memcpy(f->project, project, UUID_SIZE);
  return 1;
}

int query_number (const struct request *r, const char *name, int least,
                  int most, int *number, struct refusal *why) {
  const char *text;
  size_t length;
  int n = 0;
  if (!read_one(r, name, &text, why))
    return 0;
  if (text == NULL)
    return 1;
  length = strlen(text);
  if (length <= 6 && strspn(text, "0123456789") == length)
    while (*text != '\0')
      n = n * 10 + (*text++ - '0');
  else
    n = least - 1;
  if (n < least || n > most)
    return query_refuse(
      why, name,
      sqlite3_mprintf("%s must be a whole number from %d to %d", name, least,
                      most));
  *number = n;
  return 1;
}

int query_page (const struct request *r, struct page *page,
                struct refusal *why) {
  page->limit = 0;
  if (!query_number(r, "limit", 1, LIMIT_MAX, &page->limit, why)
      || !read_one(r, "cursor", &page->cursor, why))
    return 0;
  if (page->cursor == NULL)
    return 1;
  if (page->limit == 0)
    return query_refuse(why, "cursor",
                        sqlite3_mprintf("cursor requires limit"));
  if (!uuid_valid(page->cursor))
    return query_refuse(
      why, "cursor", sqlite3_mprintf("cursor must be the id of a generation"));
  return 1;
}
