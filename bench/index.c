/* SPDX-License-Identifier: MIT
**
** bench_index: the measure for reading a field. A userdata whose __index is
** the cheapest C function there can be: it returns an upvalue.
*/

#include "compat.h"

static int index_upvalue (lua_State *L) {
  lua_pushvalue(L, lua_upvalueindex(1));
  return 1;
}

COMPAT_EXPORT int luaopen_bench_index (lua_State *L);

COMPAT_EXPORT int luaopen_bench_index (lua_State *L) {
  (void)compat_newuserdata(L, 1);
  lua_createtable(L, 0, 1);
  lua_pushliteral(L, "COMPLETED");
  lua_pushcclosure(L, index_upvalue, 1);
  lua_setfield(L, -2, "__index");
  lua_setmetatable(L, -2);
  return 1;
}
