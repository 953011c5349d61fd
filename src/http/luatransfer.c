/* SPDX-License-Identifier: MIT
**
** luatransfer: a Lua object over one exchange and the reading of its response.
** luastart.c makes it.
*/

#include "header.h"
#include "luatransfer.h"
#include "platform.h"

/* The clock is looked at for each object, until the loop that reads them has
** taken less than this (seconds) for so many bytes: then once for as many. */
#define LOOK_BYTES 16384
#define LOOK_TIME  0.25e-3

const char transfer_type[] = "lipsync.Transfer";


static struct transfer *to_transfer (lua_State *L) {
  return (struct transfer *)type_self(L, transfer_type);
}


static int is_open (const struct transfer *t) {
  return t->response.exchange != NULL;
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


/* Pushes the whole body, 'length' bytes, as an object. It is looked up once
** more when the block is made, as in push_object; its members are where they
** were in it. 0: it is none that needs little room, so nothing is pushed. */
static int push_object_of (lua_State *L, struct transfer *t, const char *text,
                           size_t length) {
  struct json_member room[ELEMENT_ROOM];
  struct json_scanner s;
  struct element e;
  size_t offset, again;
  void *block;
  if (length > t->response.rules.max_element
      || element_scan(&s, room, text, length, &e) != JSON_END
      || (t->type->has_id && !element_has_id(&e)))
    return 0;
  offset = (size_t)(e.text - text);
  compat_getslot(L, 1); /* at 2 */
  block = t->capi->alloc(L, &e);
  if (!is_open(t) || response_read(&t->response, &text, &again) != RESPONSE_END
      || again != length)
    return 0;
  e.text = text + offset;
  lua_rawgeti(L, 2, SLOT_METATABLE);
  t->capi->init(L, block, &e, 2);
  return 1;
}


/* Reads the whole body; as an object, if that is asked for and it is one. */
static int read_whole (lua_State *L, int as_object) {
  struct transfer *t = to_transfer(L);
  const char *text;
  size_t length;
  lua_settop(L, 1);
  if (!is_open(t))
    return failure_push_closed(L);
  switch (response_read(&t->response, &text, &length)) {
    case RESPONSE_WAIT: lua_pushboolean(L, 0); return 1;
    case RESPONSE_END: break;
    default: return fail(L, t);
  }
  if (as_object && t->response.exchange->status < 300
      && push_object_of(L, t, text, length))
    return 1;
  return push_body(L, t, length);
}


/* transfer:read(): the whole body, false (wait), or nil and a failure. */
static int transfer_read (lua_State *L) {
  return read_whole(L, 0);
}


/* transfer:object(): the same; of a response that is an object, that. */
static int transfer_object (lua_State *L) {
  return read_whole(L, 1);
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


void transfer_push (lua_State *L, void *user) {
  compat_getslot(L, 1);
  lua_pushlightuserdata(L, user);
  lua_rawget(L, -2);
  lua_remove(L, -2);
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
  {"object", transfer_object},
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
