/* SPDX-License-Identifier: MIT
**
** options: see options.h. Nothing here raises, for then the texts that were
** read so far would be lost.
*/

#include "../../compat.h"
#include "options.h"

#include <string.h>

/* Reads the value on the top of the stack as one that JSON could hold. */
static void read_value (lua_State *L, const char *name, struct value *v) {
  memset(v, 0, sizeof(*v));
  v->key = name;
  v->text = "";
  switch (lua_type(L, -1)) {
    case LUA_TNUMBER:
      v->type = "real";
      v->number = lua_tonumber(L, -1);
      break;
    case LUA_TSTRING:
      v->type = "text";
      v->text = lua_tostring(L, -1);
      break;
    case LUA_TBOOLEAN: v->type = lua_toboolean(L, -1) ? "true" : "false"; break;
    case LUA_TTABLE: v->type = "object"; break;
    default: v->type = "other";
  }
}

/* The key that follows 'last' (NULL: the first) in the table on the top, by
** its bytes; NULL where there is none. 'org' is set to its value, or to ""
** where that or the key is no string. */
static const char *next_key (lua_State *L, const char *last, const char **org) {
  const char *next = NULL;
  for (lua_pushnil(L); lua_next(L, -2) != 0; lua_pop(L, 1)) {
    int good = lua_type(L, -2) == LUA_TSTRING && lua_type(L, -1) == LUA_TSTRING;
    const char *key = good ? lua_tostring(L, -2) : "";
    if ((last == NULL || strcmp(key, last) > 0)
        && (next == NULL || strcmp(key, next) < 0)) {
      next = key;
      *org = good ? lua_tostring(L, -1) : "";
    }
  }
  return next;
}

/* Adds the keys in the table on the top, sorted: a table has no first key,
** but an emulator has. */
static int read_keys (lua_State *L, struct settings *s, char **why) {
  const char *key = NULL, *org = NULL;
  while ((key = next_key(L, key, &org)) != NULL)
    if (!settings_add_key(s, key, org, why))
      return 0;
  return 1;
}

/* Reads the option whose value is on the top and whose name is below it. */
static int read_option (lua_State *L, struct parameters *p, char **why) {
  struct value v;
  if (lua_type(L, -2) != LUA_TSTRING) {
    *why = sqlite3_mprintf("options are given by name: start { port = 4010 }");
    return 0;
  }
  read_value(L, lua_tostring(L, -2), &v);
  return parameters_read(p, &v, 0, why)
         && (strcmp(v.key, "keys") != 0 || read_keys(L, &p->settings, why));
}

int options_read (lua_State *L, int index, struct parameters *p, char **why) {
  int good = 1;
  lua_pushnil(L);
  while (good && lua_next(L, index) != 0) {
    good = read_option(L, p, why);
    lua_pop(L, good ? 1 : 2);
  }
  return good && settings_check(&p->settings, why);
}
