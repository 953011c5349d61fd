/* SPDX-License-Identifier: MIT
**
** Fuzzing of the JSON writer. The input is JSON text: what is decoded of it is
** written, read again and must be the same; made compact, the text must read
** as the same. The input as a string must be refused, or read back, too.
*/

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <lauxlib.h>
#include <lua.h>

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);
int luaopen_lipsync_core (lua_State *L);

/* In their order on the stack. */
enum { DECODE = 1, ENCODE, COMPACT, FIRST };


static void expect (int condition) {
  if (!condition)
    abort();
}


static lua_State *open_once (void) {
  static lua_State *L;
  if (L != NULL)
    return L;
  L = luaL_newstate();
  expect(L != NULL);
  lua_pushcfunction(L, luaopen_lipsync_core);
  lua_call(L, 0, 1);
  lua_getfield(L, 1, "decode");
  lua_getfield(L, 1, "encode");
  lua_getfield(L, 1, "compact");
  lua_remove(L, 1);
  return L;
}


/* Calls a function with the value at 'i'; its two results are at the top.
** Returns whether it did not fail. */
static int call (lua_State *L, int function, int i) {
  lua_pushvalue(L, function);
  lua_pushvalue(L, i);
  lua_call(L, 1, 2);
  return !lua_isnil(L, -2);
}


/* The same for what cannot fail; one result. */
static void must_call (lua_State *L, int function, int i) {
  expect(call(L, function, i));
  lua_pop(L, 1);
}


static int same (lua_State *L, int a, int b);


static int count (lua_State *L, int t) {
  int n = 0;
  for (lua_pushnil(L); lua_next(L, t); lua_pop(L, 1))
    n++;
  return n;
}


/* Both are marked as arrays, or neither. */
static int same_marks (lua_State *L, int a, int b) {
  int marks = lua_getmetatable(L, a), others = lua_getmetatable(L, b);
  int good = marks == others && (!marks || lua_rawequal(L, -1, -2));
  lua_pop(L, marks + others);
  return good;
}


static int same_tables (lua_State *L, int a, int b) {
  int good = same_marks(L, a, b) && count(L, a) == count(L, b);
  luaL_checkstack(L, 8, "");
  for (lua_pushnil(L); good && lua_next(L, a); lua_pop(L, 2)) {
    lua_pushvalue(L, -2);
    lua_rawget(L, b);
    good = same(L, lua_gettop(L) - 1, lua_gettop(L));
  }
  return good;
}


/* Whether the values at two places of the stack are the same. */
static int same (lua_State *L, int a, int b) {
  if (lua_istable(L, a) && lua_istable(L, b))
    return same_tables(L, a, b);
  return lua_rawequal(L, a, b);
}


/* A text under a ceiling of its own length, and of one byte less. */
static void check_ceiling (lua_State *L, int value, int text) {
  size_t length = lua_rawlen(L, text), less;
  for (less = 0; less <= 1; less++) {
    lua_pushvalue(L, ENCODE);
    lua_pushvalue(L, value);
    lua_pushinteger(L, (lua_Integer)(length - less));
    lua_call(L, 2, 1);
    expect(lua_isnil(L, -1) == (less == 1));
    lua_pop(L, 1);
  }
}


/* A number may be too large for a double: that is all that can be wrong with
** what was decoded. */
static void check_refusal (lua_State *L) {
  const char *phrase = lua_tostring(L, -1);
  expect(phrase != NULL && strstr(phrase, "not a finite number") != NULL);
}


/* The input at FIRST as JSON. */
static void check_json (lua_State *L) {
  enum { VALUE = FIRST + 1, TEXT, AGAIN, DENSE, DENSER };
  if (!call(L, DECODE, FIRST))
    return;
  lua_settop(L, VALUE);
  if (!call(L, ENCODE, VALUE)) {
    check_refusal(L);
    return;
  }
  lua_settop(L, TEXT);
  must_call(L, DECODE, TEXT);
  expect(same(L, VALUE, AGAIN));
  check_ceiling(L, VALUE, TEXT);
  must_call(L, COMPACT, FIRST);
  must_call(L, COMPACT, DENSE);
  expect(lua_rawequal(L, DENSE, DENSER));
  expect(lua_rawlen(L, DENSE) <= lua_rawlen(L, FIRST));
  must_call(L, DECODE, DENSE);
  expect(same(L, VALUE, lua_gettop(L)));
  must_call(L, COMPACT, TEXT);
  expect(lua_rawequal(L, TEXT, -1));
  must_call(L, ENCODE, AGAIN);
  expect(lua_rawequal(L, TEXT, -1));
}


/* And as a string. */
static void check_string (lua_State *L) {
  if (!call(L, ENCODE, FIRST)) {
    expect(strcmp(lua_tostring(L, -1), "invalid UTF-8") == 0);
    return;
  }
  lua_pop(L, 1);
  must_call(L, DECODE, lua_gettop(L));
  expect(lua_rawequal(L, FIRST, -1));
}


int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size) {
  lua_State *L = open_once();
  lua_pushlstring(L, (const char *)data, size);
  check_json(L);
  lua_settop(L, FIRST);
  check_string(L);
  lua_settop(L, COMPACT);
  return 0;
}
