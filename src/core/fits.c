/* SPDX-License-Identifier: MIT
**
** fits: whether a Lua value has the form that a schema gives it. Most requests
** do, and need no other look, which takes many times as long; for the others
** base/schema.lua finds out what is wrong. Makes no Lua object.
*/

#include <string.h>

#include "core.h"

static int passes (lua_State *L);


/* Whether the value at -2 is of the Lua type that is named at -1, and no empty
** string; or a string that begins with what is at -1 and ends with a colon. */
static int has_type (lua_State *L) {
  size_t length;
  const char *wanted = lua_tolstring(L, -1, &length);
  int is_string = lua_type(L, -2) == LUA_TSTRING;
  if (length > 0 && wanted[length - 1] == ':')
    return is_string && strncmp(lua_tostring(L, -2), wanted, length) == 0;
  return strcmp(luaL_typename(L, -2), wanted) == 0
         && (!is_string || lua_rawlen(L, -2) > 0);
}


/* Whether the table at -2 is an array, not empty, whose elements all pass the
** test at [0] of the form at -1. One that lua_next does not go through in its
** order is left to the schema. */
static int has_elements (lua_State *L) {
  int value = lua_gettop(L) - 1, form = value + 1, n = 0;
  for (lua_pushnil(L); lua_next(L, value);) {
    int is_next = lua_type(L, -2) == LUA_TNUMBER
                  && lua_tonumber(L, -2) == (lua_Number)++n;
    lua_rawgeti(L, form, 0);
    if (!passes(L) || !is_next) {
      lua_pop(L, 1);
      return 0;
    }
  }
  return n > 0;
}


/* Whether no name at [1], [2], ... of the form at -1 is missing in the table at
** -2. */
static int has_required (lua_State *L) {
  int is_there = 1, is_end = 0, n;
  for (n = 1; is_there && !is_end; n++) {
    lua_rawgeti(L, -1, n);
    is_end = lua_isnil(L, -1);
    if (!is_end) {
      lua_rawget(L, -3);
      is_there = !lua_isnil(L, -1);
    }
    lua_pop(L, 1);
  }
  return is_there;
}


/* Whether all members of the table at -2 pass the tests of their names in the
** form at -1. */
static int has_members (lua_State *L) {
  int value = lua_gettop(L) - 1, form = value + 1;
  for (lua_pushnil(L); lua_next(L, value);) {
    int is_name = lua_type(L, -2) == LUA_TSTRING;
    lua_pushvalue(L, -2);
    lua_rawget(L, form);
    if (!passes(L) || !is_name) {
      lua_pop(L, 1);
      return 0;
    }
  }
  return has_required(L);
}


/* Whether the value at -2 is a table of the form at -1. */
static int has_form (lua_State *L) {
  int is_array;
  if (lua_type(L, -2) != LUA_TTABLE)
    return 0;
  if (lua_getmetatable(L, -2)) {
    lua_pop(L, 1);
    return 0;
  }
  luaL_checkstack(L, 4, "a form within a form within a form");
  lua_rawgeti(L, -1, 0);
  is_array = !lua_isnil(L, -1);
  lua_pop(L, 1);
  return is_array ? has_elements(L) : has_members(L);
}


/* Whether the value at -2 passes the test at -1, see core.h; nil is none. Pops
** both. */
static int passes (lua_State *L) {
  int does;
  switch (lua_type(L, -1)) {
    case LUA_TBOOLEAN: does = 1; break;
    case LUA_TSTRING: does = has_type(L); break;
    case LUA_TTABLE: does = has_form(L); break;
    default: does = 0;
  }
  lua_pop(L, 2);
  return does;
}


int fits (lua_State *L) {
  luaL_checkany(L, 2);
  lua_settop(L, 2);
  lua_pushboolean(L, passes(L));
  return 1;
}
