/* SPDX-License-Identifier: MIT
**
** value: Lua values of JSON text that has passed the scanner.
*/

#include "core.h"

#define SCRATCH 512 /* strings up to here are decoded on the C stack */


void value_push_null (lua_State *L) {
  lua_pushlightuserdata(L, NULL);
}


void value_register (lua_State *L) {
  luaL_newmetatable(L, ARRAY_TYPE);
  lua_pushliteral(L, "array");
  lua_setfield(L, -2, "__jsontype"); /* dkjson asks for this */
  lua_pop(L, 1);
}


/* Marks the table at the top as an array. */
static void mark_array (lua_State *L) {
  luaL_getmetatable(L, ARRAY_TYPE);
  lua_setmetatable(L, -2);
}


int value_array (lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_settop(L, 1);
  if (lua_getmetatable(L, 1)) {
    luaL_getmetatable(L, ARRAY_TYPE);
    luaL_argcheck(L, lua_rawequal(L, -1, -2), 1, "it has a metatable");
    lua_settop(L, 1);
  }
  mark_array(L);
  return 1;
}


static void push_decoded (lua_State *L, const char *text, size_t length) {
  char scratch[SCRATCH];
  char *out = scratch;
  if (length > SCRATCH)
    out = (char *)lua_newuserdata(L, length); /* freed by the collector */
  lua_pushlstring(L, out, json_decode(text, length, out));
  if (length > SCRATCH)
    lua_remove(L, -2);
}


void value_push_string (lua_State *L, const char *text, size_t length,
                        int escaped) {
  if (escaped)
    push_decoded(L, text, length);
  else
    lua_pushlstring(L, text, length);
}


static void push_number (lua_State *L, const char *text, size_t length) {
  int64_t integer;
  double number;
  switch (json_number(text, length, &integer, &number)) {
    case 1: compat_pushint64(L, integer); break;
    case 0: lua_pushnumber(L, (lua_Number)number); break;
    default: error_no_memory(L);
  }
}


static void push_token (lua_State *L, struct json_walk *w,
                        enum json_token token, const struct json_text *text,
                        enum value_nulls nulls);


/* The rest of an array. A null element stays null, to keep its place. Only an
** empty array needs the mark; otherwise it would be an empty object. */
static void push_array (lua_State *L, struct json_walk *w,
                        enum value_nulls nulls) {
  struct json_text text;
  enum json_token token;
  int n = 0;
  lua_newtable(L);
  while ((token = json_next(w, &text)) != JSON_T_ARRAY_CLOSE) {
    if (token == JSON_T_NULL)
      value_push_null(L);
    else
      push_token(L, w, token, &text, nulls);
    lua_rawseti(L, -2, ++n);
  }
  if (n == 0)
    mark_array(L);
}


/* The rest of an object. A repeated key's last value counts, null too: setting
** nil removes the earlier one. */
static void push_object (lua_State *L, struct json_walk *w,
                         enum value_nulls nulls) {
  struct json_text text;
  lua_newtable(L);
  while (json_next(w, &text) == JSON_T_KEY) {
    enum json_token token;
    value_push_string(L, text.data, text.length, text.escaped);
    token = json_next(w, &text);
    push_token(L, w, token, &text, nulls);
    lua_rawset(L, -3);
  }
}


/* Pushes the value that begins with 'token'. Calls itself at most as often as
** the scanner's depth allows. */
static void push_token (lua_State *L, struct json_walk *w,
                        enum json_token token, const struct json_text *text,
                        enum value_nulls nulls) {
  luaL_checkstack(L, 4, "nested too deeply");
  switch (token) {
    case JSON_T_STRING:
      value_push_string(L, text->data, text->length, text->escaped);
      break;
    case JSON_T_NUMBER: push_number(L, text->data, text->length); break;
    case JSON_T_TRUE: lua_pushboolean(L, 1); break;
    case JSON_T_FALSE: lua_pushboolean(L, 0); break;
    case JSON_T_ARRAY_OPEN: push_array(L, w, nulls); break;
    case JSON_T_OBJECT_OPEN: push_object(L, w, nulls); break;
    default:
      if (nulls == NULLS_KEPT)
        value_push_null(L);
      else
        lua_pushnil(L);
  }
}


static void push_other (lua_State *L, const char *text, size_t length,
                        enum value_nulls nulls) {
  struct json_text t;
  struct json_walk w;
  enum json_token token;
  w.at = text;
  w.end = text + length;
  token = json_next(&w, &t);
  push_token(L, &w, token, &t, nulls);
}


void value_push (lua_State *L, const char *text, size_t length,
                 enum value_nulls nulls) {
  if (*text == '"') /* by far the most common one */
    value_push_string(L, text + 1, length - 2,
                      memchr(text, '\\', length) != NULL);
  else
    push_other(L, text, length, nulls);
}


/* Whether 'text' is JSON: then its value is '*value'; if not, '*s' says why. It
** holds no memory. */
static enum json_status validate (struct json_scanner *s, const char *text,
                                  size_t length, struct json_text *value) {
  const struct json_limits limits = {0xffffffffu, JSON_DEPTH_MAX, 0xffffffffu};
  size_t at = 0;
  enum json_status status;
  json_open(s, JSON_ANY, &limits);
  do {
    size_t used = 0;
    status = at < length ? json_feed(s, text + at, length - at, &used)
                         : json_finish(s);
    at += used;
    if (status == JSON_ELEMENT) {
      value->data = text + s->element;
      value->length = s->element_length;
    }
  } while (status == JSON_MORE || status == JSON_ELEMENT);
  json_close(s);
  return status;
}


int value_decode (lua_State *L) {
  struct json_scanner scanner;
  struct json_text value = {NULL, 0, 0};
  size_t length;
  const char *text = luaL_checklstring(L, 1, &length);
  enum json_status status = validate(&scanner, text, length, &value);
  if (status != JSON_END)
    return error_push_json(L, &scanner, status, "value");
  value_push(L, value.data, value.length, NULLS_KEPT);
  return 1;
}
