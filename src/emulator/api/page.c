/* SPDX-License-Identifier: MIT
**
** page: lists in pages whose cursor comes with them. See resource.h. All that
** the filters leave is read, because it has to be searched and sorted.
*/

#include "query.h"
#include "resource.h"
#include "../store/text.h"
#include "../store/value.h"

#include <string.h>

#define LIST_DEFAULT 10
#define LIST_MAX     100
#define ALL          1000000 /* documents that are looked through */

/* ?1 is an array of all; ?2 has "search", "cursor" and "limit". A cursor is the
** id of the last item before. */
#define LIST_SQL                                                               \
  "WITH every AS (SELECT value, json_extract(value, '$.id') AS id"             \
  "  FROM json_each(?1)),"                                                     \
  " found AS (SELECT row_number() OVER (ORDER BY %s, id) AS n, id, value"      \
  "  FROM every WHERE instr(lower(ifnull(json_extract(value, '$.name'), ''))," \
  "   lower(ifnull(json_extract(?2, '$.search'), ''))) > 0),"                  \
  " start AS (SELECT iif(json_extract(?2, '$.cursor') IS NULL, 0, (SELECT n"   \
  "  FROM found WHERE id = json_extract(?2, '$.cursor'))) AS n),"              \
  " page AS (SELECT * FROM found WHERE n > (SELECT n FROM start)"              \
  "  ORDER BY n LIMIT json_extract(?2, '$.limit'))"                            \
  " SELECT json_patch(json_object("                                            \
  "  'items', (SELECT json_group_array(json(value)) FROM page)),"              \
  "  json_object('totalCount', (SELECT count(*) FROM found), 'nextCursor',"    \
  "   (SELECT id FROM page WHERE n = (SELECT max(n) FROM page)"                \
  "    AND n < (SELECT max(n) FROM found)))) WHERE (SELECT n FROM start)"      \
  "  IS NOT NULL"

static const struct resource *resource_of (const struct call *c) {
  return c->request->route->subject;
}

/* How a list is asked for; the texts belong to the request. */
struct asking {
  const struct order *order;
  const char *search, *cursor;
  int limit;
};

static int read_asking (struct call *c, struct asking *a) {
  const struct order *orders = resource_of(c)->orders;
  const struct names known = {orders, sizeof(*orders)};
  const char *sort;
  a->order = orders;
  a->limit = LIST_DEFAULT;
  if (!query_text(c, "sortBy", &sort) || !query_text(c, "cursor", &a->cursor)
      || !query_text(c, "searchQuery", &a->search)
      || !query_number(c, "limit", 1, LIST_MAX, &a->limit))
    return 0;
  while (sort != NULL && a->order->name != NULL
         && strcmp(a->order->name, sort) != 0)
    a->order++;
  return a->order->name != NULL
         || query_refuse(c, "sortBy", text_unknown("sortBy", sort, known));
}

/* Answers with the part of an array that is asked for. */
static void answer_list (struct call *c, const struct asking *a,
                         sqlite3_str *all) {
  sqlite3_str *more = sqlite3_str_new(NULL);
  char *sql = sqlite3_mprintf(LIST_SQL, a->order->sql), *text, *list;
  sqlite3_str_appendf(more, "{\"limit\":%d,\"search\":", a->limit);
  text_quote(more, a->search);
  sqlite3_str_appendall(more, ",\"cursor\":");
  text_quote(more, a->cursor);
  sqlite3_str_appendchar(more, 1, '}');
  text = text_finish(more, NULL);
  list = value_query(sql, sqlite3_str_value(all),
                     (size_t)sqlite3_str_length(all), text);
  sqlite3_free(text);
  sqlite3_free(sql);
  if (list != NULL)
    response_json(c->response, list);
  else
    query_refuse(c, "cursor",
                 sqlite3_mprintf("cursor is not one of this list"));
}

void resource_page (struct call *c) {
  struct scope scope;
  struct asking a;
  sqlite3_str *all = sqlite3_str_new(NULL);
  if (query_scope(c, &resource_of(c)->kind, &scope) && read_asking(c, &a)) {
    if (store_page(c->service->store, &scope, NULL, ALL, all) == STORE_OK)
      answer_list(c, &a, all);
    else
      response_code(c->response, "internal_error");
  }
  scope_close(&scope);
  sqlite3_free(sqlite3_str_finish(all));
}
