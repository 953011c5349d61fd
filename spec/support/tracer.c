/* SPDX-License-Identifier: MIT
**
** tracer: runs a Lua function in a forked child under ptrace, notes its system
** calls, and kills it by SIGKILL at any of them. Each call is two stops: one
** before the kernel does it, one after. What the parent has loaded does not
** have to be loaded again, so all stops are the function's own, but for a few
** at its start and end.
*/

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <lualib.h>

#include "capi.h"

#define FORBIDDEN 77        /* status of a child that may not be traced */
#define PATH_SIZE 4096      /* longest path that is noted */
#define MOST      (1 << 20) /* most bytes of a write that are noted */

COMPAT_EXPORT int luaopen_tracer (lua_State *L);

/* On systems of 32 bits an offset takes two arguments. */
#if defined(PTRACE_GET_SYSCALL_INFO) && UINTPTR_MAX > 0xffffffffu

/* ---- What is noted ---- */

enum note { NOTHING, PATH, TWO_PATHS, BYTES };

/* A system call by its name, and which arguments are a path or bytes. */
struct known {
  const char *name;
  long number;
  enum note note;
  int at, second; /* of PATH, TWO_PATHS; the length follows BYTES */
};

/* All that change files or send, and those that leave files as they are. */
static const struct known known_calls[] = {
#ifdef SYS_open
  {"open", SYS_open, PATH, 0, 0},
  {"unlink", SYS_unlink, PATH, 0, 0},
  {"rename", SYS_rename, TWO_PATHS, 0, 1},
  {"link", SYS_link, TWO_PATHS, 0, 1},
#endif
  {"open", SYS_openat, PATH, 1, 0},
  {"unlink", SYS_unlinkat, PATH, 1, 0},
#ifdef SYS_renameat
  {"rename", SYS_renameat, TWO_PATHS, 1, 3},
#endif
  {"rename", SYS_renameat2, TWO_PATHS, 1, 3},
  {"link", SYS_linkat, TWO_PATHS, 1, 3},
  {"write", SYS_write, BYTES, 1, 0},
  {"pwrite", SYS_pwrite64, BYTES, 1, 0},
  {"send", SYS_sendto, BYTES, 1, 0},
  {"truncate", SYS_ftruncate, NOTHING, 0, 0},
  {"fsync", SYS_fsync, NOTHING, 0, 0},
  {"fdatasync", SYS_fdatasync, NOTHING, 0, 0},
  {"close", SYS_close, NOTHING, 0, 0},
  {"read", SYS_read, NOTHING, 0, 0},
  {"pread", SYS_pread64, NOTHING, 0, 0},
  {"seek", SYS_lseek, NOTHING, 0, 0},
  {"flock", SYS_flock, NOTHING, 0, 0},
  {"fcntl", SYS_fcntl, NOTHING, 0, 0},
#ifdef SYS_epoll_ctl
  {"epoll_ctl", SYS_epoll_ctl, NOTHING, 0, 0},
#endif
#ifdef SYS_fstat
  {"fstat", SYS_fstat, NOTHING, 0, 0},
#endif
#ifdef SYS_newfstatat
  {"fstat", SYS_newfstatat, NOTHING, 0, 0},
#endif
};


static const struct known *find_call (uint64_t number) {
  size_t i;
  for (i = 0; i < sizeof(known_calls) / sizeof(*known_calls); i++)
    if (known_calls[i].number == (long)number)
      return &known_calls[i];
  return NULL;
}


/* Copies at most 'n' bytes of the child's memory; how many there were. Reads
** page by page, because a path may end before a page that is not there. */
static size_t peek (pid_t thread, uint64_t address, char *out, size_t n) {
  size_t done = 0;
  while (done < n) {
    size_t page = 4096 - (size_t)((address + done) % 4096);
    struct iovec to, from;
    ssize_t got;
    to.iov_base = out + done;
    to.iov_len = from.iov_len = n - done < page ? n - done : page;
    from.iov_base = (void *)(uintptr_t)(address + done);
    got = process_vm_readv(thread, &to, 1, &from, 1, 0);
    if (got <= 0)
      break;
    done += (size_t)got;
  }
  return done;
}


/* Sets 'name' of the record on top to a path of the child's. */
static void note_path (lua_State *L, pid_t thread, uint64_t address,
                       const char *name) {
  char path[PATH_SIZE];
  size_t got = peek(thread, address, path, sizeof(path) - 1);
  path[got] = '\0';
  lua_pushstring(L, path);
  lua_setfield(L, -2, name);
}


static void note_bytes (lua_State *L, pid_t thread, uint64_t address,
                        uint64_t n) {
  size_t most = n < MOST ? (size_t)n : MOST;
  char *bytes = (char *)lua_newuserdata(L, most + 1);
  lua_pushlstring(L, bytes, peek(thread, address, bytes, most));
  lua_remove(L, -2);
  lua_setfield(L, -2, "bytes");
}


/* Pushes a record of a call that begins: its six arguments, name, path, to,
** bytes, and for open whether it empties the file. */
static void push_call (lua_State *L, pid_t thread, uint64_t number,
                       const uint64_t *args) {
  const struct known *call = find_call(number);
  int i;
  lua_newtable(L);
  for (i = 0; i < 6; i++) {
    lua_pushnumber(L, (lua_Number)(int64_t)args[i]);
    lua_rawseti(L, -2, i + 1);
  }
  if (call == NULL)
    lua_pushfstring(L, "call %d", (int)number);
  else
    lua_pushstring(L, call->name);
  lua_setfield(L, -2, "name");
  if (call == NULL)
    return;
  if (call->note == PATH || call->note == TWO_PATHS)
    note_path(L, thread, args[call->at], "path");
  if (call->note == PATH) {
    lua_pushboolean(L, (args[call->at + 1] & O_TRUNC) != 0);
    lua_setfield(L, -2, "empties");
  }
  if (call->note == TWO_PATHS)
    note_path(L, thread, args[call->second], "to");
  if (call->note == BYTES)
    note_bytes(L, thread, args[call->at], args[call->at + 1]);
}


/* ---- The child ---- */

/* Calls the function at 1 and writes to 'out' what it returns or raises. */
static void run_child (lua_State *L, int out) {
  size_t length = 0;
  const char *text;
  int failed;
  setpgid(0, 0);
  if (ptrace(PTRACE_TRACEME, 0, 0, 0) != 0)
    _exit(FORBIDDEN);
  raise(SIGSTOP);
  lua_settop(L, 1);
  failed = lua_pcall(L, 0, 1, 0) != LUA_OK;
  text = lua_tolstring(L, -1, &length);
  if (text != NULL && write(out, text, length) < 0)
    failed = 1;
  _exit(failed);
}


/* ---- The parent ---- */

struct trace {
  pid_t pid;
  long stops;   /* so far */
  long kill_at; /* the stop to kill it at; 0: none */
  int calls;    /* noted so far, in the table at CALLS */
  int status;   /* as from waitpid, of its end */
};

/* Stack slots of tracer_run. */
enum { FUNCTION = 1, KILL_AT, CALLS, PENDING };

/* Notes the call that a thread begins, or the result of that which it ends.
** PENDING has the call of each thread. */
static void note_stop (lua_State *L, struct trace *t, pid_t thread) {
  struct __ptrace_syscall_info info;
  void *to = &info;
  if (ptrace(PTRACE_GET_SYSCALL_INFO, thread, (void *)sizeof(info), to) < 0)
    return;
  if (info.op == PTRACE_SYSCALL_INFO_ENTRY) {
    push_call(L, thread, info.entry.nr, info.entry.args);
    lua_pushvalue(L, -1);
    lua_rawseti(L, CALLS, ++t->calls);
    lua_rawseti(L, PENDING, (int)thread);
  }
  else if (info.op == PTRACE_SYSCALL_INFO_EXIT) {
    lua_rawgeti(L, PENDING, (int)thread);
    if (lua_istable(L, -1)) {
      lua_pushnumber(L, (lua_Number)info.exit.rval);
      lua_setfield(L, -2, "result");
    }
    lua_pop(L, 1);
  }
}


static int is_syscall_stop (int status) {
  return WIFSTOPPED(status) && WSTOPSIG(status) == (SIGTRAP | 0x80);
}


/* The signal to hand on after a stop: none for those of the tracing itself. */
static int signal_of (int status) {
  int number = WSTOPSIG(status);
  return number == SIGSTOP || (number & ~0x80) == SIGTRAP ? 0 : number;
}


/* Handles a stop. A thread that is killed is not resumed: it dies. */
static void go_on (lua_State *L, struct trace *t, pid_t thread, int status) {
  if (is_syscall_stop(status)) {
    note_stop(L, t, thread);
    if (++t->stops == t->kill_at) {
      kill(t->pid, SIGKILL);
      return;
    }
  }
  ptrace(PTRACE_SYSCALL, thread, 0, (void *)(intptr_t)signal_of(status));
}


/* Traces the stopped child until it has ended. */
static void trace (lua_State *L, struct trace *t) {
  const long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL
                       | PTRACE_O_TRACECLONE;
  pid_t thread = t->pid;
  ptrace(PTRACE_SETOPTIONS, thread, 0, (void *)options);
  ptrace(PTRACE_SYSCALL, thread, 0, 0);
  for (;;) {
    int status;
    thread = waitpid(-t->pid, &status, __WALL);
    if (thread < 0 && errno == EINTR)
      continue;
    if (thread < 0)
      return;
    if (WIFSTOPPED(status))
      go_on(L, t, thread, status);
    else if (thread == t->pid) {
      t->status = status;
      return;
    }
  }
}


/* Starts the child; its pid, and its output. */
static pid_t start (lua_State *L, int *output) {
  int ends[2];
  pid_t pid;
  if (pipe(ends) != 0)
    return luaL_error(L, "no pipe");
  pid = fork();
  if (pid < 0)
    return luaL_error(L, "no child");
  if (pid == 0)
    run_child(L, ends[1]);
  close(ends[1]);
  *output = ends[0];
  return pid;
}


/* Pushes what the child has written: no more than a pipe holds. */
static void push_output (lua_State *L, int output) {
  char bytes[4096];
  luaL_Buffer b;
  ssize_t n;
  luaL_buffinit(L, &b);
  while ((n = read(output, bytes, sizeof(bytes))) > 0)
    luaL_addlstring(&b, bytes, (size_t)n);
  close(output);
  luaL_pushresult(&b);
}


/* tracer.run(fn [, kill_at]): runs fn in a child, and kills it at a stop,
** counted from 1. Returns what fn returned or raised, a string; the exit
** status of the child, or the negative number of the signal that killed it;
** the number of stops; and its calls in order. Or nil and a reason, where it
** may not be traced. */
static int tracer_run (lua_State *L) {
  struct trace t = {0, 0, 0, 0, 0};
  int output = -1;
  luaL_checktype(L, FUNCTION, LUA_TFUNCTION);
  t.kill_at = (long)luaL_optinteger(L, KILL_AT, 0);
  lua_settop(L, KILL_AT);
  lua_newtable(L);
  lua_newtable(L);
  t.pid = start(L, &output);
  while (waitpid(t.pid, &t.status, __WALL) < 0 && errno == EINTR)
    ;
  if (!WIFSTOPPED(t.status)) {
    close(output);
    lua_pushnil(L);
    lua_pushliteral(L, "this system forbids tracing");
    return 2;
  }
  trace(L, &t);
  push_output(L, output);
  lua_pushinteger(L, WIFEXITED(t.status) ? WEXITSTATUS(t.status)
                                         : -WTERMSIG(t.status));
  lua_pushinteger(L, t.stops);
  lua_pushvalue(L, CALLS);
  return 4;
}

#else

static int tracer_run (lua_State *L) {
  lua_pushnil(L);
  lua_pushliteral(L, "this system does not tell system calls");
  return 2;
}

#endif


int luaopen_tracer (lua_State *L) {
  lua_newtable(L);
  lua_pushcfunction(L, tracer_run);
  lua_setfield(L, -2, "run");
  return 1;
}
