/* SPDX-License-Identifier: MIT
**
** luabody: a Lua object over a request's body that body.c makes, so that an
** attempt and its repeat send the same bytes of the same open files.
*/

#include <stdio.h>
#include <stdlib.h>

#include "luahttp.h"

static const char body_type[] = "lipsync.Body";

struct luabody {
  struct body *body; /* NULL once closed */
};

/* For every enum body_status that making a body gives. */
static const char *const codes[] = {
  [BODY_MISSING] = "file_missing",     [BODY_UNREADABLE] = "file_unreadable",
  [BODY_FOLDER] = "file_folder",       [BODY_SPECIAL] = "file_special",
  [BODY_EMPTY] = "file_empty",         [BODY_RANGE] = "file_range",
  [BODY_MALFORMED] = "part_malformed",
};


/* Pushes nil and a failure. The path may be NULL. */
static int push_status (lua_State *L, enum body_status status, int os_error,
                        const char *path) {
  if (status == BODY_NO_MEMORY)
    return error_no_memory(L);
  error_push(L, codes[status]);
  error_set_string(L, "path", path);
  if (status == BODY_UNREADABLE)
    error_set_os_error(L, os_error);
  return 2;
}


/* ---- Making one ---- */

static struct luabody *push_body (lua_State *L) {
  struct luabody *b = (struct luabody *)compat_newuserdata(L, sizeof(*b));
  b->body = NULL;
  type_set(L, body_type);
  b->body = body_new();
  if (b->body == NULL)
    error_no_memory(L);
  return b;
}


/* Adds what the table at 'i' says: bytes, or a range of a file. */
static enum body_status add_content (lua_State *L, int i, struct body *b,
                                     const char **path, int *os_error) {
  int fd = (int)field_number(L, i, "fd", -1);
  enum body_status status;
  *path = field_string(L, i, "file");
  if (*path == NULL && fd < 0) {
    size_t n;
    const char *bytes;
    lua_getfield(L, i, "bytes");
    bytes = luaL_checklstring(L, -1, &n);
    status = body_add_bytes(b, bytes, n);
    lua_pop(L, 1);
    return status;
  }
  return body_add_file(b, *path, fd, field_count(L, i, "offset", 0),
                       field_count(L, i, "length", BODY_REST), os_error);
}


/* Begins the part that the table at 'i' describes. */
static enum body_status begin_part (lua_State *L, int i, struct body *b) {
  size_t name_length, filename_length = 0;
  const char *name, *filename = NULL;
  enum body_status status;
  lua_getfield(L, i, "name");
  name = luaL_checklstring(L, -1, &name_length);
  lua_getfield(L, i, "filename");
  if (!lua_isnil(L, -1))
    filename = luaL_checklstring(L, -1, &filename_length);
  status = body_begin_part(b, name, name_length, filename, filename_length,
                           field_string(L, i, "type"));
  lua_pop(L, 2);
  return status;
}


/* Adds the parts of the array at 1. */
static enum body_status add_parts (lua_State *L, struct body *b,
                                   const char **path, int *os_error) {
  const char *boundary = field_string(L, 1, "boundary");
  enum body_status status = body_set_boundary(b, boundary);
  int n;
  for (n = 1; status == BODY_OK; n++) {
    int i = lua_gettop(L) + 1;
    lua_rawgeti(L, 1, n);
    if (lua_isnil(L, i)) {
      lua_settop(L, i - 1);
      return body_end_parts(b);
    }
    luaL_checktype(L, i, LUA_TTABLE);
    status = begin_part(L, i, b);
    if (status == BODY_OK)
      status = add_content(L, i, b, path, os_error);
    lua_settop(L, i - 1);
  }
  return status;
}


int luabody_new (lua_State *L) {
  struct luabody *b;
  enum body_status status;
  const char *path = NULL;
  int os_error = 0, is_multipart;
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_settop(L, 1);
  b = push_body(L);
  is_multipart = field_string(L, 1, "boundary") != NULL;
  status = is_multipart ? add_parts(L, b->body, &path, &os_error)
                        : add_content(L, 1, b->body, &path, &os_error);
  if (status == BODY_OK)
    return 1;
  push_status(L, status, os_error, path);
  if (is_multipart)
    error_set_number(L, "index", b->body->parts);
  body_release(b->body);
  b->body = NULL;
  return 2;
}


static struct body *check_open (lua_State *L, const struct luabody *b) {
  if (b->body == NULL)
    luaL_error(L, "the body is closed");
  return b->body;
}


struct body *luabody_check (lua_State *L, int i) {
  return check_open(L, (struct luabody *)type_check(L, i, body_type));
}


static struct luabody *to_body (lua_State *L) {
  return (struct luabody *)type_self(L, body_type);
}


static struct body *check_body (lua_State *L) {
  return check_open(L, to_body(L));
}


/* ---- Methods ---- */

/* Pushes a text that differs for any other state of a file. */
static int push_stamp (lua_State *L, const struct body_stamp *s) {
  char text[120];
  snprintf(text, sizeof(text), "%llu:%llu:%llu:%lld.%09ld",
           (unsigned long long)s->device, (unsigned long long)s->inode,
           (unsigned long long)s->size, (long long)s->seconds, s->nanoseconds);
  lua_pushstring(L, text);
  return 1;
}


int luabody_stamp (lua_State *L) {
  struct body_stamp stamp;
  int os_error = 0;
  const char *path = luaL_checkstring(L, 1);
  enum body_status status = body_stamp(path, &stamp, &os_error);
  return status == BODY_OK ? push_stamp(L, &stamp)
                           : push_status(L, status, os_error, path);
}


/* body:stamp([part]): of its file when it was opened, or nil without one. */
static int method_stamp (lua_State *L) {
  const struct body *b = check_body(L);
  struct body_stamp stamp;
  const char *path;
  if (!body_file_of(b, (unsigned)luaL_optinteger(L, 2, 1), &path, &stamp))
    return 0;
  return push_stamp(L, &stamp);
}


/* body:changed(): the first part whose file is not as it was opened any more,
** or nil. */
static int method_changed (lua_State *L) {
  unsigned part = body_changed(check_body(L));
  if (part == 0)
    return 0;
  lua_pushinteger(L, (lua_Integer)part);
  return 1;
}


/* body:length(): in bytes. */
static int method_length (lua_State *L) {
  compat_pushint64(L, (int64_t)check_body(L)->length);
  return 1;
}


/* A transfer that sends it goes on. */
static void release (struct luabody *b) {
  body_release(b->body);
  b->body = NULL;
}


/* close and __close. */
static int method_close (lua_State *L) {
  release(to_body(L));
  return 0;
}


static int method_gc (lua_State *L) {
  struct luabody *b = (struct luabody *)type_self_or_null(L);
  if (b != NULL)
    release(b);
  return 0;
}


static const luaL_Reg methods[] = {
  {"stamp", method_stamp},
  {"changed", method_changed},
  {"length", method_length},
  {"close", method_close},
  {"__gc", method_gc},
  {"__close", method_close},
  {NULL, NULL},
};


void luabody_register (lua_State *L) {
  type_register(L, body_type, methods);
}
