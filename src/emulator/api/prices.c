/* SPDX-License-Identifier: MIT
**
** prices: see prices.h. The sums are done by SQLite, so that fractions are
** written the same in every locale.
*/

#include "prices.h"
#include "check.h"
#include "create.h"
#include "../store/value.h"

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

static const char missing_sql[] =
  "SELECT 400, 'generation_input_validation_failed',"
  " iif(model IS NULL, 'model', 'duration'),"
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
