/* SPDX-License-Identifier: MIT
**
** lua_options: reads the table that lipsync.emulator.start is given.
*/

#ifndef emulator_lua_options_h
#define emulator_lua_options_h

#include "../service/service.h"

#include <lua.h>

/* Raises 'why', which it frees (SQLite's memory; NULL: out of memory), with
** the line of whoever called the running C function. */
int lua_options_raise (lua_State *L, char *why);

/* Reads the table at index 1, or none, into 'o'; raises what is wrong in it.
** Its values are left on the stack, which keeps the texts in 'o' alive. */
void lua_options_read (lua_State *L, struct options *o);

#endif
