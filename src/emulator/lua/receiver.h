/* SPDX-License-Identifier: MIT
**
** receiver: emulator.receive, which takes webhooks for a program in Lua.
*/

#ifndef emulator_lua_receiver_h
#define emulator_lua_receiver_h

#include "../../core/compat.h"

/* Sets 'receive' in the table on the top. */
void receiver_register (lua_State *L);

#endif
