/* SPDX-License-Identifier: MIT
**
** type: types of userdata. Each is known by the address of its name, which no
** other copy of the library has: two of them in one Lua state, of different
** versions perhaps, do not take each other's objects for their own. A method
** knows its type by its first upvalue, whatever happened to the registry.
*/

#include "capi.h"


/* Pushes the metatable of a type, nil if there is none yet. */
static void push_metatable (lua_State *L, const char *type) {
  lua_pushlightuserdata(L, (void *)type);
  lua_rawget(L, LUA_REGISTRYINDEX);
}


void type_fill (lua_State *L, const char *type, const luaL_Reg *methods) {
  lua_pushvalue(L, -1);
  luaL_setfuncs(L, methods, 1);
  lua_pushvalue(L, -1);
  lua_setfield(L, -2, "__index");
  lua_pushstring(L, type);
  lua_setfield(L, -2, "__name");
}


void type_register (lua_State *L, const char *type, const luaL_Reg *methods) {
  push_metatable(L, type);
  if (lua_isnil(L, -1)) {
    lua_pushlightuserdata(L, (void *)type);
    lua_newtable(L);
    type_fill(L, type, methods);
    lua_rawset(L, LUA_REGISTRYINDEX); /* only once it is whole */
  }
  lua_pop(L, 1);
}


void type_set (lua_State *L, const char *type) {
  push_metatable(L, type);
  lua_setmetatable(L, -2);
}


static int mismatch (lua_State *L, int i, const char *type) {
  return luaL_argerror(
    L, i, lua_pushfstring(L, "%s expected, got %s", type, luaL_typename(L, i)));
}


void *type_check (lua_State *L, int i, const char *type) {
  void *found = lua_touserdata(L, i);
  int is_ours = found != NULL && lua_getmetatable(L, i);
  if (is_ours) {
    push_metatable(L, type);
    is_ours = lua_rawequal(L, -1, -2);
    lua_pop(L, 2);
  }
  if (!is_ours)
    mismatch(L, i, type);
  return found;
}


void *type_self_or_null (lua_State *L) {
  void *self = lua_touserdata(L, 1);
  int is_ours = self != NULL && lua_getmetatable(L, 1);
  if (is_ours) {
    is_ours = lua_topointer(L, -1) == lua_topointer(L, lua_upvalueindex(1));
    lua_pop(L, 1);
  }
  return is_ours ? self : NULL;
}


void *type_self (lua_State *L, const char *type) {
  void *self = type_self_or_null(L);
  if (self == NULL)
    mismatch(L, 1, type);
  return self;
}
