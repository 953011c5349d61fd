/* SPDX-License-Identifier: MIT
**
** luatransfer: a Lua object over one exchange and the reading of its response.
** Its value (user value, environment) is a table, which it shares with its
** objects and with other transfers of the session: at [1] their owner; further
** on the session, which so outlives it, and the type of the objects.
*/

#include "header.h"
#include "platform.h"
#include "luahttp.h"

#define GC_TIME 0.5e-3 /* seconds of the collector at a start, see below */

/* The clock is looked at for each object, until the loop that reads them has
** taken less than this (seconds) for so many bytes: then once for as many. */
#define LOOK_BYTES 16384
#define LOOK_TIME  0.25e-3

static const char transfer_type[] = "lipsync.Transfer";

enum slot { SLOT_OWNER = 1, SLOT_SESSION, SLOT_METATABLE, SLOT_TYPE };

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

struct transfer {
  struct response response; /* its exchange is NULL once closed */
  const struct capi *capi;
  const struct object_type *type; /* of the objects that next gives */
  struct {
    double ends;   /* of the time slice */
    double at;     /* when so many bytes began, */
    uint64_t from; /* and how far the objects were read then */
    int is_slow;   /* the loop, before that: see LOOK_TIME */
  } slice;
};

static struct transfer *to_transfer (lua_State *L) {
  return (struct transfer *)type_self(L, transfer_type);
}


/* For http.h's modes, by their numbers. */
static const char *const modes[] = {"whole", "objects", "chunks", "lines",
                                    NULL};

static int is_open (const struct transfer *t) {
  return t->response.exchange != NULL;
}


/* Whether libcurl was not given all of the request's body. */
static int is_sending (const struct transfer *t) {
  const struct body_reader *r = &t->response.exchange->upload;
  return r->body != NULL && r->given < r->body->length;
}


/* ---- Starting ---- */

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


void transfer_push (lua_State *L, void *user) {
  compat_getslot(L, 1);
  lua_pushlightuserdata(L, user);
  lua_rawget(L, -2);
  lua_remove(L, -2);
}


/* Whether there is nothing at [1] of the table at the top. */
static int is_collected (lua_State *L) {
  int is;
  lua_rawgeti(L, -1, 1);
  is = lua_isnil(L, -1);
  lua_pop(L, 1);
  return is;
}


/* Runs a few steps of the collector. Whether they have ended a cycle that knew
** of what was dropped before: by its own word, if something dropped earlier was
** collected since the last end (a cycle that had looked by then takes it for
** used); or, of a generational collector, which gives no word, where two on end
** have each collected something. The session is at 1. */
static int collect (lua_State *L, struct nudge *nudge) {
  int is_end, is_gone, n = COMPAT_GC_GROUP;
  compat_getslot(L, 1); /* a table of weak values */
  if (is_collected(L)) {
    lua_newtable(L);
    lua_rawseti(L, -2, 1);
  }
  do {
    is_end = lua_gc(L, LUA_GCSTEP, 0) > 0;
    is_gone = is_collected(L);
  } while (!is_end && !is_gone && --n > 0);
  lua_pop(L, 1);
  if (is_gone) {
    nudge->has_seen = 1;
    nudge->young = 0;
  }
  nudge->collected = is_gone && !is_end ? nudge->collected + 1 : 0;
  is_end = is_end && nudge->has_seen;
  nudge->has_seen &= !is_end;
  return is_end || nudge->collected >= 2;
}


/* Twice of what is in use, but no less than 'least'. */
static size_t allow (size_t used, size_t least) {
  return used < least / 2 ? least : 2 * used;
}


/* At the end of a cycle. Transfers that were started since it has looked are
** left out: it had to take them for used. */
static void set_allowed (const struct http_session *http, struct nudge *nudge) {
  size_t all = http_count(http), held = http_held(http);
  size_t old = all > nudge->young ? all - nudge->young : 0;
  nudge->transfers = allow(old, NUDGE_TRANSFERS);
  nudge->bytes = allow(all > 0 ? held / all * old : 0, NUDGE_BYTES);
}


/* The collector does not see C memory: an abandoned transfer is small to it,
** whatever it holds. So where there are more of them than are allowed, or they
** hold more, each new one moves it on, the further the more that is: not for
** long where there are only many, which may all be in use, since a frame of the
** program waits for it. At the end of a cycle it is known how much is in use,
** and twice as much is allowed. Not in a large step: what the collector looks
** through is the program's. */
static void nudge_collector (lua_State *L, struct http_session *const *http,
                             struct nudge *nudge) {
  size_t many = http_count(*http) / nudge->transfers;
  size_t much = http_held(*http) / nudge->bytes;
  size_t steps = (many + much) * COMPAT_GC_STEPS;
  double most = GC_TIME * (double)(1 + many / 8 + 4 * much);
  double ends = steps == 0 ? 0 : platform_worked() + most;
  nudge->young++;
  for (; steps > 0 && *http != NULL && platform_worked() < ends; steps--)
    if (collect(L, nudge) && *http != NULL) {
      set_allowed(*http, nudge);
      return;
    }
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


/* ---- Reading ---- */

static int fail (lua_State *L, struct transfer *t) {
  return failure_push(L, &t->response, t->type->name);
}


/* Whether the time slice that ends at the moment at 2 is over. */
static int is_late (lua_State *L, struct transfer *t) {
  double ends = (double)lua_tonumber(L, 2), now;
  uint64_t bytes = t->response.end - t->slice.from;
  int is_new = ends != t->slice.ends;
  if (bytes < LOOK_BYTES && !t->slice.is_slow && !is_new)
    return 0;
  now = platform_now();
  if (bytes >= LOOK_BYTES || is_new) {
    t->slice.is_slow = is_new
                       || (now - t->slice.at) * LOOK_BYTES
                            > LOOK_TIME * (double)bytes;
    t->slice.ends = ends;
    t->slice.at = now;
    t->slice.from = t->response.end;
  }
  return now >= ends;
}


/* Pushes the element 'e' as an object, and takes it. Making the block for it
** may run a finalizer of the program's that closes the transfer, reads it, or
** has its buffer move: so the element is looked up again. 0: it is not what it
** was, and nothing is pushed. The transfer is at 1. */
static int push_object (lua_State *L, struct transfer *t, struct element *e) {
  size_t length = e->length;
  unsigned count = e->count;
  void *block;
  lua_settop(L, 1);
  compat_getslot(L, 1); /* at 2 */
  block = t->capi->alloc(L, e);
  if (!is_open(t) || !response_again(&t->response, e) || e->length != length
      || e->count != count)
    return 0;
  lua_rawgeti(L, 2, SLOT_METATABLE);
  t->capi->init(L, block, e, 2);
  response_take(&t->response);
  return 1;
}


/* transfer:next(): an object, false (wait), nil (the end), or nil and a
** failure. Moves on only when the object exists. */
static int transfer_next (lua_State *L) {
  struct transfer *t = to_transfer(L);
  struct element e;
  lua_settop(L, 1);
  if (!is_open(t))
    return failure_push_closed(L);
  if (t->response.rules.mode == HTTP_CHUNKS)
    return luaL_error(L, "this response is read in chunks");
  switch (response_next(&t->response, &e)) {
    case RESPONSE_THERE:
      if (push_object(L, t, &e))
        return 1;
      if (!is_open(t))
        return failure_push_closed(L);
      /* FALLTHROUGH */
    case RESPONSE_WAIT: lua_pushboolean(L, 0); return 1;
    case RESPONSE_END: return 0;
    default: return fail(L, t);
  }
}


/* transfer:take(ends): the hot path of a listing, all of it but its loop: the
** next object; or nothing, where it has not come, where there is none, or where
** the moment 'ends' has passed. The loop keeps this function, so that there is
** no method to look up, and hardly ever a clock to read. It is one for all
** transfers, because LuaJIT's traces hold the functions that they call, with
** all that these hold. */
static int transfer_take (lua_State *L) {
  struct transfer *t = to_transfer(L);
  struct element e;
  return is_open(t) && t->response.rules.mode != HTTP_CHUNKS
         && t->response.exchange->session != NULL && !is_late(L, t)
         && response_next(&t->response, &e) == RESPONSE_THERE
         && push_object(L, t, &e);
}


#define SHORT_BODY 4096 /* is copied on the C stack */

/* The whole body, 'length' bytes, as a string. It is copied twice, here and
** below, because what makes a string or a block may first run a finalizer of
** the program's, which may close the transfer or read it. False: try again. */
static int push_body (lua_State *L, struct transfer *t, size_t length) {
  char small[SHORT_BODY];
  char *copy = length <= sizeof(small) ? small
                                       : (char *)lua_newuserdata(L, length);
  const char *text;
  size_t n;
  if (!is_open(t))
    return failure_push_closed(L);
  if (response_read(&t->response, &text, &n) != RESPONSE_END || n != length) {
    lua_pushboolean(L, 0);
    return 1;
  }
  memcpy(copy, text, n);
  lua_pushlstring(L, copy, n);
  return 1;
}


/* transfer:read(): the whole body, false (wait), or nil and a failure. */
static int transfer_read (lua_State *L) {
  struct transfer *t = to_transfer(L);
  const char *text;
  size_t length;
  if (!is_open(t))
    return failure_push_closed(L);
  switch (response_read(&t->response, &text, &length)) {
    case RESPONSE_WAIT: lua_pushboolean(L, 0); return 1;
    case RESPONSE_END: return push_body(L, t, length);
    default: return fail(L, t);
  }
}


/* transfer:save(file [, max]): writes the next bytes, at most 64 KiB or 'max',
** to a file of lipsync.file. Returns how many (0 where there are some and 'max'
** is 0), false (wait), nil (the end), or nil and a failure. After a failure of
** the file: how many it took, and the failure. */
static int transfer_save (lua_State *L) {
  struct transfer *t = to_transfer(L);
  struct sink *sink = (struct sink *)luaL_checkudata(L, 2, FILE_TYPE);
  lua_Number most = luaL_optnumber(L, 3, RESPONSE_SLICE);
  size_t max = most < RESPONSE_SLICE ? (size_t)(most > 0 ? most : 0)
                                     : RESPONSE_SLICE;
  const char *data;
  size_t n, taken;
  if (!is_open(t))
    return failure_push_closed(L);
  if (t->response.rules.mode != HTTP_CHUNKS)
    return luaL_error(L, "this response is not read in chunks");
  switch (response_chunk(&t->response, max, &data, &n)) {
    case RESPONSE_WAIT: lua_pushboolean(L, 0); return 1;
    case RESPONSE_THERE: break;
    case RESPONSE_END: return 0;
    default: return fail(L, t);
  }
  taken = sink->write(sink, data, n);
  response_take_bytes(&t->response, taken);
  lua_pushinteger(L, (lua_Integer)taken);
  if (taken == n)
    return 1;
  sink->push_failure(L, sink);
  return 2;
}


/* transfer:done(): whether nothing more will arrive. */
static int transfer_done (lua_State *L) {
  struct transfer *t = to_transfer(L);
  lua_pushboolean(L, !is_open(t) || t->response.exchange->over);
  return 1;
}


/* A closed one is ready: what is asked of it fails at once. */
static int is_ready (const struct transfer *t) {
  return !is_open(t) || response_ready(&t->response);
}


int transfer_is_ready (lua_State *L, int i) {
  return is_ready((struct transfer *)type_check(L, i, transfer_type));
}


unsigned transfer_tell (lua_State *L, int i) {
  struct transfer *t = (struct transfer *)type_check(L, i, transfer_type);
  return is_open(t) ? http_tell(t->response.exchange) : 0;
}


/* transfer:ready(): whether next, save or read would get further now. */
static int transfer_ready (lua_State *L) {
  lua_pushboolean(L, is_ready(to_transfer(L)));
  return 1;
}


static void push_status (lua_State *L, const struct transfer *t) {
  if (is_open(t) && t->response.exchange->status != 0)
    lua_pushinteger(L, t->response.exchange->status);
  else
    lua_pushnil(L);
}


static void push_received (lua_State *L, const struct transfer *t) {
  compat_pushint64(L, is_open(t) ? (int64_t)t->response.exchange->received : 0);
}


/* transfer:look(): ready, status and received in one. */
static int transfer_look (lua_State *L) {
  struct transfer *t = to_transfer(L);
  lua_pushboolean(L, is_ready(t));
  push_status(L, t);
  push_received(L, t);
  return 3;
}


/* transfer:status(): the HTTP status, or nil while it is not known. */
static int transfer_status (lua_State *L) {
  push_status(L, to_transfer(L));
  return 1;
}


/* transfer:header(name): a header of the response, or nil. */
static int transfer_header (lua_State *L) {
  struct transfer *t = to_transfer(L);
  const char *name = luaL_checkstring(L, 2);
  size_t length;
  const char *value = is_open(t)
                        ? http_header(t->response.exchange, name, &length)
                        : NULL;
  if (value == NULL)
    return 0;
  lua_pushlstring(L, value, length);
  return 1;
}


/* Sets table[name] = value for the field; a repeated one is appended. */
static void set_field (lua_State *L, int table,
                       const struct header_field *field) {
  lua_pushlstring(L, field->name, field->name_length);
  lua_pushvalue(L, -1);
  lua_rawget(L, table);
  if (lua_isnil(L, -1))
    lua_pop(L, 1);
  else
    lua_pushliteral(L, ", ");
  lua_pushlstring(L, field->value, field->value_length);
  if (lua_gettop(L) > table + 2)
    lua_concat(L, 3);
  lua_rawset(L, table);
}


/* Not by the locale, where an I may become something else. */
static void to_lower (char *s, size_t n) {
  for (; n > 0; n--, s++)
    if (*s >= 'A' && *s <= 'Z')
      *s = (char)(*s - 'A' + 'a');
}


/* transfer:headers(): those of the response, by their names in lower case;
** nil while there are none. From a copy, because what makes a string may first
** run a finalizer of the program's, which may close the transfer. */
static int transfer_headers (lua_State *L) {
  struct transfer *t = to_transfer(L);
  size_t size = 0, n = 0;
  struct header_field field;
  const char *lines;
  char *copy;
  lua_settop(L, 1);
  if (is_open(t))
    (void)http_headers(t->response.exchange, &size);
  copy = (char *)compat_newuserdata(L, size + 1);
  lines = is_open(t) ? http_headers(t->response.exchange, &n) : NULL;
  if (lines == NULL || n != size)
    return 0;
  lines = (const char *)memcpy(copy, lines, size);
  lua_newtable(L);
  while (header_next(&lines, &n, &field)) {
    to_lower(copy + (field.name - copy), field.name_length);
    set_field(L, 3, &field);
  }
  return 1;
}


/* transfer:received(): bytes of headers and body so far. */
static int transfer_received (lua_State *L) {
  push_received(L, to_transfer(L));
  return 1;
}


/* transfer:position(): where in the decoded body the last object that next gave
** ended, in bytes. */
static int transfer_position (lua_State *L) {
  struct transfer *t = to_transfer(L);
  compat_pushint64(L, is_open(t) ? (int64_t)t->response.end : 0);
  return 1;
}


/* transfer:uploaded(): bytes of the request's body that were given to libcurl,
** which has at most 64 KiB of them not sent yet; and how many there are. */
static int transfer_uploaded (lua_State *L) {
  struct transfer *t = to_transfer(L);
  const struct body_reader *r = is_open(t) ? &t->response.exchange->upload
                                           : NULL;
  int has_body = r != NULL && r->body != NULL;
  compat_pushint64(L, has_body ? (int64_t)r->given : 0);
  compat_pushint64(L, has_body ? (int64_t)r->body->length : 0);
  return 2;
}


/* transfer:held(): whether the server waits for the bytes at the end of the
** request's body that are held back. */
static int transfer_held (lua_State *L) {
  struct transfer *t = to_transfer(L);
  lua_pushboolean(L, is_open(t) && t->response.exchange->held);
  return 1;
}


/* transfer:release(): lets go of those, now or when it comes to them. */
static int transfer_release (lua_State *L) {
  struct transfer *t = to_transfer(L);
  if (is_open(t))
    http_release(t->response.exchange);
  return 0;
}


/* transfer:sent(): whether the request may have reached the server. */
static int transfer_sent (lua_State *L) {
  struct transfer *t = to_transfer(L);
  lua_pushboolean(L, is_open(t) && t->response.exchange->sent);
  return 1;
}


/* transfer:proxy(): the proxy that reads the request, as one of HTTP does where
** that goes to http:, or nil. */
static int transfer_proxy (lua_State *L) {
  struct transfer *t = to_transfer(L);
  if (!is_open(t) || !t->response.exchange->proxy_reads)
    return 0;
  lua_pushstring(L, t->response.exchange->proxy);
  return 1;
}


/* close and __close. */
static int transfer_close (lua_State *L) {
  response_close(&to_transfer(L)->response);
  return 0;
}


static int transfer_gc (lua_State *L) {
  struct transfer *t = (struct transfer *)type_self_or_null(L);
  if (t != NULL)
    response_close(&t->response);
  return 0;
}


static int transfer_tostring (lua_State *L) {
  struct transfer *t = to_transfer(L);
  lua_pushstring(L, is_open(t) ? "Transfer" : "Transfer (closed)");
  return 1;
}


static const luaL_Reg methods[] = {
  {"next", transfer_next},
  {"take", transfer_take},
  {"read", transfer_read},
  {"save", transfer_save},
  {"ready", transfer_ready},
  {"done", transfer_done},
  {"look", transfer_look},
  {"status", transfer_status},
  {"header", transfer_header},
  {"headers", transfer_headers},
  {"received", transfer_received},
  {"sent", transfer_sent},
  {"close", transfer_close},
  {"uploaded", transfer_uploaded},
  {"held", transfer_held},
  {"release", transfer_release},
  {"proxy", transfer_proxy},
  {"position", transfer_position},
  {"__gc", transfer_gc},
  {"__close", transfer_close},
  {"__tostring", transfer_tostring},
  {NULL, NULL},
};


void transfer_register (lua_State *L) {
  type_register(L, transfer_type, methods);
}
