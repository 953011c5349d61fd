/* SPDX-License-Identifier: MIT
**
** luafield: reads the fields of a Lua table into C. What comes out points into
** Lua's own strings, which the table keeps.
*/

#include "luahttp.h"


/* A string for C. One that holds a NUL would be cut there: it becomes one
** that nobody accepts. */
static const char *whole_string (lua_State *L, int index) {
  size_t length;
  const char *text = lua_tolstring(L, index, &length);
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


/* How many pairs the table at the top has. */
static size_t count_pairs (lua_State *L) {
  size_t n = 0;
  for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1))
    n++;
  return n;
}


const struct http_header *field_headers (lua_State *L, int table,
                                         size_t *count) {
  struct http_header *headers;
  size_t n;
  *count = 0;
  lua_getfield(L, table, "headers");
  if (!lua_istable(L, -1))
    return NULL;
  n = count_pairs(L);
  headers = (struct http_header *)lua_newuserdata(L, (n == 0 ? 1 : n)
                                                       * sizeof(*headers));
  lua_insert(L, -2);
  for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1)) {
    if (lua_type(L, -2) != LUA_TSTRING || lua_type(L, -1) != LUA_TSTRING)
      luaL_error(L, "headers must map strings to strings");
    headers[*count].name = whole_string(L, -2);
    headers[(*count)++].value = whole_string(L, -1);
  }
  lua_pop(L, 1);
  return headers;
}
