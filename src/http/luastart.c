/* SPDX-License-Identifier: MIT
**
** luastart: the start of a transfer, from the arguments of session:start.
*/

#include "luatransfer.h"

/* The arguments of session:start. */
enum argument {
  SESSION = 1,
  OWNER,
  METHOD,
  PATH,
  TYPE,
  WITH_KEY,
  HEADERS,
  IDEMPOTENCY_KEY,
  BODY,
  CONTENT_TYPE,
  MORE
};

/* For http.h's modes, by their numbers. */
static const char *const modes[] = {"whole", "objects", "chunks", "lines",
                                    NULL};


/* Makes the table at the top of what the transfers of a type share. */
static void fill_shared (lua_State *L, const struct capi *capi) {
  const struct object_type *type;
  lua_pushvalue(L, OWNER);
  lua_rawseti(L, -2, SLOT_OWNER);
  lua_pushvalue(L, SESSION);
  lua_rawseti(L, -2, SLOT_SESSION);
  type = capi->push_type(L, lua_tostring(L, TYPE));
  lua_rawseti(L, -2, SLOT_METATABLE);
  lua_pushlightuserdata(L, (void *)type);
  lua_rawseti(L, -2, SLOT_TYPE);
}


/* Whether the value at the top is such a table, for the owner's objects. */
static int is_shared (lua_State *L) {
  int is_same;
  if (!lua_istable(L, -1))
    return 0;
  lua_rawgeti(L, -1, SLOT_OWNER);
  is_same = lua_rawequal(L, -1, OWNER);
  lua_pop(L, 1);
  return is_same;
}


/* Pushes that table: the one that the session knows by the name of the type,
** as long as any transfer or object has it, or a new one. */
static void push_shared (lua_State *L, const struct capi *capi) {
  if (lua_type(L, TYPE) != LUA_TSTRING) {
    lua_pushliteral(L, OBJECT_ANY);
    lua_replace(L, TYPE);
  }
  compat_getslot(L, SESSION);
  lua_pushvalue(L, TYPE);
  lua_rawget(L, -2);
  if (!is_shared(L)) {
    lua_pop(L, 1);
    lua_createtable(L, SLOT_TYPE, 0);
    fill_shared(L, capi);
    lua_pushvalue(L, TYPE);
    lua_pushvalue(L, -2);
    lua_rawset(L, -4);
  }
  lua_remove(L, -2);
}


/* Pushes a closed transfer with its owner, session and type. */
static struct transfer *push_transfer (lua_State *L) {
  struct transfer *t = (struct transfer *)compat_newuserdata(L, sizeof(*t));
  memset(t, 0, sizeof(*t));
  type_set(L, transfer_type);
  t->capi = luahttp_push_core(L);
  push_shared(L, t->capi);
  lua_rawgeti(L, -1, SLOT_TYPE);
  t->type = (const struct object_type *)lua_touserdata(L, -1);
  lua_pop(L, 1);
  compat_setslot(L, -3);
  lua_pop(L, 1);
  return t;
}


/* Lets the session find the transfer at the top. */
static void enter (lua_State *L, struct transfer *t) {
  compat_getslot(L, 1);
  lua_pushlightuserdata(L, t);
  lua_pushvalue(L, -3);
  lua_rawset(L, -3);
  lua_pop(L, 1);
}


/* The request's body, which the caller releases, or NULL. Without an allocation
** of Lua's, so that no finalizer closes it before it is sent. */
static struct body *take_body (lua_State *L) {
  struct body *b = NULL;
  if (lua_type(L, BODY) == LUA_TSTRING) {
    size_t n;
    const char *text = lua_tolstring(L, BODY, &n);
    b = body_new();
    if (b == NULL || body_add_bytes(b, text, n) != BODY_OK) {
      body_release(b);
      error_no_memory(L);
    }
  }
  else if (!lua_isnil(L, BODY)) {
    b = luabody_check(L, BODY);
    body_retain(b);
  }
  return b;
}


static enum http_mode read_mode (lua_State *L) {
  int mode;
  lua_getfield(L, MORE, "mode");
  mode = luaL_checkoption(L, -1, modes[HTTP_WHOLE], modes);
  lua_pop(L, 1);
  return (enum http_mode)mode;
}


/* Reads what few requests have. */
static void read_more (lua_State *L, struct http_request *request) {
  luaL_checktype(L, MORE, LUA_TTABLE);
  request->mode = read_mode(L);
  request->query = field_string(L, MORE, "query");
  request->origin = field_string(L, MORE, "origin");
  request->is_bare = request->origin != NULL && field_boolean(L, MORE, "bare");
  request->blocking = request->mode == HTTP_OBJECTS
                      && field_boolean(L, MORE, "blocking");
  request->hold = field_count(L, MORE, "hold", 0);
  request->no_expect = field_boolean(L, MORE, "no_expect");
}


/* Reads the arguments, all but the body. Pushes what keeps them. */
static void read_request (lua_State *L, struct http_request *request) {
  memset(request, 0, sizeof(*request));
  request->method = whole_string(L, METHOD);
  request->path = whole_string(L, PATH);
  if (request->method == NULL || request->path == NULL)
    luaL_argerror(L, METHOD, "no method or path");
  request->with_key = lua_toboolean(L, WITH_KEY);
  request->key = whole_string(L, IDEMPOTENCY_KEY);
  request->type = whole_string(L, CONTENT_TYPE);
  if (!lua_isnil(L, MORE))
    read_more(L, request);
  request->headers = read_headers(L, HEADERS, &request->header_count);
}


/* Whether libcurl was not given all of the request's body. */
static int is_sending (const struct transfer *t) {
  const struct body_reader *r = &t->response.exchange->upload;
  return r->body != NULL && r->given < r->body->length;
}


int transfer_start (lua_State *L, struct http_session *const *http,
                    struct nudge *nudge, const struct ceilings *most) {
  struct http_request request;
  struct response_rules rules;
  enum http_refusal refusal;
  struct http_exchange *x;
  struct transfer *t;
  lua_settop(L, MORE);
  read_request(L, &request);
  request.max_body = most->response;
  nudge_collector(L, http, nudge);
  t = push_transfer(L);
  enter(L, t);
  if (*http == NULL)
    return failure_push_closed(L);
  request.body = take_body(L);
  x = http_start(*http, &request, t, &refusal);
  body_release(request.body);
  if (x == NULL)
    return failure_push_refusal(L, refusal);
  rules.mode = request.mode;
  rules.has_ids = t->type->has_id;
  rules.max_response = most->response;
  rules.max_element = most->object;
  response_open(&t->response, x, &rules);
  lua_pushboolean(L, response_ready(&t->response) || x->status != 0);
  lua_pushboolean(L, is_sending(t));
  return 3;
}
