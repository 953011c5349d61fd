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

/* Refuses a body that could not be created; returns 0 then. */
int create_check (struct call *c, const char *json, size_t length);

#endif
