/* SPDX-License-Identifier: MIT
**
** luafield: reads arguments and the fields of a Lua table into C. What comes
** out points into Lua's own strings, which the stack or the table keeps.
*/

#include "luahttp.h"


/* One that holds a NUL would be cut there: it becomes one that is accepted
** nowhere. */
const char *whole_string (lua_State *L, int index) {
  size_t length;
  const char *text = lua_type(L, index) == LUA_TSTRING
                       ? lua_tolstring(L, index, &length)
                       : NULL;
  return text != NULL && strlen(text) != length ? "\1" : text;
}


const char *field_string (lua_State *L, int table, const char *name) {
  const char *text;
  lua_getfield(L, table, name);
  text = whole_string(L, -1);
  lua_pop(L, 1);
  return text;
}


int field_boolean (lua_State *L, int table, const char *name) {
  int value;
  lua_getfield(L, table, name);
  value = lua_toboolean(L, -1);
  lua_pop(L, 1);
  return value;
}


double field_number (lua_State *L, int table, const char *name,
                     double otherwise) {
  double value;
  lua_getfield(L, table, name);
  value = lua_isnil(L, -1) ? otherwise : (double)lua_tonumber(L, -1);
  lua_pop(L, 1);
  return value;
}


uint64_t field_count (lua_State *L, int table, const char *name,
                      uint64_t otherwise) {
  double value = field_number(L, table, name, -1);
  if (!(value >= 0))
    return otherwise;
  return value < 1e18 ? (uint64_t)value : (uint64_t)1000000000000000000u;
}


/* How many pairs the table at 'index' has. */
static size_t count_pairs (lua_State *L, int index) {
  size_t n = 0;
  for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1))
    n++;
  return n;
}


const struct http_header *read_headers (lua_State *L, int index,
                                        size_t *count) {
  struct http_header *headers;
  size_t n;
  *count = 0;
  if (!lua_istable(L, index))
    return NULL;
  n = count_pairs(L, index);
  headers = (struct http_header *)lua_newuserdata(L, (n == 0 ? 1 : n)
                                                       * sizeof(*headers));
  for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1)) {
    if (lua_type(L, -2) != LUA_TSTRING || lua_type(L, -1) != LUA_TSTRING)
      luaL_error(L, "headers must map strings to strings");
    headers[*count].name = whole_string(L, -2);
    headers[(*count)++].value = whole_string(L, -1);
  }
  return headers;
}


const char *const *field_strings (lua_State *L, int table, const char *name,
                                  size_t *count) {
  const char **strings;
  size_t n;
  *count = 0;
  lua_getfield(L, table, name);
  if (!lua_istable(L, -1))
    return NULL;
  n = lua_rawlen(L, -1);
  strings = (const char **)lua_newuserdata(L, (n + 1) * sizeof(*strings));
  lua_insert(L, -2);
  for (; *count < n; ++*count) {
    lua_rawgeti(L, -1, (int)*count + 1);
    strings[*count] = whole_string(L, -1);
    lua_pop(L, 1);
    if (strings[*count] == NULL)
      luaL_error(L, "%s must hold strings", name);
  }
  lua_pop(L, 1);
  return strings;
}
