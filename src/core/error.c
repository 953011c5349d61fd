/* SPDX-License-Identifier: MIT
**
** error: failures as data: a table with a code and its details. The texts are
** in lua/lipsync/error/failure.lua. Also the metatable of Lua's error objects,
** which are another type. Both modules have this file.
*/

#include <errno.h>

#include "capi.h"
#include "platform.h"


int error_no_memory (lua_State *L) {
  lua_pushliteral(L, "not enough memory");
  return lua_error(L);
}


void error_register (lua_State *L) {
  luaL_newmetatable(L, ERROR_TYPE);
}


int error_is (lua_State *L) {
  int is = lua_istable(L, 1) && lua_getmetatable(L, 1);
  if (is) {
    luaL_getmetatable(L, ERROR_TYPE);
    is = lua_rawequal(L, -1, -2);
  }
  lua_pushboolean(L, is);
  return 1;
}


int error_push (lua_State *L, const char *code) {
  lua_pushnil(L);
  lua_createtable(L, 0, 4);
  error_set_string(L, "code", code);
  return 2;
}


void error_set_string (lua_State *L, const char *name, const char *value) {
  lua_pushstring(L, value);
  lua_setfield(L, -2, name);
}


void error_set_number (lua_State *L, const char *name, int64_t value) {
  compat_pushint64(L, value);
  lua_setfield(L, -2, name);
}


/* The names of errors, since their numbers differ between systems. */
#define NAMED(number)                                                          \
  { number, #number }

static const struct {
  int number;
  const char *name;
} os_errors[] = {
  NAMED(ECONNREFUSED), NAMED(ECONNRESET),   NAMED(ETIMEDOUT),
  NAMED(ENETUNREACH),  NAMED(EHOSTUNREACH), NAMED(EADDRNOTAVAIL),
  NAMED(EACCES),       NAMED(EMFILE),       NAMED(ENFILE),
  NAMED(EIO),          NAMED(ENOSPC),       NAMED(EDQUOT),
  NAMED(EFBIG),        NAMED(EROFS),        NAMED(EPERM),
  NAMED(ENAMETOOLONG),
};


void error_set_os_error (lua_State *L, int number) {
  size_t i;
  if (number == 0)
    return;
  error_set_number(L, "os_error", number);
  for (i = 0; i < sizeof(os_errors) / sizeof(os_errors[0]); i++)
    if (os_errors[i].number == number)
      error_set_string(L, "os_name", os_errors[i].name);
}


static const char *json_code (enum json_status status) {
  switch (status) {
    case JSON_E_SHAPE: return "json_shape";
    case JSON_E_ELEMENT: return "json_element";
    case JSON_E_CUT: return "json_cut";
    case JSON_E_SIZE: return "json_size";
    case JSON_E_DEPTH: return "json_depth";
    case JSON_E_MEMBERS: return "json_members";
    default: return "json_syntax";
  }
}


int error_push_json (lua_State *L, const struct json_scanner *s,
                     enum json_status status, const char *wanted) {
  if (status == JSON_E_MEMORY)
    return error_no_memory(L);
  error_push(L, json_code(status));
  error_set_string(L, "wanted", wanted);
  error_set_string(L, "found", json_found_text(s));
  error_set_string(L, "detail", json_error_text(s));
  error_set_number(L, "offset", (int64_t)s->offset);
  error_set_number(L, "limit", (int64_t)s->limits.element);
  return 2;
}
