/* SPDX-License-Identifier: MIT
**
** Fuzzing of how Lua reads a response's headers: how long to wait, by
** Retry-After and Date, and times as texts. The input is Retry-After, a NUL,
** and Date; without the NUL there is no Date. Nothing is raised, and a wait is
** nil or a number that a clock can use.
*/

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>

#define NOW 1787652000

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

/* libFuzzer takes these for coverage, too: here, of lines of Lua. */
__attribute__((
  section("__libfuzzer_extra_counters"))) static uint8_t lines[1 << 12];

/* In their order on the stack. */
enum { HEADER = 1, BODY, DATE, TIME };


static void expect (lua_State *L, int condition) {
  if (condition)
    return;
  if (lua_isstring(L, -1))
    fprintf(stderr, "it gave: %s\n", lua_tostring(L, -1));
  abort();
}


static void count_line (lua_State *L, lua_Debug *at) {
  unsigned int place = 0;
  const char *c;
  lua_getinfo(L, "Sl", at);
  for (c = at->source; *c != '\0'; c++)
    place = place * 31 + (unsigned char)*c;
  place = (place + (unsigned int)at->currentline) % sizeof(lines);
  if (lines[place] < UINT8_MAX)
    lines[place]++;
}


static void push_function (lua_State *L, const char *module, const char *name) {
  lua_getglobal(L, "require");
  lua_pushstring(L, module);
  expect(L, lua_pcall(L, 1, 1, 0) == LUA_OK);
  lua_getfield(L, -1, name);
  lua_remove(L, -2);
  expect(L, lua_isfunction(L, -1));
}


static lua_State *open_once (void) {
  static lua_State *L;
  if (L != NULL)
    return L;
  L = luaL_newstate();
  if (L == NULL)
    abort();
  luaL_openlibs(L);
  expect(L, luaL_dostring(L, "package.path = 'lua/?.lua'") == LUA_OK);
  push_function(L, "lipsync.error.retry_after", "header");
  push_function(L, "lipsync.error.retry_after", "body");
  push_function(L, "lipsync.base.http_date", "parse");
  push_function(L, "lipsync.base.time", "parse");
  lua_sethook(L, count_line, LUA_MASKLINE, 0);
  return L;
}


/* Calls with the arguments on the top: nil or a finite number, from 'least'
** on. */
static void call (lua_State *L, int arguments, lua_Number least) {
  expect(L, lua_pcall(L, arguments, 1, 0) == LUA_OK);
  if (!lua_isnil(L, -1)) {
    lua_Number n = lua_tonumber(L, -1);
    expect(L, lua_type(L, -1) == LUA_TNUMBER && isfinite(n) && n >= least);
  }
  lua_pop(L, 1);
}


/* A single text, to each that takes one. */
static void read_text (lua_State *L, const char *text, size_t length) {
  int function;
  for (function = BODY; function <= TIME; function++) {
    lua_pushvalue(L, function);
    lua_pushlstring(L, text, length);
    call(L, 1, function == BODY ? 0 : -HUGE_VAL);
  }
}


int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size) {
  lua_State *L = open_once();
  const char *text = (const char *)data;
  const char *nul = size == 0 ? NULL : (const char *)memchr(data, 0, size);
  size_t length = nul == NULL ? size : (size_t)(nul - text);
  lua_pushvalue(L, HEADER);
  lua_pushlstring(L, text, length);
  if (nul == NULL)
    lua_pushnil(L);
  else
    lua_pushlstring(L, nul + 1, size - length - 1);
  lua_pushinteger(L, NOW);
  call(L, 3, 0);
  read_text(L, text, length);
  if (nul != NULL)
    read_text(L, nul + 1, size - length - 1);
  return 0;
}
