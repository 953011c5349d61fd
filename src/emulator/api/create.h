/* SPDX-License-Identifier: MIT
**
** create: makes generations, once for each Idempotency-Key.
*/

#ifndef emulator_create_h
#define emulator_create_h

#include "routes.h"

/* Answers a request to create what a JSON body says. */
void create_generation (struct call *c, const char *json, size_t length);

/* The same for the request's own body. */
void handle_create (struct call *c);

/* What a batch is made of. */
struct batch_part {
  const char *batch;   /* its id */
  const char *request; /* what the part is called in it */
};

/* Makes what a checked body says, as a part of a batch; where that fails it
** has answered and returns 0. */
int create_part (struct call *c, const char *json, size_t length,
                 const struct batch_part *part);

/* What a fault wants to become of a job, as transitions read it: to be freed;
** NULL: the usual. */
char *create_outcome (const struct fault *fault);

/* Refuses a body that could not be created; returns 0 then. */
int create_check (struct call *c, const char *json, size_t length);

#endif
