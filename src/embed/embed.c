/* SPDX-License-Identifier: MIT
**
** embed: luaopen_lipsync, which loads the Lua files from the program itself. It
** has its own require for them, because a host may have removed Lua's; other
** modules come from the host's require if there is one. It also has the parts
** of Lua's math that they use, for programs without that library.
*/

#include <math.h>
#include <string.h>

#include "compat.h"
#include "lipsync.h"
#include "modules.h"

#define LOADED "lipsync.embedded" /* in the registry: name -> module */

int luaopen_lipsync_core (lua_State *L);
int luaopen_lipsync_http (lua_State *L);
int luaopen_lipsync_file (lua_State *L);

static const luaL_Reg libraries[] = {
  {"lipsync.core", luaopen_lipsync_core},
  {"lipsync.http", luaopen_lipsync_http},
  {"lipsync.file", luaopen_lipsync_file},
  {NULL, NULL},
};


/* ---- Numbers, as Lua's math has them ---- */

/* A whole number: an integer where the VM has such and it fits. */
static int push_whole (lua_State *L, lua_Number x) {
#if LUA_VERSION_NUM >= 503
  if (x >= (lua_Number)LUA_MININTEGER && x < -(lua_Number)LUA_MININTEGER) {
    lua_pushinteger(L, (lua_Integer)x);
    return 1;
  }
#endif
  lua_pushnumber(L, x);
  return 1;
}


static int math_floor (lua_State *L) {
  return push_whole(L, (lua_Number)floor((double)luaL_checknumber(L, 1)));
}


static int math_ceil (lua_State *L) {
  return push_whole(L, (lua_Number)ceil((double)luaL_checknumber(L, 1)));
}


/* Leaves the largest argument, or with sign -1 the smallest. */
static int choose (lua_State *L, int sign) {
  int i, n = lua_gettop(L), best = 1;
  for (i = 1; i <= n; i++)
    if (sign * luaL_checknumber(L, i) > sign * luaL_checknumber(L, best))
      best = i;
  lua_pushvalue(L, best);
  return 1;
}


static int math_max (lua_State *L) {
  return choose(L, 1);
}


static int math_min (lua_State *L) {
  return choose(L, -1);
}


static const luaL_Reg numbers[] = {
  {"ceil", math_ceil}, {"floor", math_floor}, {"max", math_max},
  {"min", math_min},   {NULL, NULL},
};


/* Leaves Lua's math, or ours if the program has not opened it. */
static void push_math (lua_State *L) {
  lua_getglobal(L, "math");
  if (lua_istable(L, -1))
    return;
  lua_pop(L, 1);
  luaL_newlib(L, numbers);
  lua_pushnumber(L, (lua_Number)HUGE_VAL);
  lua_setfield(L, -2, "huge");
}


/* ---- Modules ---- */

/* Leaves the table of what was loaded. */
static void push_loaded (lua_State *L) {
  lua_getfield(L, LUA_REGISTRYINDEX, LOADED);
  if (!lua_isnil(L, -1))
    return;
  lua_pop(L, 1);
  lua_newtable(L);
  lua_pushvalue(L, -1);
  lua_setfield(L, LUA_REGISTRYINDEX, LOADED);
}


static const struct embedded *find (const char *name) {
  const struct embedded *m;
  for (m = embedded_modules; m->name != NULL; m++)
    if (strcmp(m->name, name) == 0)
      return m;
  return NULL;
}


static lua_CFunction find_library (const char *name) {
  const luaL_Reg *library = libraries;
  while (library->name != NULL && strcmp(library->name, name) != 0)
    library++;
  return library->func;
}


static int embed_require (lua_State *L);


/* Leaves the module that a Lua file makes. */
static void run_file (lua_State *L, const struct embedded *m) {
  if (luaL_loadbuffer(L, (const char *)m->text, m->length, m->chunk) != LUA_OK)
    lua_error(L);
  lua_pushcfunction(L, embed_require);
  push_math(L);
  lua_call(L, 2, 1);
}


static void run_library (lua_State *L, lua_CFunction library) {
  lua_pushcfunction(L, library);
  lua_call(L, 0, 1);
}


/* Leaves what the host's own require gives. */
static void call_host (lua_State *L, const char *name) {
  lua_getglobal(L, "require");
  if (!lua_isfunction(L, -1))
    luaL_error(L, "module '%s' is not in this program", name);
  lua_pushvalue(L, 1);
  lua_call(L, 1, 1);
}


/* require(name), for the files inside. Stack: the name at 1. */
static int embed_require (lua_State *L) {
  const char *name = luaL_checkstring(L, 1);
  const struct embedded *m = find(name);
  lua_CFunction library = find_library(name);
  lua_settop(L, 1);
  push_loaded(L);
  lua_getfield(L, 2, name);
  if (!lua_isnil(L, 3))
    return 1;
  if (m == NULL && library == NULL) {
    call_host(L, name);
    return 1;
  }
  if (m != NULL)
    run_file(L, m);
  else
    run_library(L, library);
  lua_pushvalue(L, -1);
  lua_setfield(L, 2, name);
  return 1;
}


COMPAT_EXPORT int luaopen_lipsync (lua_State *L) {
  lua_pushcfunction(L, embed_require);
  lua_pushliteral(L, "lipsync");
  lua_call(L, 1, 1);
  return 1;
}
