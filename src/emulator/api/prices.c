/* SPDX-License-Identifier: MIT
**
** prices: see prices.h. The sums are done by SQLite, so that fractions are
** written the same in every locale.
*/

#include "prices.h"
#include "check.h"
#include "create.h"
#include "query.h"
#include "resource.h"
#include "../store/iso_time.h"
#include "../store/value.h"

#include <string.h>

#define USAGE_DEFAULT 100
#define USAGE_MOST    500
#define NUMBER_SIZE   24

static const char *const workflows[] = {"lipsync", "translate-and-dub", NULL};

static const struct member_rule rules[] = {
  {"model", MEMBER_TEXT, 1, 200, NULL},
  {"duration", MEMBER_NUMBER, 0, 86400, NULL},
  {"fps", MEMBER_NUMBER, 1, 240, NULL},
  {"reasoningEnabled", MEMBER_FLAG, 0, 0, NULL},
  {"workflow", MEMBER_TEXT, 0, 0, workflows},
  {NULL, MEMBER_TEXT, 0, 0, NULL},
};

#define ASKED                                                                  \
  " FROM (SELECT json_extract(?1, '$.model') AS model,"                        \
  "  json_extract(?1, '$.duration') AS seconds,"                               \
  "  ifnull(json_extract(?1, '$.fps'), 30) AS fps,"                            \
  "  json_extract(?1, '$.workflow') IS 'translate-and-dub' AS dub,"            \
  "  ifnull(json_extract(?1, '$.reasoningEnabled'), 0) AS reasoning)"

static const char missing_sql[] = WRONG
  "iif(model IS NULL, 'model', 'duration'),"
  " iif(model IS NULL, 'model is missing', 'duration must be above 0')" ASKED
  " WHERE model IS NULL OR ifnull(seconds, 0) <= 0";

static const char unknown_sql[] =
  "SELECT 422, 'cost_estimate_unavailable', 'model', 'unknown model ' || "
  "model" ASKED " WHERE " PRICE_SQL " IS NULL";

static const char *const wrong_sql[] = {missing_sql, unknown_sql, NULL};

/* Rounds up what is not negative. */
#define UP(x) "CAST(" x " AS INTEGER) + (CAST(" x " AS INTEGER) < " x ")"

/* Reasoning and dubbing cost more; what a dub costs in credits is not known. */
static const char estimate_sql[] =
  "SELECT json_object('estimatedFrameCount', " UP("frames") ","
  " 'estimatedGenerationCost', cost,"
  " 'estimatedCredits', iif(dub, NULL, CAST(round(cost * 100) AS INTEGER)))"
  " FROM (SELECT dub, seconds * fps AS frames, round(seconds * (" PRICE_SQL ")"
  "  * iif(reasoning, 1.25, 1) * iif(dub, 1.5, 1), 6) AS cost" ASKED ")";

/* The emulator does not open media: it takes them to last 10 s. A voice reads
** 15 characters a second. */
static const char analyze_sql[] =
  "SELECT json_array(json_object('estimatedFrameCount', " UP("frames") ","
  " 'estimatedGenerationCost', round(frames / 30 * (" PRICE_SQL "), 6)))"
  " FROM (SELECT json_extract(?1, '$.model') AS model, 30.0 * ifnull("
  "  (SELECT length(json_extract(value, '$.provider.script')) / 15.0"
  "   FROM json_each(?1, '$.input')"
  "   WHERE json_extract(value, '$.type') = 'text'), 10) AS frames)";

/* Answers with what a query makes of the body. */
static void answer_query (struct call *c, const char *sql) {
  const struct request *r = c->request;
  response_json(c->response, value_query(sql, r->body, r->body_length, NULL));
}

void handle_estimate (struct call *c) {
  const struct request *r = c->request;
  if (check_body(c, r->body, r->body_length, rules, wrong_sql))
    answer_query(c, estimate_sql);
}

void handle_analyze (struct call *c) {
  const struct request *r = c->request;
  if (create_check(c, r->body, r->body_length))
    answer_query(c, analyze_sql);
}

/* ---- Usage ---- */

/* When a generation ended is not kept: it is taken to have lived as long as
** one that is created now (?6, in milliseconds). ?1 is the organization; ?2 and
** ?3 begin and end the window; ?4 is the cursor, the last item's place; ?5 how
** many are wanted. One more shows whether there is a next page. */
static const char usage_sql[] =
  "WITH found AS (SELECT body, created, id, row_number() OVER ("
  "  ORDER BY created, id) AS n FROM (SELECT body, created, id FROM documents"
  "  WHERE kind = 'generation' AND org = ?1"
  "  AND created >= CAST(?2 AS INTEGER) - CAST(?6 AS INTEGER)"
  "  AND created < CAST(?3 AS INTEGER) - CAST(?6 AS INTEGER)"
  "  AND (?4 IS NULL OR (created, id) > (CAST(?4 AS INTEGER),"
  "   substr(?4, instr(?4, '.') + 1)))"
  "  AND status IN ('COMPLETED', 'FAILED', 'REJECTED')"
  "  ORDER BY created, id LIMIT CAST(?5 AS INTEGER) + 1))"
  " SELECT json_object('items', (SELECT json_group_array(json("
  COSTS_SQL("found.body") ")) FROM found WHERE n <= CAST(?5 AS INTEGER)),"
  " 'nextCursor', (SELECT created || '.' || id FROM found"
  "  WHERE n = CAST(?5 AS INTEGER)"
  "  AND (SELECT max(n) FROM found) > CAST(?5 AS INTEGER)))";

/* Reads a time of the query as a number; without one that is 'standard'. */
static int read_time (struct call *c, const char *name, int64_t standard,
                      char number[NUMBER_SIZE]) {
  const char *text;
  int64_t time = standard;
  if (!query_text(c, name, &text))
    return 0;
  if (text != NULL && !time_parse(text, &time))
    return query_refuse(c, name, sqlite3_mprintf("%s must be a time", name));
  sqlite3_snprintf(NUMBER_SIZE, number, "%lld", (long long)time);
  return 1;
}

/* Whether a text is a place: milliseconds, a dot, an id. */
static int is_cursor (const char *text) {
  size_t digits = strspn(text, "0123456789");
  return digits > 0 && text[digits] == '.' && text[digits + 1] != '\0';
}

void handle_usage (struct call *c) {
  char start[NUMBER_SIZE], end[NUMBER_SIZE], limit[NUMBER_SIZE];
  char life[NUMBER_SIZE], *json;
  const char *values[] = {c->org, start, end, NULL, limit, life};
  int number = USAGE_DEFAULT;
  struct settings settings;
  if (!read_time(c, "startTime", 0, start)
      || !read_time(c, "endTime", INT64_MAX / 2, end)
      || !query_text(c, "cursor", &values[3])
      || !query_number(c, "limit", 1, USAGE_MOST, &number))
    return;
  if (values[3] != NULL && !is_cursor(values[3])) {
    query_refuse(c, "cursor", sqlite3_mprintf("it is not one of this list"));
    return;
  }
  service_settings(c->service, &settings);
  sqlite3_snprintf(NUMBER_SIZE, limit, "%d", number);
  sqlite3_snprintf(
    NUMBER_SIZE, life, "%lld",
    (long long)((settings.pending_seconds + settings.processing_seconds)
                * 1000));
  if (store_text(c->service->store, service_now(c->service), usage_sql, values,
                 6, &json)
      == STORE_OK)
    response_json(c->response, json);
  else
    response_code(c->response, "internal_error");
}
