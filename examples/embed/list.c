/* SPDX-License-Identifier: MIT
**
** list: a program with Lua inside that lists generations without ever waiting
** in Lua: its own loop polls the client's descriptor. It opens only those of
** Lua's libraries that the client needs. Compiles as C and as C++.
**
**   make static LUA=lua5.4
**   cc -Ibuild/lua5.4 $(pkg-config --cflags lua5.4) examples/embed/list.c \
**     build/lua5.4/liblipsync.a $(pkg-config --libs lua5.4 libcurl) -lz -ldl
**   SYNC_API_KEY=… ./a.out FAILED
*/

#ifdef __cplusplus
#include <lua.hpp>
#else
#include <lua.h>
#include <lauxlib.h>
#include <lualib.h>
#endif

#include <poll.h>
#include <stdio.h>

#include "lipsync.h"

static const char script[] =
  "local lipsync, status = ...\n"
  "local client = assert(lipsync.new())\n"
  "client:spawn(function()\n"
  "  local listing = client.generations:list { status = status }\n"
  "  local generation, err = listing:next()\n"
  "  while generation do\n"
  "    print(generation.id, generation.status)\n"
  "    generation, err = listing:next()\n"
  "  end\n"
  "  if err then print(tostring(err)) end\n"
  "end)\n"
  "return function()\n"
  "  client:step()\n"
  "  return client:pending(), client:fd() or -1, client:timeout() or 1\n"
  "end\n";


/* The libraries that the client needs: no package, io, os, debug or math. */
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


static void open_libraries (lua_State *L) {
  const luaL_Reg *library;
  for (library = libraries; library->func != NULL; library++) {
#if LUA_VERSION_NUM >= 502
    luaL_requiref(L, library->name, library->func, 1);
    lua_pop(L, 1);
#else
    lua_pushcfunction(L, library->func);
    lua_pushstring(L, library->name);
    lua_call(L, 1, 0);
#endif
  }
}


/* Runs 'step', the function at the top, until no task is left. */
static int loop (lua_State *L) {
  for (;;) {
    struct pollfd watched;
    int pending;
    double seconds;
    lua_pushvalue(L, -1);
    if (lua_pcall(L, 0, 3, 0) != 0)
      return 0;
    pending = (int)lua_tointeger(L, -3);
    watched.fd = (int)lua_tointeger(L, -2);
    watched.events = POLLIN;
    seconds = (double)lua_tonumber(L, -1);
    lua_pop(L, 3);
    if (pending == 0)
      return 1;
    poll(&watched, 1, (int)(seconds * 1000) + 1);
  }
}


int main (int argc, char **argv) {
  lua_State *L = luaL_newstate();
  int ok;
  if (L == NULL)
    return 1;
  open_libraries(L);
  ok = luaL_loadbuffer(L, script, sizeof(script) - 1, "=list") == 0;
  lua_pushcfunction(L, luaopen_lipsync);
  ok = ok && lua_pcall(L, 0, 1, 0) == 0;
  if (argc > 1)
    lua_pushstring(L, argv[1]);
  else
    lua_pushnil(L);
  ok = ok && lua_pcall(L, 2, 1, 0) == 0 && loop(L);
  if (!ok)
    fprintf(stderr, "%s\n", lua_tostring(L, -1));
  lua_close(L);
  return ok ? 0 : 1;
}
