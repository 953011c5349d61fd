/* SPDX-License-Identifier: MIT
**
** prices: what generations cost, by prices of the emulator's own.
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

/* What a length would cost. */
void handle_estimate (struct call *c);

/* What a body for create would cost, as an array: the older operation. */
void handle_analyze (struct call *c);

#endif
