/* SPDX-License-Identifier: MIT
**
** bench_clock: the processor's time of the calling thread alone, in seconds.
*/

#include <time.h>

#include "compat.h"

static int clock_now (lua_State *L) {
  struct timespec now = {0, 0};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  lua_pushnumber(L, (lua_Number)now.tv_sec + (lua_Number)now.tv_nsec * 1e-9);
  return 1;
}

COMPAT_EXPORT int luaopen_bench_clock (lua_State *L);

COMPAT_EXPORT int luaopen_bench_clock (lua_State *L) {
  lua_pushcfunction(L, clock_now);
  return 1;
}
