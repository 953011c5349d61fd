/* SPDX-License-Identifier: MIT
**
** luahttp: lipsync.http, the module that the client talks to the service with.
** Its objects are the core's, which makes them through struct capi.
*/

#include "header.h"
#include "origin.h"
#include "process.h"
#include "luahttp.h"


/* Its address is the place in the registry. */
static const char core_place;


const struct capi *luahttp_push_core (lua_State *L) {
  lua_pushlightuserdata(L, (void *)&core_place);
  lua_rawget(L, LUA_REGISTRYINDEX);
  return (const struct capi *)lua_touserdata(L, -1);
}


/* http.forks(): a number that differs between a forked child and its parent. */
static int http_forks (lua_State *L) {
  lua_pushinteger(L, (lua_Integer)process_forks());
  return 1;
}


/* http.live(): how many sessions and transfers the process has: for tests, and
** for hosts whose clients share one time slice. */
static int http_live (lua_State *L) {
  unsigned sessions, exchanges;
  process_live(&sessions, &exchanges);
  lua_pushinteger(L, (lua_Integer)sessions);
  lua_pushinteger(L, (lua_Integer)exchanges);
  return 2;
}


/* http.check_header(name, value): why a header of the caller's cannot be sent:
** "name", "value", "key" (the one that holds the API key) or "reserved" (set by
** the client itself); nil if it can be. */
static int check_header (lua_State *L) {
  size_t n, v;
  const char *name = luaL_checklstring(L, 1, &n);
  const char *value = luaL_checklstring(L, 2, &v);
  if (strlen(name) != n || !header_is_name(name))
    lua_pushliteral(L, "name");
  else if (header_is_reserved(name))
    lua_pushstring(L, header_is_key(name) ? "key" : "reserved");
  else if (strlen(value) != v || !header_is_value(value))
    lua_pushliteral(L, "value");
  else
    lua_pushnil(L);
  return 1;
}


/* http.resolve(address [, base]): origin, and path with query, of an address
** that a response has named; or nil and a failure. */
static int resolve (lua_State *L) {
  size_t n, base_length = 0, target = 0;
  const char *address = luaL_checklstring(L, 1, &n);
  const char *base = luaL_optlstring(L, 2, NULL, &base_length);
  size_t size = ORIGIN_ROOM + 3 * (n + base_length);
  char *out = (char *)lua_newuserdata(L, size);
  enum http_refusal refusal = HTTP_ORIGIN_MALFORMED;
  if (strlen(address) == n)
    refusal = origin_resolve(base, address, out, size, &target);
  if (refusal == HTTP_NO_MEMORY)
    return error_no_memory(L);
  if (refusal != HTTP_ACCEPTED)
    return failure_push_refusal(L, HTTP_ORIGIN_MALFORMED);
  lua_pushlstring(L, out, target);
  lua_pushstring(L, out + target);
  return 2;
}


static const luaL_Reg functions[] = {
  {"check_header", check_header},
  {"session", session_new},
  {"body", luabody_new},
  {"stamp", luabody_stamp},
  {"resolve", resolve},
  {"forks", http_forks},
  {"live", http_live},
  {NULL, NULL},
};


/* Loads the core where only this module was asked for. */
static void load_core (lua_State *L) {
  lua_getglobal(L, "require");
  if (!lua_isfunction(L, -1))
    luaL_error(L, "lipsync.http needs lipsync.core to be loaded before it");
  lua_pushliteral(L, "lipsync.core");
  lua_call(L, 1, 0);
}


/* Makes sure that the core is there and of the same build: a function of
** another one may want its arguments elsewhere. Remembers it, because one of
** another build may be loaded later. */
static void check_core (lua_State *L) {
  const struct capi *capi;
  lua_getfield(L, LUA_REGISTRYINDEX, CAPI);
  if (lua_isnil(L, -1)) {
    lua_pop(L, 1);
    load_core(L);
    lua_getfield(L, LUA_REGISTRYINDEX, CAPI);
  }
  capi = (const struct capi *)lua_touserdata(L, -1);
  if (capi == NULL)
    luaL_error(L,
               "lipsync.core is older than lipsync.http: install both "
               "from one build");
  if (strcmp(capi->version, LIPSYNC_VERSION) != 0)
    luaL_error(L,
               "lipsync.http is of version %s, lipsync.core of %s: "
               "install both from one build",
               LIPSYNC_VERSION, capi->version);
  if (capi->element != sizeof(struct element)
      || capi->member != sizeof(struct json_member)
      || capi->type != sizeof(struct object_type))
    luaL_error(L,
               "lipsync.http and lipsync.core are of different builds: "
               "install both from one");
  lua_pushlightuserdata(L, (void *)&core_place);
  lua_insert(L, -2);
  lua_rawset(L, LUA_REGISTRYINDEX);
}


COMPAT_EXPORT int lipsync_http_prepare (void);

/* What is done once in a process and needs no Lua: for who loads the library in
** a thread, as the command does. */
COMPAT_EXPORT int lipsync_http_prepare (void) {
  return process_init();
}


COMPAT_EXPORT int luaopen_lipsync_http (lua_State *L);

COMPAT_EXPORT int luaopen_lipsync_http (lua_State *L) {
  lua_settop(L, 0);
  check_core(L);
  if (!process_init())
    return luaL_error(L, "libcurl cannot be initialized");
  if (!process_is_recent())
    return luaL_error(L, "lipsync needs libcurl 7.80 or later, this is %s",
                      process_library());
  platform_pin();
  session_register(L);
  transfer_register(L);
  luabody_register(L);
  luaL_newlib(L, functions);
  lua_pushstring(L, process_library());
  lua_setfield(L, -2, "curl_version");
  /* where libcurl looks for certificates when nothing is said, or nil */
  lua_pushstring(L, process_ca_file());
  lua_setfield(L, -2, "ca_file");
  return 1;
}
