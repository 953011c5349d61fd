/* SPDX-License-Identifier: MIT
**
** modules: the Lua modules of lipsync, compiled once, so that a fresh Lua
** state has them without reading their files again.
*/

#ifndef torture_modules_h
#define torture_modules_h

#include <lua.h>

/* Loads all of them into 'L', and compiles them. False when one cannot be. */
int modules_keep (lua_State *L);

/* Puts those that are kept, and the core, into package.preload. */
void modules_preload (lua_State *L);

#endif
