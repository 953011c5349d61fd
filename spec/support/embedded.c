/* SPDX-License-Identifier: MIT
**
** embedded: a program that has the client inside and runs a Lua file, which
** gets the module as its argument. Of Lua's libraries it opens only those that
** the client cannot do without.
*/

#include <lauxlib.h>
#include <lualib.h>
#include <stdio.h>

#include "lipsync.h"

static const luaL_Reg libraries[] = {
#if LUA_VERSION_NUM >= 502
  {"_G", luaopen_base},
  {LUA_COLIBNAME, luaopen_coroutine},
#else
  {"", luaopen_base}, /* with coroutine */
#endif
  {LUA_STRLIBNAME, luaopen_string},
  {LUA_TABLIBNAME, luaopen_table},
  {NULL, NULL},
};


static void open_library (lua_State *L, const luaL_Reg *library) {
  lua_pushcfunction(L, library->func);
  lua_pushstring(L, library->name);
  lua_call(L, 1, 1);
#if LUA_VERSION_NUM >= 502
  lua_setglobal(L, library->name);
#else
  lua_pop(L, 1);
#endif
}


int main (int argc, char **argv) {
  lua_State *L = luaL_newstate();
  const luaL_Reg *library;
  int ok;
  if (L == NULL || argc != 2)
    return 2;
  for (library = libraries; library->func != NULL; library++)
    open_library(L, library);
  ok = luaL_loadfile(L, argv[1]) == 0;
  lua_pushcfunction(L, luaopen_lipsync);
  ok = ok && lua_pcall(L, 0, 1, 0) == 0 && lua_pcall(L, 1, 0, 0) == 0;
  if (!ok)
    fprintf(stderr, "%s\n", lua_tostring(L, -1));
  lua_close(L);
  return ok ? 0 : 1;
}
