/* SPDX-License-Identifier: MIT
**
** torture: makes every public call while its first, second, third …
** allocation fails, until the call makes no more. Each round has a fresh Lua
** state with a client. The call may fail, but never crashes; made again, it
** must work; after closing, no byte and no descriptor may be left.
**
** torture [-q] [CALL…]: only those calls; -q: every seventh allocation.
*/

#include <dirent.h>
#include <lauxlib.h>
#include <lualib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "compat.h"
#include "fault.h"
#include "json.h"
#include "modules.h"
#include "responder.h"

#define MOST    100000ul /* no call makes as many allocations */
#define SAMPLED 2000ul   /* beyond so many, which is loading, some only */
#define SLOW    5.0      /* seconds that no call takes, nor its failure */
#define LATE    5.0      /* seconds that a thread may take to end */

static const char *const kind_names[] = {"Lua", "C", "system"};

static char url[64];
static unsigned long passed, failed, refused, survived;
static const char *name; /* the call under torture */
static enum fault_kind kind;
static int lasting;
static unsigned long at;


static void complain (const char *what, const char *more) {
  failed++;
  fprintf(stderr, "%s, %s allocation %lu%s fails: %s: %s\n", name,
          kind_names[kind], at, lasting ? " and all behind it" : "", what,
          more);
}


/* ---- The Lua state ---- */

/* relent(): from here on memory is there. */
static int relent (lua_State *L) {
  (void)L;
  fault_disarm();
  return 0;
}


static lua_State *new_state (void) {
#if defined(TORTURE_OWN_ALLOCATOR)
  return luaL_newstate();
#else
  return lua_newstate(fault_lua, NULL);
#endif
}


/* Leaves the table of calls on the stack. */
static int load_calls (lua_State *L) {
  luaL_openlibs(L);
  modules_preload(L);
  if (luaL_loadfile(L, "spec/torture/calls.lua") != LUA_OK)
    return lua_error(L);
  lua_pushstring(L, url);
  lua_pushliteral(L, "http://127.0.0.1:1");
  lua_pushcfunction(L, relent);
  lua_call(L, 3, 1);
  return 1;
}


/* Pushes the prepared call. */
static int prepare (lua_State *L) {
  load_calls(L);
  lua_getfield(L, -1, name);
  lua_call(L, 0, 1);
  return 1;
}


static int push_text (lua_State *L) {
  luaL_checkstack(L, 3, "");
  lua_getglobal(L, "tostring");
  lua_pushvalue(L, 1);
  lua_call(L, 1, 1);
  return 1;
}


/* Tells the responder what all operations are answered with. The state that
** holds the texts has to stay open until it has started; NULL on failure. */
static lua_State *tell_responder (void) {
  static const char lines[] =
    "local lines = {} "
    "for _, each in ipairs(dofile 'spec/support/operations.lua'.list) do "
    "  for _, exchange in ipairs(each.exchanges) do "
    "    lines[#lines + 1] = { each.method .. ' /sample' .. each.path "
    "      .. exchange[1] .. ' ', each.status, exchange[2] } "
    "  end "
    "end "
    "return lines";
  lua_State *L = luaL_newstate();
  int i, good;
  luaL_openlibs(L);
  good = luaL_dostring(L, lines) == 0;
  for (i = 1; good && i <= (int)lua_rawlen(L, 1); i++) {
    lua_settop(L, 1);
    lua_rawgeti(L, 1, i);
    lua_rawgeti(L, 2, 1);
    lua_rawgeti(L, 2, 2);
    lua_rawgeti(L, 2, 3); /* the table keeps the texts */
    good = responder_tell(lua_tostring(L, 3), (int)lua_tointeger(L, 4),
                          lua_tostring(L, 5));
  }
  if (good)
    return L;
  lua_close(L);
  return NULL;
}


/* The message at the top, an error object's too. */
static const char *message (lua_State *L) {
  lua_pushcfunction(L, push_text);
  lua_insert(L, -2);
  if (lua_pcall(L, 1, 1, 0) != LUA_OK || lua_tostring(L, -1) == NULL)
    return "?";
  return lua_tostring(L, -1);
}


/* ---- One round ---- */

static double now (void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}


static int count_descriptors (void) {
  int n = 0;
  DIR *d = opendir("/proc/self/fd");
  while (d != NULL && readdir(d) != NULL)
    n++;
  if (d != NULL)
    closedir(d);
  return n;
}


/* How a failure may be reported: as Lua's memory error, or, if libcurl did not
** say that it was memory, as an error object. */
static int is_told (const char *text) {
  static const char *const words[] = {"not enough memory", "cannot connect",
                                      "the connection ", "cannot resolve",
                                      "too many open files"};
  size_t i;
  for (i = 0; i < sizeof(words) / sizeof(words[0]); i++)
    if (strstr(text, words[i]) != NULL)
      return 1;
  return 0;
}


/* The call at the top with allocations failing; it stays there. Returns
** whether one was reached. */
static int call_failing (lua_State *L) {
  int status;
  unsigned long struck;
  double begun = now();
  lua_pushvalue(L, -1);
  fault_arm(kind, at, lasting);
  status = lua_pcall(L, 0, 0, 0);
  struck = fault_disarm();
  if (now() - begun > SLOW)
    complain("too slow", "");
  if (status == LUA_OK) {
    survived += struck > 0;
    return struck > 0;
  }
  refused++;
  if (!is_told(message(L)))
    complain("an unexpected error", lua_tostring(L, -1));
  lua_pop(L, 1);
  return 1;
}


static void call_again (lua_State *L) {
  lua_gc(L, LUA_GCCOLLECT, 0);
  lua_gc(L, LUA_GCCOLLECT, 0);
  lua_pushvalue(L, -1);
  if (lua_pcall(L, 0, 0, 0) == LUA_OK)
    return;
  complain("it does not work again", message(L));
  lua_pop(L, 1);
}


/* What is held beyond what was held before, in words; NULL: nothing. */
static const char *left (long lua, long c, int descriptors) {
  static char text[100];
  long more_lua = fault_held(FAULT_LUA) - lua, more_c = fault_held(FAULT_C) - c;
  int more = count_descriptors() - descriptors;
#if defined(LUA_JITLIBNAME)
  if (more_lua <= 256) /* LuaJIT's own: it loses some where loading fails */
    more_lua = 0;
#endif
  if (more_lua == 0 && more_c == 0 && more == 0)
    return NULL;
  snprintf(text, sizeof(text), "%ld bytes of Lua, %ld of C, %d descriptors",
           more_lua, more_c, more);
  return text;
}


/* A thread of libcurl's may give back what it has a moment later. */
static void check_left (long lua, long c, int descriptors) {
  double until = now() + LATE;
  const char *text;
  while ((text = left(lua, c, descriptors)) != NULL && now() < until)
    usleep(1000);
  if (text != NULL)
    complain("left behind", text);
}


/* Whether the allocation was reached. */
static int run_round (void) {
  long lua = fault_held(FAULT_LUA), c = fault_held(FAULT_C);
  int descriptors = count_descriptors(), reached = 0;
  unsigned long before = failed;
  lua_State *L = new_state();
  if (L == NULL) {
    complain("no Lua state", "");
    return 0;
  }
  lua_pushcfunction(L, prepare);
  if (lua_pcall(L, 0, 1, 0) != LUA_OK)
    complain("it cannot be prepared", message(L));
  else {
    reached = call_failing(L);
    call_again(L);
  }
  lua_close(L);
  check_left(lua, c, descriptors);
  if (failed == before)
    passed++;
  return reached;
}


/* ---- All of them ---- */

static void torture_call (unsigned long step) {
  static const enum fault_kind kinds[] = {
#if !defined(TORTURE_OWN_ALLOCATOR)
    FAULT_LUA,
#endif
    FAULT_C,
    FAULT_SYSTEM
  };
  size_t i;
  for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
    for (lasting = 0; lasting <= 1; lasting++) {
      kind = kinds[i];
      for (at = 1; at < MOST && run_round(); at += step)
        if (at > SAMPLED)
          at += at / 64;
      if (at >= MOST)
        complain("no end", "");
    }
}


/* The names of the calls, in order. */
static char **list_calls (int *count) {
  static const char sorted[] =
    "local names = {} for name in pairs(...) do names[#names + 1] = name end "
    "table.sort(names) return table.concat(names, ' ')";
  static char text[8000], *names[400];
  char *word;
  lua_State *L = new_state();
  *count = 0;
  load_calls(L);
  if (luaL_loadstring(L, sorted) != LUA_OK)
    return names;
  lua_insert(L, -2);
  lua_call(L, 1, 1);
  snprintf(text, sizeof(text), "%s", lua_tostring(L, -1));
  lua_close(L);
  for (word = strtok(text, " "); word != NULL; word = strtok(NULL, " "))
    if ((size_t)*count < sizeof(names) / sizeof(names[0]))
      names[(*count)++] = word;
  return names;
}


/* libcurl and the C library make some things once and keep them. */
static void warm_up (char **names, int count) {
  unsigned long before = failed;
  int i;
  for (i = 0; i < count; i++) {
    lua_State *L = new_state();
    name = names[i];
    lua_pushcfunction(L, prepare);
    if (lua_pcall(L, 0, 1, 0) != LUA_OK || lua_pcall(L, 0, 0, 0) != LUA_OK)
      complain("it does not work", message(L));
    else if (i == 0 && !modules_keep(L))
      complain("a module cannot be compiled", "");
    lua_close(L);
  }
  if (failed > before)
    exit(1);
}


/* What is made once per process: when that fails, it is tried again. */
static void torture_once (void) {
  static const char text[] = "12345678901234567890.5e-7";
  int64_t integer;
  double number;
  name = "first number";
  kind = FAULT_C;
  at = 1;
  lasting = 1;
  fault_arm(kind, at, lasting);
  if (json_number(text, sizeof(text) - 1, &integer, &number) != -1)
    complain("no error", "");
  fault_disarm();
  if (json_number(text, sizeof(text) - 1, &integer, &number) == 0)
    passed++;
  else
    complain("it does not work again", "");
}


int main (int argc, char **argv) {
  unsigned long step = 1;
  struct responder responder;
  lua_State *texts = tell_responder();
  int count, i;
  char **names;
  if (texts == NULL || !responder_start(&responder) || !fault_hook_curl()) {
    fprintf(stderr, "torture cannot start\n");
    return 1;
  }
  lua_close(texts);
  sprintf(url, "http://127.0.0.1:%d", responder.port);
  names = list_calls(&count);
  if (argc > 1 && strcmp(argv[1], "-q") == 0) {
    step = 7;
    argv++;
    argc--;
  }
  if (argc > 1) {
    names = argv + 1;
    count = argc - 1;
  }
  torture_once();
  warm_up(names, count);
  for (i = 0; i < count; i++) {
    unsigned long before = passed, wrong = failed;
    name = names[i];
    torture_call(step);
    printf("%-24s %lu rounds, %lu failed\n", name, passed - before,
           failed - wrong);
    fflush(stdout);
  }
  responder_stop(&responder);
  printf("%lu calls refused, %lu went on all the same\n", refused, survived);
  printf("%lu passed, %lu failed\n", passed, failed);
  return failed == 0 && passed > 0 ? 0 : 1;
}
