/* SPDX-License-Identifier: MIT
**
** core: lipsync.core, the module that the Lua layer stands on. Puts the types
** together and adds what of the operating system the layer needs and a host
** may not offer: clocks, randomness, the environment, standard error.
*/

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>

#include "binding.h"
#include "engine.h"
#include "process.h"

#if defined(__linux__)
#include <sys/random.h>
#endif


/* core.now(): seconds on a clock that only goes forward. */
static int core_now (lua_State *L) {
  lua_pushnumber(L, (lua_Number)engine_now());
  return 1;
}


/* core.time(): seconds since 1970 UTC. */
static int core_time (lua_State *L) {
  struct timeval t;
  gettimeofday(&t, NULL);
  lua_pushnumber(L, (lua_Number)((double)t.tv_sec + (double)t.tv_usec * 1e-6));
  return 1;
}


/* core.random(): a number from [0, 1), not of the program's own sequence and
** not the same in a forked child. */
static int core_random (lua_State *L) {
  unsigned int bits = 0;
#if defined(__linux__)
  if (getrandom(&bits, sizeof(bits), GRND_NONBLOCK) != (ssize_t)sizeof(bits))
    bits = (unsigned int)(engine_now() * 1e9);
#else
  bits = arc4random();
#endif
  lua_pushnumber(L, (lua_Number)(bits / 4294967296.0));
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


/* core.forks(): a number that a forked child has other than its parent. */
static int core_forks (lua_State *L) {
  lua_pushinteger(L, (lua_Integer)process_forks());
  return 1;
}


/* core.live(): how many sessions and transfers the process has: for
** tests, and for those who share the host's time among themselves. */
static int core_live (lua_State *L) {
  unsigned sessions, exchanges;
  process_live(&sessions, &exchanges);
  lua_pushinteger(L, (lua_Integer)sessions);
  lua_pushinteger(L, (lua_Integer)exchanges);
  return 2;
}


static const luaL_Reg functions[] = {
  {"session", session_new},
  {"generation", generation_new},
  {"is_generation", generation_is},
  {"owner", generation_owner},
  {"decode", value_decode},
  {"is_error", error_is},
  {"now", core_now},
  {"time", core_time},
  {"random", core_random},
  {"getenv", core_getenv},
  {"log", core_log},
  {"raise", core_raise},
  {"where", core_where},
  {"forks", core_forks},
  {"live", core_live},
  {NULL, NULL}
};


/* Keeps this code in memory: libcurl's resolver threads and the fork handler
** may come back to it after the last Lua state has closed. Where that cannot
** be done, as in a static program, it need not be. */
static void pin (void) {
#if defined(RTLD_NODELETE)
  Dl_info info;
  if (dladdr((const void *)functions, &info) != 0 && info.dli_fname != NULL)
    (void)dlopen(info.dli_fname, RTLD_NOW | RTLD_NOLOAD | RTLD_NODELETE);
#endif
}


/* A text of the module; NULL is nil. */
static void set_string (lua_State *L, const char *name, const char *text) {
  lua_pushstring(L, text);
  lua_setfield(L, -2, name);
}


COMPAT_EXPORT int luaopen_lipsync_core (lua_State *L);

COMPAT_EXPORT int luaopen_lipsync_core (lua_State *L) {
  if (!process_init())
    return luaL_error(L, "lipsync needs libcurl 7.80 or later, this is %s",
                      process_library());
  pin();
  session_register(L);
  luaL_newlib(L, functions);
  generation_register(L);
  lua_setfield(L, -2, "add_method");
  transfer_register(L);
  error_register(L);
  lua_setfield(L, -2, "error_meta");
  value_push_null(L);
  lua_setfield(L, -2, "null");
  set_string(L, "_VERSION", LIPSYNC_VERSION);
  set_string(L, "curl_version", process_library());
  /* where libcurl looks for certificates when nothing is said */
  set_string(L, "ca_file", process_ca_file());
  return 1;
}
