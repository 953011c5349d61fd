/* SPDX-License-Identifier: MIT
**
** error: failures as Lua objects: a kind, a reason and a phrase, to which the
** Lua layer adds what was asked and what to do. The words for what libcurl
** and answers may do are in failure.c. Both modules have this file; its type is
** found in the registry.
*/

#include <stdio.h>

#include "capi.h"

#define PHRASE_MAX 1024


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


int error_push (lua_State *L, const char *kind, const char *reason,
                const char *phrase) {
  lua_pushnil(L);
  lua_createtable(L, 0, 4);
  lua_pushstring(L, kind);
  lua_setfield(L, -2, "kind");
  lua_pushstring(L, reason);
  lua_setfield(L, -2, "reason");
  lua_pushstring(L, phrase);
  lua_setfield(L, -2, "message");
  luaL_getmetatable(L, ERROR_TYPE);
  lua_setmetatable(L, -2);
  return 2;
}


int error_push_shape (lua_State *L, const char *phrase) {
  return error_push(L, "protocol", "shape", phrase);
}


int error_push_json (lua_State *L, const struct json_scanner *s,
                     enum json_status status, const char *wanted) {
  char phrase[PHRASE_MAX];
  size_t size = sizeof(phrase);
  const char *kind = "protocol", *reason = "json";
  switch (status) {
    case JSON_E_MEMORY: return error_no_memory(L);
    case JSON_E_SHAPE:
      snprintf(phrase, size, "expected %s, got %s", wanted, json_found_text(s));
      reason = "shape";
      break;
    case JSON_E_CUT:
      if (s->offset == 0)
        snprintf(phrase, size, "expected %s, got nothing", wanted);
      else
        snprintf(phrase, size, "the JSON ends too early, behind byte %.0f",
                 (double)s->offset);
      break;
    case JSON_E_SIZE:
    case JSON_E_DEPTH:
    case JSON_E_MEMBERS:
      snprintf(phrase, size, "%s", json_error_text(s));
      kind = "limit";
      reason = status == JSON_E_SIZE    ? "max_generation"
               : status == JSON_E_DEPTH ? "depth"
                                        : "members";
      break;
    default:
      snprintf(phrase, size, "invalid JSON at byte %.0f: %s",
               (double)s->offset + 1, json_error_text(s));
  }
  return error_push(L, kind, reason, phrase);
}
