/* SPDX-License-Identifier: MIT
**
** threads: many Lua states in as many threads, each with a client of its own,
** against one service; and threads that start, do a little and end. For the
** thread sanitizer, and for what of libcurl is made once per process.
**
** threads BASE_URL
*/

#include <lauxlib.h>
#include <lualib.h>
#include <pthread.h>
#include <stdio.h>

#define THREADS 16
#define CALLS   20 /* of each that stays */
#define ROUNDS  8  /* of threads that come and go */

int luaopen_lipsync_core (lua_State *L);
int luaopen_lipsync_http (lua_State *L);
int luaopen_lipsync_file (lua_State *L);

static const char *base_url;

static const char script[] =
  "local url, calls = ...\n"
  "local lipsync = require 'lipsync'\n"
  "local client = assert(lipsync.new { api_key = 'test-key',\n"
  "  base_url = url, timeout = 120 })\n"
  "for _ = 1, calls do\n"
  "  local n = 0\n"
  "  for generation in client.generations:list { limit = 5 } do\n"
  "    assert(assert(client.generations:get(generation)).id\n"
  "      == generation.id)\n"
  "    assert(generation:decode().id == generation.id)\n"
  "    n = n + 1\n"
  "  end\n"
  "  assert(n == 5)\n"
  "  local _, err = client.generations:delete\n"
  "    '00000000-0000-4000-8000-000000000000'\n"
  "  assert(err.statusCode == 404, tostring(err))\n"
  "end\n"
  "if calls > 1 then client:close() end\n";


/* Runs the script; returns NULL, or what was wrong, as the thread's result. */
static void *run (int calls) {
  static char why[THREADS][300];
  static int failed = 0;
  static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
  char *text = NULL;
  lua_State *L = luaL_newstate();
  luaL_openlibs(L);
  lua_getglobal(L, "package");
  lua_getfield(L, -1, "preload");
  lua_pushcfunction(L, luaopen_lipsync_core);
  lua_setfield(L, -2, "lipsync.core");
  lua_pushcfunction(L, luaopen_lipsync_http);
  lua_setfield(L, -2, "lipsync.http");
  lua_pushcfunction(L, luaopen_lipsync_file);
  lua_setfield(L, -2, "lipsync.file");
  luaL_loadstring(L, script);
  lua_pushstring(L, base_url);
  lua_pushinteger(L, calls);
  if (lua_pcall(L, 2, 0, 0) != 0) {
    const char *message = lua_tostring(L, -1);
    pthread_mutex_lock(&lock);
    text = why[failed++ % THREADS];
    snprintf(text, sizeof(why[0]), "%s",
             message == NULL ? "an error object" : message);
    pthread_mutex_unlock(&lock);
  }
  lua_close(L);
  return text;
}


static void *stay (void *unused) {
  (void)unused;
  return run(CALLS);
}


static void *come_and_go (void *unused) {
  (void)unused;
  return run(1);
}


/* All threads of one kind; how many failed. */
static unsigned run_all (void *(*body)(void *)) {
  pthread_t threads[THREADS];
  unsigned failed = 0;
  int i;
  for (i = 0; i < THREADS; i++)
    if (pthread_create(&threads[i], NULL, body, NULL) != 0)
      return THREADS;
  for (i = 0; i < THREADS; i++) {
    void *why = NULL;
    pthread_join(threads[i], &why);
    if (why != NULL) {
      fprintf(stderr, "%s\n", (const char *)why);
      failed++;
    }
  }
  return failed;
}


int main (int argc, char **argv) {
  unsigned failed;
  int i;
  if (argc < 2) {
    fprintf(stderr, "threads BASE_URL\n");
    return 2;
  }
  base_url = argv[1];
  failed = run_all(stay);
  for (i = 0; i < ROUNDS; i++)
    failed += run_all(come_and_go);
  printf("%u passed, %u failed\n", THREADS * (ROUNDS + 1) - failed, failed);
  return failed == 0 ? 0 : 1;
}
