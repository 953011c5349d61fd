/* SPDX-License-Identifier: MIT
**
** lipsync: for programs that embed Lua and link liblipsync.a, which has the
** Lua files inside. Of Lua's libraries it needs base, string, table and
** coroutine (in the base library of 5.1); math, os, io, debug and package it
** uses only where they are.
**
**   luaL_requiref(L, "lipsync", luaopen_lipsync, 0);   from Lua 5.2 on
**   lua_pop(L, 1);
**
** or, without a function "require" in the state, and on Lua 5.1:
**
**   lua_pushcfunction(L, luaopen_lipsync);
**   lua_call(L, 0, 1);
**   lua_setglobal(L, "lipsync");
*/

#ifndef lipsync_h
#define lipsync_h

#ifdef __cplusplus
extern "C" {
#endif

#include <lua.h>

/* Leaves the module on the stack, the same one at each call. Raises a Lua error
** when out of memory. If libcurl is too old, lipsync.new raises one. */
int luaopen_lipsync (lua_State *L);

#ifdef __cplusplus
}
#endif

#endif
