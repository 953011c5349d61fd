/* SPDX-License-Identifier: MIT
**
** terminal: lipsync.terminal, what the command needs of the system that Lua
** does not have. Only the command loads it, because the handling of signals
** belongs to a program and not to a library in it.
*/

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include "compat.h"

/* Set by the handler, and never cleared: the next signal ends the process. */
static volatile sig_atomic_t interrupted;


static int check_fd (lua_State *L) {
  return (int)luaL_checkinteger(L, 1);
}


/* terminal.is_terminal(fd). */
static int is_terminal (lua_State *L) {
  lua_pushboolean(L, isatty(check_fd(L)));
  return 1;
}


/* terminal.size(fd): its columns and lines; nil where they are not known. */
static int size_of (lua_State *L) {
  struct winsize size;
  memset(&size, 0, sizeof(size));
  if (ioctl(check_fd(L), TIOCGWINSZ, &size) != 0 || size.ws_col == 0)
    return 0;
  lua_pushinteger(L, size.ws_col);
  lua_pushinteger(L, size.ws_row);
  return 2;
}


/* terminal.echo(fd, on): whether it shows what is typed. Returns whether that
** was so before. */
static int echo (lua_State *L) {
  int fd = check_fd(L), was;
  struct termios t;
  if (tcgetattr(fd, &t) != 0) {
    lua_pushboolean(L, 0);
    return 1;
  }
  was = (t.c_lflag & ECHO) != 0;
  if (lua_toboolean(L, 2))
    t.c_lflag |= (tcflag_t)ECHO;
  else
    t.c_lflag &= ~(tcflag_t)ECHO;
  (void)tcsetattr(fd, TCSAFLUSH, &t);
  lua_pushboolean(L, was);
  return 1;
}


static void on_interrupt (int number) {
  (void)number;
  interrupted = 1;
}


static void handle (int number, void (*handler)(int), int flags) {
  struct sigaction action;
  memset(&action, 0, sizeof(action));
  sigemptyset(&action.sa_mask);
  action.sa_handler = handler;
  action.sa_flags = flags;
  (void)sigaction(number, &action, NULL);
}


/* terminal.catch_signals(): the first SIGINT is remembered, and a second one
** ends the process. A write to a closed pipe or socket fails, and no more. */
static int catch_signals (lua_State *L) {
  (void)L;
  handle(SIGINT, on_interrupt, (int)SA_RESETHAND);
  handle(SIGPIPE, SIG_IGN, 0);
  return 0;
}


/* terminal.interrupted(): whether SIGINT has come. */
static int was_interrupted (lua_State *L) {
  lua_pushboolean(L, interrupted != 0);
  return 1;
}


/* terminal.die_of_pipe(): ends the process as others end whose reader is gone:
** by the signal, without a word. */
static int die_of_pipe (lua_State *L) {
  (void)L;
  handle(SIGPIPE, SIG_DFL, 0);
  (void)raise(SIGPIPE);
  return 0; /* where it is blocked */
}


/* terminal.permissions(path): the mode's last nine bits; or nil and why not. */
static int permissions (lua_State *L) {
  struct stat s;
  if (stat(luaL_checkstring(L, 1), &s) == 0) {
    lua_pushinteger(L, (lua_Integer)(s.st_mode & 0777));
    return 1;
  }
  lua_pushnil(L);
  lua_pushstring(L, strerror(errno));
  return 2;
}


/* What load_ahead has begun. */
static pthread_t loading;
static int is_loading;

/* Binds what it can at the first call, as for a program that is linked with
** libcurl; the module's own names, which are not called through a table, are
** bound at once. */
static void *load (void *path) {
  void *library = dlopen(path, RTLD_LAZY);
  void *found = library != NULL ? dlsym(library, "lipsync_http_prepare") : NULL;
  int (*prepare)(void);
  memcpy(&prepare, &found, sizeof(prepare)); /* no object is a function */
  if (prepare != NULL)
    (void)prepare();
  free(path);
  return NULL;
}


/* The path of a library in the folder of this one, to be freed; or NULL. */
static char *path_beside (const char *name) {
  static const char here;
  Dl_info info;
  const char *last;
  char *path;
  size_t folder;
  if (dladdr(&here, &info) == 0 || info.dli_fname == NULL)
    return NULL;
  last = strrchr(info.dli_fname, '/');
  folder = last != NULL ? (size_t)(last + 1 - info.dli_fname) : 0;
  path = malloc(folder + strlen(name) + 1);
  if (path != NULL) {
    memcpy(path, info.dli_fname, folder);
    strcpy(path + folder, name);
  }
  return path;
}


/* terminal.load_ahead(): begins to load lipsync.http with libcurl and its
** thirty libraries, in a thread, which takes as long as to read all Lua files.
** The `require` that follows reports what fails. */
static int load_ahead (lua_State *L) {
  char *path = is_loading ? NULL : path_beside("http.so");
  sigset_t all, before;
  (void)L;
  if (path == NULL)
    return 0;
  sigfillset(&all); /* signals are for the program's own thread */
  (void)pthread_sigmask(SIG_SETMASK, &all, &before);
  is_loading = pthread_create(&loading, NULL, load, path) == 0;
  (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
  if (!is_loading)
    free(path);
  return 0;
}


/* terminal.await_load(): waits for the end of that, if it was begun. */
static int await_load (lua_State *L) {
  (void)L;
  if (is_loading)
    (void)pthread_join(loading, NULL);
  is_loading = 0;
  return 0;
}


static const luaL_Reg functions[] = {
  {"is_terminal", is_terminal},
  {"size", size_of},
  {"echo", echo},
  {"catch_signals", catch_signals},
  {"interrupted", was_interrupted},
  {"die_of_pipe", die_of_pipe},
  {"permissions", permissions},
  {"load_ahead", load_ahead},
  {"await_load", await_load},
  {NULL, NULL},
};


COMPAT_EXPORT int luaopen_lipsync_terminal (lua_State *L);

COMPAT_EXPORT int luaopen_lipsync_terminal (lua_State *L) {
  luaL_newlib(L, functions);
  return 1;
}
