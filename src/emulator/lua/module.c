/* SPDX-License-Identifier: MIT
**
** lua: the module lipsync.emulator. Tables go to the service and come back
** as JSON, by lua-cjson; all rules about them are the service's.
*/

#include "../../compat.h"
#include "../http/emulator.h"
#include "options.h"
#include "../store/text.h"

#include <dlfcn.h>
#include <string.h>

#define EMULATOR "lipsync.emulator"

/* The userdata. Its slot holds a table: base_url, key, encode, decode. */
struct handle {
  struct emulator *e; /* NULL: stopped */
};

/* Argument 1 as an emulator, running or stopped. */
static struct handle *check_handle (lua_State *L, const char *method) {
  struct handle *h = luaL_testudata(L, 1, EMULATOR);
  if (h == NULL)
    luaL_error(L, "call it with a colon: emulator:%s(...)", method);
  return h;
}

/* The service of an emulator that runs in this process. */
static struct service *check_open (lua_State *L, const char *method) {
  struct handle *h = check_handle(L, method);
  if (h->e == NULL)
    luaL_error(L, "the emulator has been stopped");
  if (!emulator_is_ours(h->e))
    luaL_error(L, "the emulator belongs to the parent process");
  return emulator_service(h->e);
}

/* Calls a member of the slot's table with the value on the top, which the
** result replaces. */
static void call_slot (lua_State *L, const char *name) {
  compat_getslot(L, 1);
  lua_getfield(L, -1, name);
  lua_remove(L, -2);
  lua_insert(L, -2);
  lua_call(L, 1, 1);
}

/* Gives argument 2, a table or JSON in a string, as JSON: on the top. */
static const char *check_json (lua_State *L, size_t *length) {
  if (lua_type(L, 2) != LUA_TSTRING) {
    luaL_checktype(L, 2, LUA_TTABLE);
    lua_pushvalue(L, 2);
    call_slot(L, "encode");
  }
  else {
    lua_pushvalue(L, 2);
  }
  return lua_tolstring(L, -1, length);
}

/* Pushes the value of a JSON text that a builder holds, and ends that. */
static void push_json (lua_State *L, sqlite3_str *s) {
  size_t length;
  char *text = text_finish(s, &length);
  if (text == NULL)
    luaL_error(L, "not enough memory");
  lua_pushlstring(L, text, length);
  sqlite3_free(text);
  call_slot(L, "decode");
}

/* ---- Starting ---- */

/* Pushes the slot's table with a private cjson's functions. */
static void push_slot (lua_State *L) {
  lua_newtable(L);
  lua_getglobal(L, "require");
  lua_pushliteral(L, "cjson");
  lua_call(L, 1, 1);
  lua_getfield(L, -1, "new");
  lua_call(L, 0, 1);
  lua_getfield(L, -1, "encode");
  lua_setfield(L, -4, "encode");
  lua_getfield(L, -1, "decode");
  lua_setfield(L, -4, "decode");
  lua_pop(L, 2);
}

/* start { … } -> emulator | nil, reason. Misuse raises. */
static int emu_start (lua_State *L) {
  struct options o;
  struct handle *h;
  char *why = NULL;
  lua_settop(L, 1);
  lua_options_read(L, &o);
  h = compat_newuserdata(L, sizeof(*h));
  h->e = NULL;
  luaL_getmetatable(L, EMULATOR);
  lua_setmetatable(L, -2);
  push_slot(L);
  lua_pushvalue(L, -1);
  compat_setslot(L, -3);
  h->e = emulator_start(&o, &why);
  if (h->e == NULL) {
    lua_pushnil(L);
    lua_pushstring(L, why != NULL ? why : "not enough memory");
    sqlite3_free(why);
    return 2;
  }
  lua_pushstring(L, emulator_url(h->e));
  lua_setfield(L, -2, "base_url");
  lua_pushstring(L, service_key(emulator_service(h->e)));
  lua_setfield(L, -2, "key");
  lua_pop(L, 1);
  return 1;
}

/* ---- Methods ---- */

/* emulator:add(generation | array | json) -> id | array of ids */
static int emu_add (lua_State *L) {
  struct service *s = check_open(L, "add");
  size_t length;
  const char *json = check_json(L, &length);
  sqlite3_str *ids = sqlite3_str_new(NULL);
  int failed = 0, many;
  char *why = service_add(s, json, length, ids, &failed);
  if (why != NULL || failed) {
    sqlite3_free(sqlite3_str_finish(ids));
    return lua_options_raise(L, why);
  }
  many = json[strspn(json, " \t\r\n")] == '[';
  push_json(L, ids);
  if (!many)
    lua_rawgeti(L, -1, 1);
  return 1;
}

/* emulator:fault { … } */
static int emu_fault (lua_State *L) {
  struct service *s = check_open(L, "fault");
  size_t length;
  const char *json = check_json(L, &length);
  char *why = service_fault(s, json, length);
  return why != NULL ? lua_options_raise(L, why) : 0;
}

/* emulator:set { gone_cursor = …, … } */
static int emu_set (lua_State *L) {
  struct service *s = check_open(L, "set");
  size_t length;
  const char *json = check_json(L, &length);
  char *why = service_set(s, json, length);
  return why != NULL ? lua_options_raise(L, why) : 0;
}

/* emulator:advance(seconds) */
static int emu_advance (lua_State *L) {
  struct service *s = check_open(L, "advance");
  char *why = service_advance(s, luaL_checknumber(L, 2));
  return why != NULL ? lua_options_raise(L, why) : 0;
}

/* emulator:reset() */
static int emu_reset (lua_State *L) {
  char *why = service_reset(check_open(L, "reset"));
  return why != NULL ? lua_options_raise(L, why) : 0;
}

/* cjson makes every number a float: statuses become integers again. */
static void fix_statuses (lua_State *L) {
  int i, count = (int)lua_rawlen(L, -1);
  for (i = 1; i <= count; i++) {
    lua_rawgeti(L, -1, i);
    lua_getfield(L, -1, "statusCode");
    lua_pushinteger(L, (lua_Integer)lua_tonumber(L, -1));
    lua_setfield(L, -3, "statusCode");
    lua_pop(L, 2);
  }
}

/* emulator:requests() -> array of { method, path, headers, statusCode } */
static int emu_requests (lua_State *L) {
  struct service *s = check_open(L, "requests");
  sqlite3_str *json = sqlite3_str_new(NULL);
  request_log_write(service_request_log(s), json);
  push_json(L, json);
  fix_statuses(L);
  return 1;
}

/* emulator:stop(), __gc and __close: silent, and idempotent. */
static int emu_stop (lua_State *L) {
  struct handle *h = check_handle(L, "stop");
  struct emulator *e = h->e;
  h->e = NULL;
  emulator_stop(e);
  return 0;
}

/* emulator.base_url, emulator.key, and the methods, which are upvalue 1. */
static int emu_index (lua_State *L) {
  check_handle(L, "…");
  lua_pushvalue(L, 2);
  lua_rawget(L, lua_upvalueindex(1));
  if (!lua_isnil(L, -1))
    return 1;
  if (lua_type(L, 2) != LUA_TSTRING
      || (strcmp(lua_tostring(L, 2), "base_url") != 0
          && strcmp(lua_tostring(L, 2), "key") != 0))
    return 1;
  compat_getslot(L, 1);
  lua_pushvalue(L, 2);
  lua_rawget(L, -2);
  return 1;
}

/* "Emulator http://127.0.0.1:4010" */
static int emu_tostring (lua_State *L) {
  struct handle *h = check_handle(L, "…");
  if (h->e == NULL)
    lua_pushliteral(L, "Emulator (stopped)");
  else
    lua_pushfstring(L, "Emulator %s", emulator_url(h->e));
  return 1;
}

/* ---- The module ---- */

static const luaL_Reg methods[] = {
  {"add", emu_add},         {"requests", emu_requests},
  {"fault", emu_fault},     {"set", emu_set},
  {"advance", emu_advance}, {"reset", emu_reset},
  {"stop", emu_stop},       {NULL, NULL},
};

static const luaL_Reg metamethods[] = {
  {"__gc", emu_stop},
  {"__close", emu_stop},
  {"__tostring", emu_tostring},
  {NULL, NULL},
};

static const luaL_Reg functions[] = {
  {"start", emu_start},
  {NULL, NULL},
};

/* Keeps the library in memory: a thread may still be leaving its code when
** the Lua state that loaded it is closed. */
static void pin (void) {
  static const char here = 0;
  Dl_info info;
  if (dladdr(&here, &info) != 0 && info.dli_fname != NULL)
    dlopen(info.dli_fname, RTLD_NOW | RTLD_NOLOAD | RTLD_NODELETE);
}

COMPAT_EXPORT int luaopen_lipsync_emulator (lua_State *L);

COMPAT_EXPORT int luaopen_lipsync_emulator (lua_State *L) {
  pin();
  if (luaL_newmetatable(L, EMULATOR)) {
    luaL_setfuncs(L, metamethods, 0);
    lua_newtable(L);
    luaL_setfuncs(L, methods, 0);
    lua_pushcclosure(L, emu_index, 1);
    lua_setfield(L, -2, "__index");
    lua_pushliteral(L, EMULATOR);
    lua_setfield(L, -2, "__metatable");
  }
  lua_pop(L, 1);
  luaL_newlib(L, functions);
  lua_pushliteral(L, EMULATOR_VERSION);
  lua_setfield(L, -2, "_VERSION");
  return 1;
}
