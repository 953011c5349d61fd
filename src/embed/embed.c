/* SPDX-License-Identifier: MIT
**
** embed: luaopen_lipsync, which finds the Lua files in the program itself. It
** brings a require of its own for them, since a host may have taken Lua's
** away; other modules are asked for by the host's require where there is one.
*/

#include <string.h>

#include "compat.h"
#include "lipsync.h"
#include "modules.h"

#define LOADED  "lipsync.embedded"  /* in the registry: name -> module */

int luaopen_lipsync_core (lua_State *L);


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


static int embed_require (lua_State *L);


/* Leaves the function that makes a module, and its argument. */
static void push_loader (lua_State *L, const struct embedded *m) {
  if (luaL_loadbuffer(L, (const char *)m->text, m->length, m->chunk) != LUA_OK)
    lua_error(L);
  lua_pushcfunction(L, embed_require);
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
  int is_core = strcmp(name, "lipsync.core") == 0;
  lua_settop(L, 1);
  push_loaded(L);
  lua_getfield(L, 2, name);
  if (!lua_isnil(L, 3))
    return 1;
  if (m == NULL && !is_core) {
    call_host(L, name);
    return 1;
  }
  if (is_core)
    lua_pushcfunction(L, luaopen_lipsync_core);
  else
    push_loader(L, m);
  lua_call(L, is_core ? 0 : 1, 1);
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
