/* SPDX-License-Identifier: MIT
**
** private_lua: a program that keeps its Lua to itself, as those do whose Lua
** comes with a plugin (VLC, collectd): it opens the library RTLD_LOCAL. Runs a
** file of Lua, and prints what lua_tostring makes of its error.
**
**   private_lua liblua5.4.so.0 FILE
*/

#include <dlfcn.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

typedef struct lua_State lua_State;

/* ISO C has no cast from an object's address to a function's. */
static void find (void *library, const char *name, void *function) {
  void *address = dlsym(library, name);
  memcpy(function, &address, sizeof(address));
}


static int run (void *library, const char *path) {
  lua_State *(*newstate)(void);
  void (*openlibs)(lua_State *);
  int (*loadfilex)(lua_State *, const char *, const char *);
  int (*loadfile)(lua_State *, const char *);
  int (*pcallk)(lua_State *, int, int, int, ptrdiff_t, void *);
  int (*pcall)(lua_State *, int, int, int);
  const char *(*tolstring)(lua_State *, int, size_t *);
  void (*close)(lua_State *);
  const char *text;
  lua_State *L;
  int failed;
  find(library, "luaL_newstate", &newstate);
  find(library, "luaL_openlibs", &openlibs);
  find(library, "luaL_loadfilex", &loadfilex);
  find(library, "luaL_loadfile", &loadfile);
  find(library, "lua_pcallk", &pcallk);
  find(library, "lua_pcall", &pcall);
  find(library, "lua_tolstring", &tolstring);
  find(library, "lua_close", &close);
  L = newstate();
  openlibs(L);
  failed = loadfile != NULL ? loadfile(L, path) : loadfilex(L, path, NULL);
  if (!failed)
    failed = pcall != NULL ? pcall(L, 0, 0, 0) : pcallk(L, 0, 0, 0, 0, NULL);
  if (failed) {
    text = tolstring(L, -1, NULL);
    puts(text != NULL ? text : "(null)");
  }
  close(L);
  return failed;
}


int main (int argc, char **argv) {
  void *library = argc == 3 ? dlopen(argv[1], RTLD_NOW | RTLD_LOCAL) : NULL;
  if (library == NULL) {
    fprintf(stderr, "%s\n", argc == 3 ? dlerror() : "two arguments");
    return 2;
  }
  return run(library, argv[2]) != 0;
}
