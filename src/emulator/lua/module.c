/* SPDX-License-Identifier: MIT
**
** module: the Lua module lipsync.emulator. Tables go to the service and come
** back as JSON, by lua-cjson; the service has all rules about them.
*/

#include "receiver.h"
#include "../../core/compat.h"
#include "../../version.h"
#include "../server.h"
#include "../store/text.h"

#include <dlfcn.h>
#include <string.h>

#define EMULATOR "lipsync.emulator"

/* The userdata. Its slot holds a table: base_url, key, encode, decode. */
struct handle {
  struct server *server; /* NULL: stopped */
};

/* Raises 'why', which it frees (NULL: out of memory), with the line of the
** running C function's caller. */
static int raise (lua_State *L, char *why) {
  luaL_where(L, 1);
  lua_pushstring(L, why != NULL ? why : "not enough memory");
  sqlite3_free(why);
  lua_concat(L, 2);
  return lua_error(L);
}

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
  if (h->server == NULL)
    luaL_error(L, "the emulator has been stopped");
  if (!server_is_ours(h->server))
    luaL_error(L, "the emulator belongs to the parent process");
  return server_service(h->server);
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

/* Gives argument 2 as JSON, on the top: a table, or JSON in a string. */
static const char *check_json (lua_State *L, size_t *length) {
  lua_pushvalue(L, 2);
  if (lua_type(L, 2) != LUA_TSTRING) {
    luaL_checktype(L, 2, LUA_TTABLE);
    call_slot(L, "encode");
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

/* Pushes the slot's table with a private cjson's functions. To that, infinity
** and NaN are null, which the service refuses with the member's name. */
static void push_slot (lua_State *L) {
  lua_newtable(L);
  lua_getglobal(L, "require");
  lua_pushliteral(L, "cjson");
  lua_call(L, 1, 1);
  lua_getfield(L, -1, "new");
  lua_call(L, 0, 1);
  lua_getfield(L, -1, "encode_invalid_numbers");
  lua_pushliteral(L, "null");
  lua_call(L, 1, 0);
  lua_getfield(L, -1, "encode");
  lua_setfield(L, -4, "encode");
  lua_getfield(L, -1, "decode");
  lua_setfield(L, -4, "decode");
  lua_pop(L, 2);
}

/* start { ... } -> emulator | nil, reason. Misuse raises. */
static int emu_start (lua_State *L) {
  struct parameters p;
  struct handle *h;
  const char *json = "{}";
  size_t length = 2;
  char *why = NULL;
  lua_settop(L, 1);
  if (!lua_isnil(L, 1))
    luaL_checktype(L, 1, LUA_TTABLE);
  h = compat_newuserdata(L, sizeof(*h));
  lua_insert(L, 1);
  h->server = NULL;
  luaL_getmetatable(L, EMULATOR);
  lua_setmetatable(L, 1);
  push_slot(L);
  compat_setslot(L, 1);
  if (!lua_isnil(L, 2))
    json = check_json(L, &length);
  if (parameters_open(&p)) {
    if (!parameters_read(&p, json, length, 0, &why)) {
      parameters_close(&p);
      return raise(L, why);
    }
    h->server = server_start(&p, &why);
  }
  if (h->server == NULL) {
    lua_pushnil(L);
    lua_pushstring(L, why != NULL ? why : "not enough memory");
    sqlite3_free(why);
    return 2;
  }
  compat_getslot(L, 1);
  lua_pushstring(L, server_url(h->server));
  lua_setfield(L, -2, "base_url");
  why = service_key(server_service(h->server));
  lua_pushstring(L, why);
  sqlite3_free(why);
  lua_setfield(L, -2, "key");
  lua_settop(L, 1);
  return 1;
}

/* ---- Methods ---- */

/* emulator:add(generation | array | json) -> id | array of ids */
static int emu_add (lua_State *L) {
  struct service *s = check_open(L, "add");
  size_t length;
  const char *json = check_json(L, &length);
  sqlite3_str *ids = sqlite3_str_new(NULL);
  char *why;
  if (service_add(s, json, length, ids, &why) != STORE_OK) {
    sqlite3_free(sqlite3_str_finish(ids));
    return raise(L, why);
  }
  push_json(L, ids);
  if (json[strspn(json, " \t\r\n")] != '[')
    lua_rawgeti(L, -1, 1);
  return 1;
}

/* Puts JSON in the place of argument 2, the seconds of an advance. SQLite
** writes it, because that does not ask the locale for the decimal point. */
static void wrap_seconds (lua_State *L) {
  char json[64];
  sqlite3_snprintf(sizeof(json), json, "{\"seconds\":%!.17g}",
                   luaL_checknumber(L, 2));
  lua_settop(L, 1);
  lua_pushstring(L, json);
}

/* emulator:fault { ... }, :set { ... }, :advance(seconds), :reset(): upvalue 1
** is the control. */
static int emu_control (lua_State *L) {
  const struct control *control = lua_touserdata(L, lua_upvalueindex(1));
  struct service *s = check_open(L, control->name);
  const char *json = "{}";
  size_t length = 2;
  char *why;
  if (strcmp(control->name, "advance") == 0)
    wrap_seconds(L);
  if (strcmp(control->name, "reset") != 0)
    json = check_json(L, &length);
  return control->act(s, json, length, &why) ? 0 : raise(L, why);
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
  request_log_write(&s->log, json);
  push_json(L, json);
  fix_statuses(L);
  return 1;
}

/* emulator:webhooks() -> array of { kind, id, url, statusCode, problem } */
static int emu_webhooks (lua_State *L) {
  struct service *s = check_open(L, "webhooks");
  sqlite3_str *json = sqlite3_str_new(NULL);
  char *text = service_webhooks(s);
  sqlite3_str_appendall(json, text != NULL ? text : "[]");
  sqlite3_free(text);
  push_json(L, json);
  fix_statuses(L);
  return 1;
}

/* emulator:stop() -> true | nil, reason why the export was not written. Also
** __gc and __close. Idempotent. */
static int emu_stop (lua_State *L) {
  struct handle *h = check_handle(L, "stop");
  struct server *server = h->server;
  char *why;
  h->server = NULL;
  lua_pushboolean(L, 1);
  if (server_stop(server, &why))
    return 1;
  lua_pushnil(L);
  lua_pushstring(L, why != NULL ? why : "not enough memory");
  sqlite3_free(why);
  return 2;
}

static const char *const members[] = {
  "base_url", "key",   "add",  "requests", "fault", "set",
  "advance",  "reset", "stop", "webhooks", NULL};

/* emulator.base_url, emulator.key, and the methods, which are upvalue 1.
** Another name raises, because nil may mean something to whoever gets it. */
static int emu_index (lua_State *L) {
  const struct names known = {members, sizeof(*members)};
  const char *name = luaL_checkstring(L, 2);
  check_handle(L, "...");
  lua_getfield(L, lua_upvalueindex(1), name);
  if (!lua_isnil(L, -1))
    return 1;
  if (!text_is_known(name, known))
    return raise(L, text_unknown("member", name, known));
  compat_getslot(L, 1);
  lua_getfield(L, -1, name);
  return 1;
}

/* "Emulator http://127.0.0.1:4010" */
static int emu_tostring (lua_State *L) {
  struct handle *h = check_handle(L, "...");
  if (h->server == NULL)
    lua_pushliteral(L, "Emulator (stopped)");
  else
    lua_pushfstring(L, "Emulator %s", server_url(h->server));
  return 1;
}

/* ---- The module ---- */

static const luaL_Reg methods[] = {
  {"add", emu_add},
  {"requests", emu_requests},
  {"webhooks", emu_webhooks},
  {"stop", emu_stop},
  {NULL, NULL},
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

/* Sets the method of each control in the table on the top. */
static void set_controls (lua_State *L) {
  const struct control *control;
  for (control = service_controls; control->name != NULL; control++) {
    lua_pushlightuserdata(L, (void *)control);
    lua_pushcclosure(L, emu_control, 1);
    lua_setfield(L, -2, control->name);
  }
}

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
    set_controls(L);
    lua_pushcclosure(L, emu_index, 1);
    lua_setfield(L, -2, "__index");
    lua_pushliteral(L, EMULATOR);
    lua_setfield(L, -2, "__metatable");
  }
  lua_pop(L, 1);
  luaL_newlib(L, functions);
  lua_pushliteral(L, LIPSYNC_VERSION);
  lua_setfield(L, -2, "_VERSION");
  receiver_register(L);
  return 1;
}
