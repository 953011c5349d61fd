/* SPDX-License-Identifier: MIT
**
** core: lipsync.core, the module under the Lua layer. Joins what needs no
** client, and adds what a host may lack: clocks, randomness, the environment
** and standard error. Links no library, because a program may make no client.
*/

#include <stdio.h>
#include <stdlib.h>

#include "core.h"
#include "platform.h"

/* The main coroutine's place in the registry. */
#define MAIN "lipsync.main"


/* core.now(): seconds on a clock that only goes forward. */
static int core_now (lua_State *L) {
  lua_pushnumber(L, (lua_Number)platform_now());
  return 1;
}


/* core.time(): seconds since 1970 UTC. */
static int core_time (lua_State *L) {
  lua_pushnumber(L, (lua_Number)platform_time());
  return 1;
}


/* core.random(): a number from [0, 1). It does not use the program's own
** sequence, and differs in a forked child. */
static int core_random (lua_State *L) {
  unsigned int bits = 0;
  if (!platform_random(&bits, sizeof(bits), 0))
    bits = (unsigned int)(platform_now() * 1e9);
  lua_pushnumber(L, (lua_Number)(bits / 4294967296.0));
  return 1;
}


/* core.random_text(): 32 hexadecimal digits, which no other call has given, nor
** will; nil if the system has no random bytes. */
static int core_random_text (lua_State *L) {
  static const char digits[] = "0123456789abcdef";
  unsigned char bytes[16];
  char text[2 * sizeof(bytes)];
  size_t i;
  if (!platform_random(bytes, sizeof(bytes), 1))
    return 0;
  for (i = 0; i < sizeof(bytes); i++) {
    text[2 * i] = digits[bytes[i] >> 4];
    text[2 * i + 1] = digits[bytes[i] & 15];
  }
  lua_pushlstring(L, text, sizeof(text));
  return 1;
}


/* core.getenv(name): a variable of the environment, or nil. */
static int core_getenv (lua_State *L) {
  lua_pushstring(L, getenv(luaL_checkstring(L, 1)));
  return 1;
}


/* core.log(line): writes a line to standard error, in one piece. */
static int core_log (lua_State *L) {
  luaL_checkstring(L, 1);
  lua_settop(L, 1);
  lua_pushliteral(L, "\n");
  lua_concat(L, 2);
  fputs(lua_tostring(L, 1), stderr);
  return 0;
}


/* core.raise(value): as error(value, 0), which in OBS only writes a log. */
static int core_raise (lua_State *L) {
  luaL_checkany(L, 1);
  lua_settop(L, 1);
  return lua_error(L);
}


/* core.where(level): "file:line: " of the function at a level of the stack, 1
** being the caller; "" where that is not known. */
static int core_where (lua_State *L) {
  luaL_where(L, (int)luaL_checkinteger(L, 1));
  return 1;
}


/* Remembers the running coroutine if it is the main one: only from 5.2 on can
** the VM tell that to the others. */
static void note_main (lua_State *L) {
#if LUA_VERSION_NUM < 502
  if (lua_pushthread(L))
    lua_setfield(L, LUA_REGISTRYINDEX, MAIN);
  else
    lua_pop(L, 1);
#else
  (void)L;
#endif
}


/* core.main(): the main coroutine, nil where it is not known. */
static int core_main (lua_State *L) {
  note_main(L);
#if LUA_VERSION_NUM < 502
  lua_getfield(L, LUA_REGISTRYINDEX, MAIN);
#else
  lua_rawgeti(L, LUA_REGISTRYINDEX, LUA_RIDX_MAINTHREAD);
#endif
  return 1;
}


/* core.is_yieldable(): whether the running coroutine can yield here; nil where
** the VM cannot tell. */
static int core_is_yieldable (lua_State *L) {
  int answer = compat_isyieldable(L);
  if (answer < 0)
    lua_pushnil(L);
  else
    lua_pushboolean(L, answer);
  return 1;
}


static const luaL_Reg functions[] = {
  {"object_type", object_type},
  {"object", object_new},
  {"objects", object_list},
  {"type_of", object_type_of},
  {"member", object_member},
  {"owner", object_owner},
  {"decode", value_decode},
  {"array", value_array},
  {"encode", encode_value},
  {"compact", encode_compact},
  {"segment", segment_make},
  {"fits", fits},
  {"is_error", error_is},
  {"now", core_now},
  {"time", core_time},
  {"random", core_random},
  {"random_text", core_random_text},
  {"getenv", core_getenv},
  {"log", core_log},
  {"raise", core_raise},
  {"where", core_where},
  {"main", core_main},
  {"is_yieldable", core_is_yieldable},
  {NULL, NULL},
};


/* Puts what lipsync.http needs into the registry. */
static void publish_capi (lua_State *L) {
  static const struct capi capi = {LIPSYNC_VERSION,
                                   sizeof(struct element),
                                   sizeof(struct json_member),
                                   sizeof(struct object_type),
                                   object_push_type,
                                   object_alloc,
                                   object_init};
  memcpy(lua_newuserdata(L, sizeof(capi)), &capi, sizeof(capi));
  lua_setfield(L, LUA_REGISTRYINDEX, CAPI);
}


COMPAT_EXPORT int luaopen_lipsync_core (lua_State *L);

COMPAT_EXPORT int luaopen_lipsync_core (lua_State *L) {
  platform_pin();
  luaL_newlib(L, functions);
  value_register(L);
  encode_register(L);
  object_register(L);
  error_register(L);
  lua_setfield(L, -2, "error_meta");
  value_push_null(L);
  lua_setfield(L, -2, "null");
  lua_pushliteral(L, LIPSYNC_VERSION);
  lua_setfield(L, -2, "_VERSION");
  publish_capi(L);
  note_main(L);
  return 1;
}
