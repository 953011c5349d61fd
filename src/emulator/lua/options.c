/* SPDX-License-Identifier: MIT
**
** lua_options: see lua_options.h.
*/

#include "../../compat.h"
#include "options.h"
#include "../store/text.h"

#include <string.h>

int lua_options_raise (lua_State *L, char *why) {
  luaL_where(L, 1);
  lua_pushstring(L, why != NULL ? why : "not enough memory");
  sqlite3_free(why);
  lua_concat(L, 2);
  return lua_error(L);
}

static const char *const option_names[] = {
  "port",        "host",        "database",      "keys",
  "generations", "random_seed", "import",        "now",
  "log",         "gone_cursor", "hang_up_after", "ignore_status_filter",
  NULL};

/* Raises that the value on the top is of another type than wanted. */
static int wrong (lua_State *L, const char *name, const char *wanted) {
  return luaL_error(L, "%s must be %s, not %s", name, wanted,
                    luaL_typename(L, -1));
}

/* Each of these reads the value on the top, which stays there. */

static const char *read_string (lua_State *L, const char *name) {
  if (lua_type(L, -1) != LUA_TSTRING)
    wrong(L, name, "a string");
  return lua_tostring(L, -1);
}

static int64_t read_integer (lua_State *L, const char *name, double most) {
  double n = lua_tonumber(L, -1);
  if (lua_type(L, -1) != LUA_TNUMBER)
    wrong(L, name, "a number");
  if (!(n >= 0 && n <= most) || n != (double)(int64_t)n)
    lua_options_raise(
      L,
      sqlite3_mprintf("%s must be a whole number from 0 to %.0f", name, most));
  return (int64_t)n;
}

static int read_boolean (lua_State *L, const char *name) {
  if (!lua_isboolean(L, -1))
    wrong(L, name, "true or false");
  return lua_toboolean(L, -1);
}

/* A time, as text or as seconds since 1970. */
static int64_t read_now (lua_State *L) {
  int64_t now = 0;
  if (lua_type(L, -1) == LUA_TNUMBER) {
    double seconds = lua_tonumber(L, -1);
    if (!(seconds >= 0 && seconds < 2.5e11))
      luaL_error(L, "now must be a time after 1970");
    return (int64_t)(seconds * 1000);
  }
  if (!time_parse(read_string(L, "now"), &now))
    luaL_error(L,
               "now must be a time like \"2026-08-25T12:00:00Z\" or "
               "seconds since 1970");
  return now;
}

/* One of the three words. */
static enum gone_cursor read_gone (lua_State *L) {
  const char *text = read_string(L, "gone_cursor");
  if (strcmp(text, "error") == 0)
    return GONE_ERROR;
  if (strcmp(text, "empty") == 0)
    return GONE_EMPTY;
  if (strcmp(text, "position") != 0)
    luaL_error(L,
               "gone_cursor must be \"error\", \"empty\" or "
               "\"position\"");
  return GONE_POSITION;
}

/* Reads { KEY = ORGANIZATION, … } into a userdata that is left on the stack.
** They are sorted: a table has no first key, but an emulator has. */
static void read_keys (lua_State *L, struct options *o) {
  int count = 0, i, table = lua_gettop(L);
  struct key *keys;
  if (!lua_istable(L, table))
    wrong(L, "keys", "a table");
  for (lua_pushnil(L); lua_next(L, table); lua_pop(L, 1), count++)
    if (lua_type(L, -2) != LUA_TSTRING || lua_type(L, -1) != LUA_TSTRING)
      luaL_error(L, "keys must be a table { KEY = ORGANIZATION }");
  if (count == 0)
    luaL_error(L, "keys must not be empty");
  keys = lua_newuserdata(L, (size_t)count * sizeof(*keys));
  count = 0;
  for (lua_pushnil(L); lua_next(L, table); lua_pop(L, 1), count++) {
    const char *key = lua_tostring(L, -2);
    for (i = count; i > 0 && strcmp(keys[i - 1].key, key) > 0; i--)
      keys[i] = keys[i - 1];
    keys[i].key = key;
    keys[i].org = lua_tostring(L, -1);
  }
  o->keys = keys;
  o->key_count = count;
}

/* Reads the value of one option, all but "keys". */
static void read_option (lua_State *L, struct options *o, const char *name) {
  if (strcmp(name, "port") == 0)
    o->port = (int)read_integer(L, name, 65535);
  else if (strcmp(name, "host") == 0)
    o->host = read_string(L, name);
  else if (strcmp(name, "database") == 0)
    o->database = read_string(L, name);
  else if (strcmp(name, "generations") == 0)
    o->generations = read_integer(L, name, (double)GENERATIONS_MAX);
  else if (strcmp(name, "random_seed") == 0)
    o->seed = (uint64_t)read_integer(L, name, 9007199254740992.0);
  else if (strcmp(name, "import") == 0)
    o->import = read_string(L, name);
  else if (strcmp(name, "now") == 0)
    o->now = read_now(L);
  else if (strcmp(name, "log") == 0)
    o->log = read_boolean(L, name);
  else if (strcmp(name, "gone_cursor") == 0)
    o->settings.gone_cursor = read_gone(L);
  else if (strcmp(name, "hang_up_after") == 0)
    o->settings.hang_up_after = (int)read_integer(L, name, 86400);
  else if (strcmp(name, "ignore_status_filter") == 0)
    o->settings.ignore_status_filter = read_boolean(L, name);
}

/* Raises the first name in the table at 1 that is no option's. */
static void check_option_names (lua_State *L) {
  const char *const *name;
  for (lua_pushnil(L); lua_next(L, 1); lua_pop(L, 1)) {
    if (lua_type(L, -2) != LUA_TSTRING)
      luaL_error(L, "options are given by name: start { port = 4010 }");
    for (name = option_names; *name != NULL; name++)
      if (strcmp(*name, lua_tostring(L, -2)) == 0)
        break;
    if (*name == NULL)
      lua_options_raise(
        L, text_unknown("option", lua_tostring(L, -2), option_names));
  }
}

void lua_options_read (lua_State *L, struct options *o) {
  const char *const *name;
  options_open(o);
  if (lua_isnoneornil(L, 1))
    return;
  luaL_checktype(L, 1, LUA_TTABLE);
  check_option_names(L);
  luaL_checkstack(L, 32, "options");
  for (name = option_names; *name != NULL; name++) {
    lua_getfield(L, 1, *name);
    if (lua_isnil(L, -1))
      lua_pop(L, 1);
    else if (strcmp(*name, "keys") == 0)
      read_keys(L, o);
    else
      read_option(L, o, *name);
  }
}
