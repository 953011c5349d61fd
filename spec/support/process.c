/* SPDX-License-Identifier: MIT
**
** process: fork, and what a spec needs beside it. A forked child runs a Lua
** function and ends by _exit, so that nothing of the parent's is cleaned up
** twice: not its buffers, not its finalizers.
*/

#include <errno.h>
#if defined(__linux__)
#include <malloc.h>
#endif
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <lualib.h>

#include "capi.h"

/* In the child: calls the function at 1; the string that it returns, or its
** error's text, goes to the pipe. */
static void run_child (lua_State *L, int out) {
  size_t length = 0;
  const char *text;
  int failed;
  lua_settop(L, 1);
  failed = lua_pcall(L, 0, 1, 0) != LUA_OK;
  text = lua_tolstring(L, -1, &length);
  while (length > 0) {
    ssize_t n = write(out, text, length);
    if (n <= 0)
      break;
    text += n;
    length -= (size_t)n;
  }
  _exit(failed ? 1 : 0);
}


/* process.fork(fn): runs fn in a child. Gives its id and a descriptor. */
static int process_fork (lua_State *L) {
  int ends[2];
  pid_t pid;
  luaL_checktype(L, 1, LUA_TFUNCTION);
  if (pipe(ends) != 0)
    return luaL_error(L, "no pipe");
  pid = fork();
  if (pid < 0)
    return luaL_error(L, "no child");
  if (pid == 0) {
    close(ends[0]);
    run_child(L, ends[1]);
  }
  close(ends[1]);
  lua_pushinteger(L, pid);
  lua_pushinteger(L, ends[0]);
  return 2;
}


/* process.wait(pid, descriptor): what the child wrote, and how it ended: its
** exit status, or the negative number of the signal that killed it. */
static int process_wait (lua_State *L) {
  pid_t pid = (pid_t)luaL_checkinteger(L, 1);
  int fd = (int)luaL_checkinteger(L, 2), status = 0;
  char bytes[4096];
  luaL_Buffer b;
  ssize_t n;
  luaL_buffinit(L, &b);
  while ((n = read(fd, bytes, sizeof(bytes))) > 0)
    luaL_addlstring(&b, bytes, (size_t)n);
  close(fd);
  luaL_pushresult(&b);
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
    ;
  lua_pushinteger(L,
                  WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status));
  return 2;
}


/* process.descriptors(): how many are open. */
static int process_descriptors (lua_State *L) {
  int fd, n = 0, most = (int)sysconf(_SC_OPEN_MAX);
  for (fd = 0; fd < (most > 0 && most < 4096 ? most : 4096); fd++) {
    int copy = dup(fd);
    if (copy >= 0) {
      n++;
      close(copy);
    }
  }
  lua_pushinteger(L, n);
  return 1;
}


/* process.heap(): how many bytes the C library's allocator has given out, or
** nil where it does not count them. */
static int process_heap (lua_State *L) {
#if defined(__GLIBC__) && (__GLIBC__ > 2 || __GLIBC_MINOR__ >= 33)
  struct mallinfo2 info = mallinfo2();
  lua_pushnumber(L, (lua_Number)(info.uordblks + info.hblkhd));
#else
  lua_pushnil(L);
#endif
  return 1;
}


/* Resumes a coroutine that has its function on its stack. */
static int resume (lua_State *co, lua_State *from) {
#if LUA_VERSION_NUM >= 504
  int n;
  return lua_resume(co, from, 0, &n);
#elif LUA_VERSION_NUM >= 502
  return lua_resume(co, from, 0);
#else
  (void)from;
  return lua_resume(co, 0);
#endif
}


/* process.state(text, in_coroutine): runs 'text' in a Lua state of its own,
** which is closed whatever it left open, as a program in C would: by lua_pcall,
** or in a coroutine that it has made. True, or nil and why: what lua_tostring
** makes of the error, else its type. Paths are those of now. */
static int process_state (lua_State *L) {
  const char *text = luaL_checkstring(L, 1), *why = "";
  lua_State *other = luaL_newstate(), *co = other;
  int failed;
  if (other == NULL)
    return luaL_error(L, "no Lua state");
  luaL_openlibs(other);
  if (lua_toboolean(L, 2))
    co = lua_newthread(other);
  failed = luaL_loadstring(co, text) != LUA_OK
           || (co == other ? lua_pcall(co, 0, 0, 0) : resume(co, other)) > 1;
  if (failed)
    why = lua_isstring(co, -1) ? lua_tostring(co, -1) : luaL_typename(co, -1);
  lua_pushboolean(L, !failed);
  lua_pushstring(L, why);
  lua_close(other);
  return 2;
}


/* process.catch(fn): as pcall. */
static int process_catch (lua_State *L) {
  int failed;
  lua_settop(L, 1);
  failed = lua_pcall(L, 0, 0, 0) != LUA_OK;
  lua_pushboolean(L, !failed);
  lua_insert(L, 1);
  return lua_gettop(L);
}


/* process.unset(name): takes a variable out of the environment. */
static int process_unset (lua_State *L) {
  unsetenv(luaL_checkstring(L, 1));
  return 0;
}


/* process.lend(version): what a core of another build would lend. */
static int process_lend (lua_State *L) {
  const char *version = luaL_checkstring(L, 1);
  struct capi *capi = (struct capi *)lua_newuserdata(L, sizeof(*capi));
  memset(capi, 0, sizeof(*capi));
  strncpy(capi->version, version, sizeof(capi->version) - 1);
  lua_setfield(L, LUA_REGISTRYINDEX, CAPI);
  return 0;
}


static const luaL_Reg functions[] = {
  {"fork", process_fork},
  {"wait", process_wait},
  {"descriptors", process_descriptors},
  {"heap", process_heap},
  {"state", process_state},
  {"catch", process_catch},
  {"unset", process_unset},
  {"lend", process_lend},
  {NULL, NULL},
};


COMPAT_EXPORT int luaopen_process (lua_State *L);

COMPAT_EXPORT int luaopen_process (lua_State *L) {
  luaL_newlib(L, functions);
  return 1;
}
