/* SPDX-License-Identifier: MIT
**
** prices: what generations cost and have cost, by prices of the emulator's own.
*/

#ifndef emulator_prices_h
#define emulator_prices_h

#include "routes.h"

/* SQL: US dollars for a second of output of the column "model"; NULL where the
** model is not known. */
#define PRICE_SQL                                                              \
  "CASE model WHEN 'sync-3' THEN 0.12 WHEN 'lipsync-2-pro' THEN 0.08"          \
  " WHEN 'lipsync-2' THEN 0.05 WHEN 'lipsync-1.9.0-beta' THEN 0.02"            \
  " WHEN 'react-1' THEN 0.16 END"

/* SQL: a scalar, what a generation has cost, of its JSON. Amounts are texts.
** What has failed costs nothing, and what was added without a duration cannot
** be known. */
#define COSTS_SQL(json)                                                        \
  "(SELECT json_object('generationId', id, 'generationStatus', status,"        \
  " 'projectId', project, 'currency', 'USD', 'availability', availability,"    \
  " 'totalCostUsd', total, 'knownSubtotalUsd', ifnull(total, '0.000000'),"     \
  " 'retryAfterSeconds', iif(availability = 'pending', 5, NULL),"              \
  " 'components', iif(total IS NULL, json_array(), json_array(json_object("    \
  "  'name', 'generation', 'costUsd', total))))"                               \
  " FROM (SELECT *, iif(availability = 'complete', printf('%.6f', cost),"      \
  "  NULL) AS total FROM (SELECT *,"                                           \
  "   CASE WHEN status IN ('PENDING', 'PROCESSING') THEN 'pending'"            \
  "   WHEN cost IS NULL THEN 'unavailable' ELSE 'complete' END"                \
  "   AS availability FROM (SELECT *, iif(status = 'COMPLETED',"               \
  "    seconds * (" PRICE_SQL                                                  \
  "), 0) AS cost FROM (SELECT"                                                 \
  "    json_extract(" json                                                     \
  ", '$.id') AS id,"                                                           \
  "    json_extract(" json                                                     \
  ", '$.status') AS status,"                                                   \
  "    json_extract(" json                                                     \
  ", '$.projectId') AS project,"                                               \
  "    json_extract(" json                                                     \
  ", '$.model') AS model,"                                                     \
  "    json_extract(" json ", '$.outputDuration') AS seconds)))))"

/* What a length would cost. */
void handle_estimate (struct call *c);

/* What a body for create would cost, as an array: the older operation. */
void handle_analyze (struct call *c);

/* What the generations have cost that ended in a window of time, by pages. */
void handle_usage (struct call *c);

#endif
