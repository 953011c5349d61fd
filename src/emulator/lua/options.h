/* SPDX-License-Identifier: MIT
**
** options: reads the table that lipsync.emulator.start is given.
*/

#ifndef emulator_options_h
#define emulator_options_h

#include "../service/parameters.h"

#include <lua.h>

/* Reads the table at 'index' into 'p', which is open. Raises nothing. Where
** something is refused, returns 0 and sets '*why' to the reason, to be freed
** with sqlite3_free; NULL: out of memory. */
int options_read (lua_State *L, int index, struct parameters *p, char **why);

#endif
