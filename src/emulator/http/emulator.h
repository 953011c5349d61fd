/* SPDX-License-Identifier: MIT
**
** emulator: a service and its server as one thing, as the program and the
** Lua module have it.
*/

#ifndef emulator_emulator_h
#define emulator_emulator_h

#include "../service/service.h"

struct emulator;

/* Starts one; NULL on failure, '*why' then being the reason, to be freed
** with sqlite3_free, or NULL when out of memory. */
struct emulator *emulator_start (const struct options *o, char **why);

struct service *emulator_service (struct emulator *e);

const char *emulator_url (struct emulator *e);

/* Stops it and frees everything. In a forked child it does nothing: threads,
** socket and database are the parent's. */
void emulator_stop (struct emulator *e);

/* Whether this process is the one that started it. */
int emulator_is_ours (const struct emulator *e);

#endif
