/* SPDX-License-Identifier: MIT
**
** receiver: see receiver.h. The thread of the program looks at a request while
** that of its connection sleeps.
*/

#include "receiver.h"
#include "../http/receiver.h"
#include "../store/text.h"

#define RECEIVER "lipsync.emulator.Receiver"

#define MOST_BODY    ((size_t)1024 * 1024)       /* bytes, by default */
#define LARGEST_BODY ((size_t)1024 * 1024 * 512) /* what SQLite's texts hold */
#define LONGEST_WAIT 1e6                         /* seconds */

/* The userdata. */
struct handle {
  struct receiver *receiver; /* NULL: stopped */
};

static struct handle *check_handle (lua_State *L, const char *method) {
  struct handle *h = luaL_testudata(L, 1, RECEIVER);
  if (h == NULL)
    luaL_error(L, "call it with a colon: receiver:%s(...)", method);
  return h;
}

static struct receiver *check_open (lua_State *L, const char *method) {
  struct handle *h = check_handle(L, method);
  if (h->receiver == NULL)
    luaL_error(L, "the receiver has been stopped");
  if (!receiver_is_ours(h->receiver))
    luaL_error(L, "the receiver belongs to the parent process");
  return h->receiver;
}

/* ---- Starting ---- */

/* A whole number of the options in argument 1, within bounds. */
static size_t check_whole (lua_State *L, const char *name, size_t standard,
                           size_t most) {
  lua_Number n;
  lua_getfield(L, 1, name);
  n = lua_isnil(L, -1) ? (lua_Number)standard : lua_tonumber(L, -1);
  if (!(lua_isnil(L, -1) || lua_type(L, -1) == LUA_TNUMBER) || !(n >= 0)
      || n > (lua_Number)most || n != (lua_Number)(size_t)n)
    luaL_error(L, "%s must be a whole number of at most %d", name, (int)most);
  lua_pop(L, 1);
  return (size_t)n;
}

static const char *const options[] = {"host", "port", "max_body", NULL};
static const char *const members[] = {"url", "next", "answer", "stop", NULL};

/* Raises what is wrong with a name. */
static int refuse_name (lua_State *L, const char *what, const char *name,
                        struct names known) {
  char *why = text_unknown(what, name, known);
  luaL_where(L, 1);
  lua_pushstring(L, why != NULL ? why : "not enough memory");
  sqlite3_free(why);
  lua_concat(L, 2);
  return lua_error(L);
}

static void check_names (lua_State *L) {
  const struct names known = {options, sizeof(*options)};
  lua_pushnil(L);
  while (lua_next(L, 1) != 0) {
    const char *name = lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2)
                                                      : "?";
    if (!text_is_known(name, known))
      (void)refuse_name(L, "option", name, known);
    lua_pop(L, 1);
  }
}

/* receive { host, port, max_body } -> receiver | nil, reason. Misuse raises. */
static int receive (lua_State *L) {
  struct handle *h;
  const char *host;
  size_t port, most;
  char *why;
  if (lua_isnoneornil(L, 1)) {
    lua_settop(L, 0);
    lua_newtable(L);
  }
  luaL_checktype(L, 1, LUA_TTABLE);
  check_names(L);
  port = check_whole(L, "port", 0, 65535);
  most = check_whole(L, "max_body", MOST_BODY, LARGEST_BODY);
  lua_settop(L, 1);
  lua_getfield(L, 1, "host");
  if (!lua_isnil(L, 2) && lua_type(L, 2) != LUA_TSTRING)
    luaL_error(L, "host must be a string, got %s", luaL_typename(L, 2));
  host = lua_isnil(L, 2) ? "127.0.0.1" : lua_tostring(L, 2);
  h = lua_newuserdata(L, sizeof(*h));
  h->receiver = NULL;
  luaL_getmetatable(L, RECEIVER);
  lua_setmetatable(L, -2);
  h->receiver = receiver_start(host, (int)port, most, &why);
  if (h->receiver != NULL)
    return 1;
  lua_pushnil(L);
  lua_pushstring(L, why != NULL ? why : "not enough memory");
  sqlite3_free(why);
  return 2;
}

/* ---- Methods ---- */

/* Puts the value on the top into the table below it, under its name in lower
** case; of a header that came more than once, all values in an array. */
static void add_value (lua_State *L, const char *name) {
  char *lower = text_lower(name);
  if (lower == NULL)
    luaL_error(L, "not enough memory");
  lua_pushstring(L, lower);
  sqlite3_free(lower);
  lua_pushvalue(L, -1);
  lua_rawget(L, -4); /* table, value, name, what is there */
  if (lua_isnil(L, -1)) {
    lua_pop(L, 1);
    lua_insert(L, -2);
    lua_rawset(L, -3);
    return;
  }
  if (!lua_istable(L, -1)) {
    lua_newtable(L);
    lua_insert(L, -2);
    lua_rawseti(L, -2, 1);
    lua_pushvalue(L, -2);
    lua_pushvalue(L, -2);
    lua_rawset(L, -6);
  }
  lua_pushvalue(L, -3);
  lua_rawseti(L, -2, (int)lua_rawlen(L, -2) + 1);
  lua_pop(L, 3);
}

static void push_headers (lua_State *L, const struct arrival *a) {
  const char *at = a->headers, *last = at + a->headers_length;
  lua_newtable(L);
  while (at < last) {
    const char *name = at;
    const char *value = name + strlen(name) + 1;
    lua_pushstring(L, value);
    add_value(L, name);
    at = value + strlen(value) + 1;
  }
}

/* receiver:next(seconds) -> { method, path, headers, body } | nil */
static int receiver_method_next (lua_State *L) {
  struct receiver *r = check_open(L, "next");
  lua_Number seconds = luaL_checknumber(L, 2);
  const struct arrival *a;
  luaL_argcheck(L, seconds >= 0, 2, "must be at least 0");
  if (seconds > LONGEST_WAIT)
    seconds = LONGEST_WAIT;
  a = receiver_next(r, (int64_t)(seconds * 1000));
  if (a == NULL)
    return 0;
  lua_createtable(L, 0, 4);
  lua_pushstring(L, a->method);
  lua_setfield(L, -2, "method");
  lua_pushstring(L, a->target);
  lua_setfield(L, -2, "path");
  push_headers(L, a);
  lua_setfield(L, -2, "headers");
  if (a->body != NULL) {
    lua_pushlstring(L, a->body, a->body_length);
    lua_setfield(L, -2, "body");
  }
  return 1;
}

/* receiver:answer(status): the request that next gave. */
static int receiver_method_answer (lua_State *L) {
  struct receiver *r = check_open(L, "answer");
  lua_Integer status = luaL_checkinteger(L, 2);
  luaL_argcheck(L, status >= 200 && status <= 599, 2,
                "must be a status from 200 to 599");
  if (!receiver_answer(r, (int)status))
    return luaL_error(L, "there is no request to answer");
  return 0;
}

/* receiver:stop(). Also __gc and __close. Idempotent. */
static int receiver_method_stop (lua_State *L) {
  struct handle *h = check_handle(L, "stop");
  struct receiver *r = h->receiver;
  h->receiver = NULL;
  receiver_stop(r);
  return 0;
}

/* receiver.url, and the methods, which are upvalue 1. Another name raises. */
static int receiver_index (lua_State *L) {
  const struct names known = {members, sizeof(*members)};
  const char *name = luaL_checkstring(L, 2);
  struct handle *h = check_handle(L, "...");
  lua_getfield(L, lua_upvalueindex(1), name);
  if (!lua_isnil(L, -1))
    return 1;
  if (!text_is_known(name, known))
    return refuse_name(L, "member", name, known);
  if (h->receiver != NULL)
    lua_pushstring(L, receiver_url(h->receiver));
  return 1;
}

static int receiver_tostring (lua_State *L) {
  struct handle *h = check_handle(L, "...");
  lua_pushfstring(L, "Receiver %s",
                  h->receiver != NULL ? receiver_url(h->receiver)
                                      : "(stopped)");
  return 1;
}

static const luaL_Reg methods[] = {
  {"next", receiver_method_next},
  {"answer", receiver_method_answer},
  {"stop", receiver_method_stop},
  {NULL, NULL},
};

static const luaL_Reg metamethods[] = {
  {"__gc", receiver_method_stop},
  {"__close", receiver_method_stop},
  {"__tostring", receiver_tostring},
  {NULL, NULL},
};

void receiver_register (lua_State *L) {
  if (luaL_newmetatable(L, RECEIVER)) {
    luaL_setfuncs(L, metamethods, 0);
    luaL_newlib(L, methods);
    lua_pushcclosure(L, receiver_index, 1);
    lua_setfield(L, -2, "__index");
    lua_pushliteral(L, RECEIVER);
    lua_setfield(L, -2, "__metatable");
  }
  lua_pop(L, 1);
  lua_pushcfunction(L, receive);
  lua_setfield(L, -2, "receive");
}
