/* SPDX-License-Identifier: MIT
**
** compat: the only file that knows Lua versions. The sources are written for
** the C API of Lua 5.4; here is what 5.3, 5.2, 5.1 and LuaJIT lack of it. A
** binary built with the headers of 5.1 serves PUC 5.1 and every LuaJIT, so
** nothing of LuaJIT's own is used.
*/

#ifndef lipsync_compat_h
#define lipsync_compat_h

#include <lua.h>
#include <lauxlib.h>
#include <stdint.h>
#include <string.h>

#if defined(__GNUC__)
#define COMPAT_UNUSED __attribute__((unused))
#else
#define COMPAT_UNUSED
#endif

#if defined(_WIN32)
#define COMPAT_EXPORT __declspec(dllexport)
#elif defined(__GNUC__)
#define COMPAT_EXPORT __attribute__((visibility("default")))
#else
#define COMPAT_EXPORT
#endif

#if LUA_VERSION_NUM < 502

#define LUA_OK           0
#define lua_rawlen(L, i) lua_objlen(L, i)

#define luaL_setfuncs  compat_setfuncs
#define luaL_testudata compat_testudata
#undef luaL_newlib
#define luaL_newlib(L, l)                                                      \
  (lua_createtable(L, 0, (int)(sizeof(l) / sizeof((l)[0])) - 1),               \
   luaL_setfuncs(L, l, 0))

/* Sets the functions of 'l' in the table below 'n' upvalues; pops those. */
static COMPAT_UNUSED void compat_setfuncs (lua_State *L, const luaL_Reg *l,
                                           int n) {
  luaL_checkstack(L, n + 1, "too many upvalues");
  for (; l->name != NULL; l++) {
    int i;
    for (i = 0; i < n; i++)
      lua_pushvalue(L, -n);
    lua_pushcclosure(L, l->func, n);
    lua_setfield(L, -(n + 2), l->name);
  }
  lua_pop(L, n);
}

/* The userdata at 'i' if it has the metatable named 'name', else NULL. */
static COMPAT_UNUSED void *compat_testudata (lua_State *L, int i,
                                             const char *name) {
  void *p = lua_touserdata(L, i);
  if (p == NULL || !lua_getmetatable(L, i))
    return NULL;
  luaL_getmetatable(L, name);
  if (!lua_rawequal(L, -1, -2))
    p = NULL;
  lua_pop(L, 2);
  return p;
}

#endif

/* The table attached to a userdata: its user value, on 5.1 its environment. A
** fresh userdata has none from 5.2 on and an unrelated table on 5.1, so the
** caller must know whether it was set. */
#if LUA_VERSION_NUM >= 504
#define compat_newuserdata(L, size) lua_newuserdatauv(L, size, 1)
#define compat_setslot(L, i)        ((void)lua_setiuservalue(L, i, 1))
#define compat_getslot(L, i)        ((void)lua_getiuservalue(L, i, 1))
#else
#define compat_newuserdata(L, size) lua_newuserdata(L, size)
#if LUA_VERSION_NUM >= 502
#define compat_setslot(L, i) lua_setuservalue(L, i)
#define compat_getslot(L, i) lua_getuservalue(L, i)
#else
#define compat_setslot(L, i) ((void)lua_setfenv(L, i))
#define compat_getslot(L, i) lua_getfenv(L, i)
#endif
#endif

/* Whether the running coroutine can yield: 1 or 0, and -1 where the VM cannot
** tell, which is PUC 5.1 and 5.2. A binary for 5.1 finds the function if it is
** loaded by LuaJIT 2.1. */
#if LUA_VERSION_NUM >= 503
#define compat_isyieldable(L) lua_isyieldable(L)
#elif LUA_VERSION_NUM == 501 && defined(__GNUC__) && defined(__ELF__)
extern int lua_isyieldable (lua_State *L) __attribute__((weak));
#define compat_isyieldable(L) ((lua_isyieldable) ? (lua_isyieldable)(L) : -1)
#else
#define compat_isyieldable(L) ((void)(L), -1)
#endif

/* How many of the collector's smallest steps make a group, and groups half a
** millisecond, in a heap of a million tables: a step of 5.2 handles one object,
** one of 5.3 thirty, one of 5.4 thousands. */
#if LUA_VERSION_NUM >= 504
#define COMPAT_GC_STEPS 1
#elif LUA_VERSION_NUM == 503
#define COMPAT_GC_STEPS 512
#elif LUA_VERSION_NUM == 502
#define COMPAT_GC_STEPS 256
#define COMPAT_GC_GROUP 24
#else
#define COMPAT_GC_STEPS 768
#endif
#if !defined(COMPAT_GC_GROUP)
#define COMPAT_GC_GROUP 1
#endif

/* Pushes an integer of 64 bits: exactly where the VM has such integers, as
** the nearest double elsewhere. */
static COMPAT_UNUSED void compat_pushint64 (lua_State *L, int64_t n) {
#if LUA_VERSION_NUM >= 503
  lua_pushinteger(L, (lua_Integer)n);
#else
  lua_pushnumber(L, (lua_Number)n);
#endif
}

/* Whether the number at 'i' is an integer of the VM's own; then it is '*n'. */
static COMPAT_UNUSED int compat_toint64 (lua_State *L, int i, int64_t *n) {
#if LUA_VERSION_NUM >= 503
  *n = (int64_t)lua_tointeger(L, i);
  return lua_isinteger(L, i);
#else
  (void)L;
  (void)i;
  (void)n;
  return 0;
#endif
}

#endif
