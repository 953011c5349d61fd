/* SPDX-License-Identifier: MIT
**
** modules: see modules.h.
*/

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compat.h"
#include "modules.h"

#define MOST 200

static struct module {
  char name[60];
  char *code;
  size_t length;
} modules[MOST];

static int count = 0;

int luaopen_lipsync_core (lua_State *L);
int luaopen_lipsync_http (lua_State *L);
int luaopen_lipsync_file (lua_State *L);
int luaopen_lipsync_hmac (lua_State *L);


static int write_code (lua_State *L, const void *data, size_t n, void *to) {
  struct module *m = (struct module *)to;
  char *longer = (char *)realloc(m->code, m->length + n);
  (void)L;
  if (longer == NULL)
    return 1;
  memcpy(longer + m->length, data, n);
  m->code = longer;
  m->length += n;
  return 0;
}


static int dump (lua_State *L, struct module *m) {
#if LUA_VERSION_NUM >= 503
  return lua_dump(L, write_code, m, 0);
#else
  return lua_dump(L, write_code, m);
#endif
}


/* lua/a/b.lua or lua/a/b/init.lua */
static int load_file (lua_State *L, const char *name) {
  char path[100], *at;
  snprintf(path, sizeof(path), "lua/%s", name);
  for (at = path; *at != '\0'; at++)
    if (*at == '.')
      *at = '/';
  memcpy(at, ".lua", 5);
  if (luaL_loadfile(L, path) == LUA_OK)
    return 1;
  lua_pop(L, 1);
  memcpy(at, "/init.lua", 10);
  return luaL_loadfile(L, path) == LUA_OK;
}


static int keep (lua_State *L, const char *name) {
  struct module *m = &modules[count];
  int good;
  if (count == MOST || strlen(name) >= sizeof(m->name))
    return 0;
  if (!load_file(L, name))
    return 0;
  strcpy(m->name, name);
  good = dump(L, m) == 0;
  lua_pop(L, 1);
  count++;
  return good;
}


static int is_library (const char *name) {
  return strcmp(name, "lipsync.core") == 0 || strcmp(name, "lipsync.http") == 0
         || strcmp(name, "lipsync.file") == 0
         || strcmp(name, "lipsync.hmac") == 0;
}


int modules_keep (lua_State *L) {
  /* what only the first client and its resources load */
  static const char rest[] =
    "local client = require 'lipsync'.new { api_key = 'k' } "
    "for _, resource in pairs(client) do "
    "  if type(resource) == 'table' then local _ = resource.list end "
    "end "
    "client:close() "
    "require 'lipsync.compound.receipt'";
  int good = luaL_dostring(L, rest) == 0;
  lua_settop(L, 0);
  lua_getglobal(L, "package");
  lua_getfield(L, -1, "loaded");
  for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1)) {
    const char *name = lua_tostring(L, -2);
    if (strncmp(name, "lipsync", 7) == 0 && !is_library(name))
      good = good && keep(L, name);
  }
  lua_pop(L, 2);
  return good;
}


/* The loader of a module: upvalue 1 is its number. */
static int load_kept (lua_State *L) {
  const struct module *m = &modules[lua_tointeger(L, lua_upvalueindex(1))];
  if (luaL_loadbuffer(L, m->code, m->length, m->name) != LUA_OK)
    return lua_error(L);
  lua_pushstring(L, m->name);
  lua_call(L, 1, 1);
  return 1;
}


void modules_preload (lua_State *L) {
  int i;
  lua_getglobal(L, "package");
  lua_getfield(L, -1, "preload");
  lua_pushcfunction(L, luaopen_lipsync_core);
  lua_setfield(L, -2, "lipsync.core");
  lua_pushcfunction(L, luaopen_lipsync_http);
  lua_setfield(L, -2, "lipsync.http");
  lua_pushcfunction(L, luaopen_lipsync_file);
  lua_setfield(L, -2, "lipsync.file");
  lua_pushcfunction(L, luaopen_lipsync_hmac);
  lua_setfield(L, -2, "lipsync.hmac");
  for (i = 0; i < count; i++) {
    lua_pushinteger(L, i);
    lua_pushcclosure(L, load_kept, 1);
    lua_setfield(L, -2, modules[i].name);
  }
  lua_pop(L, 2);
}
