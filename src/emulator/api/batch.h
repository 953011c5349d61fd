/* SPDX-License-Identifier: MIT
**
** batch: many creates in one request. A batch is a document; its generations
** name it, and what it says of itself follows from them.
*/

#ifndef emulator_batch_h
#define emulator_batch_h

#include "routes.h"

#define BATCH_MAX ((size_t)5 * 1024 * 1024) /* bytes of its rows */

void batch_create (struct call *c);
void batch_get (struct call *c);
void batch_list (struct call *c);

/* Redirects to the signed URL of its results. */
void batch_output (struct call *c);

/* Sends these: a line of JSON for each row. */
void batch_results (struct call *c);

/* What a batch says of itself, as JSON to be freed. */
enum store_code batch_read (struct service *s, const char *org, const char *id,
                            char **json);

extern const struct kind batch_kind;

#endif
