/* SPDX-License-Identifier: MIT
**
** scripted_core: starts the server of scripted_server.c with a script, and
** reads its notes; scripted.lua is the face of it.
*/

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "compat.h"
#include "scripted.h"

#define TYPE "scripted_server"

static char program[] = "build/scripted_server"; /* the specs run above it */

struct server {
  pid_t pid;   /* 0 when there is none to be reaped */
  int control; /* the pipe's end whose closing ends it */
  int notes;   /* the file of notes, appended to by it */
  off_t read;  /* how much of it has been read */
  int port;
};

/* A script while it is read from Lua's tables, which hold its data. */
struct reading {
  struct script head;
  struct step *steps;
  const char **data; /* one for each step; NULL: it has none */
  size_t length;     /* of all data so far */
};

static double number_field (lua_State *L, int i, const char *name,
                            double fallback) {
  double value;
  lua_getfield(L, i, name);
  value = luaL_optnumber(L, -1, fallback);
  lua_pop(L, 1);
  return value;
}

/* Whether the step at the top has the field. */
static int has_field (lua_State *L, const char *name) {
  int found;
  lua_getfield(L, -1, name);
  found = lua_toboolean(L, -1);
  lua_pop(L, 1);
  return found;
}

/* As has_field; its string is the data of the step that is read. */
static int has_data (lua_State *L, const char *name, struct reading *r) {
  struct step *s = &r->steps[r->head.steps];
  if (!has_field(L, name))
    return 0;
  lua_getfield(L, -1, name);
  r->data[r->head.steps] = luaL_checklstring(L, -1, &s->length);
  s->at = r->length;
  r->length += s->length;
  lua_pop(L, 1);
  return 1;
}

/* Reads the step at the top of the stack. */
static void read_step (lua_State *L, struct reading *r) {
  struct step *s = &r->steps[r->head.steps];
  int i = lua_gettop(L);
  luaL_checktype(L, i, LUA_TTABLE);
  s->times = 1;
  if (has_field(L, "read"))
    s->kind = STEP_READ;
  else if (has_field(L, "await")) {
    s->kind = STEP_AWAIT;
    s->times = number_field(L, i, "await", 0);
  }
  else if (has_field(L, "tell"))
    s->kind = STEP_TELL;
  else if (has_field(L, "hold"))
    s->kind = STEP_HOLD;
  else if (has_field(L, "close"))
    s->kind = STEP_CLOSE;
  else if (has_field(L, "reset"))
    s->kind = STEP_RESET;
  else if (has_field(L, "stall")) {
    s->kind = STEP_STALL;
    s->delay = number_field(L, i, "stall", 0);
  }
  else {
    s->kind = STEP_SEND;
    if (has_data(L, "repeat_send", r))
      s->times = number_field(L, i, "times", FOREVER);
    else if (!has_data(L, "send", r))
      luaL_error(L, "a step of the script is none of the known ones");
    s->chunk = (size_t)number_field(L, i, "chunk", 0);
    s->delay = number_field(L, i, "delay", 0);
  }
  r->head.steps++;
}

/* Reads what the script at the top is for. */
static void read_when (lua_State *L, struct reading *r) {
  struct step *s = &r->steps[r->head.steps];
  s->kind = STEP_WHEN;
  if (!has_data(L, "when", r))
    luaL_error(L, "a script that is picked says 'when'");
  s->times = number_field(L, lua_gettop(L), "times", FOREVER);
  r->head.steps++;
}

/* Pushes zeroed bytes. */
static void *push_zeros (lua_State *L, size_t size) {
  return memset(lua_newuserdata(L, size), 0, size);
}

/* Reads the table of tables at 1, each script with STEP_END behind it. Leaves
** on the stack what the reading points to. */
static void read_scripts (lua_State *L, struct reading *r) {
  size_t total = 1;
  int c, i;
  for (c = 1; c <= r->head.count; c++) {
    lua_rawgeti(L, 1, c);
    luaL_checktype(L, -1, LUA_TTABLE);
    total += (size_t)lua_rawlen(L, -1) + 2;
    lua_pop(L, 1);
  }
  r->steps = (struct step *)push_zeros(L, total * sizeof *r->steps);
  r->data = (const char **)push_zeros(L, total * sizeof *r->data);
  for (c = 1; c <= r->head.count; c++) {
    lua_rawgeti(L, 1, c);
    if (r->head.picks)
      read_when(L, r);
    for (i = 1; i <= (int)lua_rawlen(L, -1); i++) {
      lua_rawgeti(L, -1, i);
      read_step(L, r);
      lua_pop(L, 1);
    }
    r->head.steps++; /* STEP_END */
    lua_pop(L, 1);
  }
}

/* Returns whether all was written. */
static int write_scripts (FILE *f, const struct reading *r) {
  int i;
  fwrite(&r->head, sizeof r->head, 1, f);
  fwrite(r->steps, sizeof *r->steps, (size_t)r->head.steps, f);
  for (i = 0; i < r->head.steps; i++)
    fwrite(r->data[i] != NULL ? r->data[i] : "", 1, r->steps[i].length, f);
  return fflush(f) == 0 && !ferror(f);
}

static void loopback (struct sockaddr_in *a, int port) {
  memset(a, 0, sizeof *a);
  a->sin_family = AF_INET;
  a->sin_port = htons((uint16_t)port);
  a->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
}

/* A listening socket on a free port, or -1. */
static int open_listener (int *port) {
  struct sockaddr_in a;
  socklen_t length = sizeof a;
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0)
    return -1;
  loopback(&a, 0);
  if (bind(fd, (struct sockaddr *)&a, sizeof a) < 0 || listen(fd, 128) < 0
      || getsockname(fd, (struct sockaddr *)&a, &length) < 0) {
    close(fd);
    return -1;
  }
  *port = ntohs(a.sin_port);
  return fd;
}

/* The descriptor, where it is none of those that the server is to have; what
** was given is closed. Passes -1 on. */
static int lift (int fd) {
  int high = fcntl(fd, F_DUPFD_CLOEXEC, FD_COUNT);
  if (fd >= 0)
    close(fd);
  return high;
}

/* A nameless file with the reading in it, or empty without one; or -1. */
static int open_file (const struct reading *r) {
  FILE *f = tmpfile();
  int fd = -1;
  if (f == NULL)
    return -1;
  if (r == NULL || write_scripts(f, r))
    fd = lift(dup(fileno(f)));
  fclose(f);
  return fd;
}

/* Starts the program with the descriptors, FD_SCRIPT being the first; gives 0
** or an error. Its environment is empty: what a sanitizer preloads is not for
** it. */
static int spawn (pid_t *pid, const int *given) {
  char *const none[] = {NULL};
  char *const argv[] = {program, NULL};
  posix_spawn_file_actions_t actions;
  int fd, error = posix_spawn_file_actions_init(&actions);
  if (error != 0)
    return error;
  for (fd = FD_SCRIPT; fd < FD_COUNT && error == 0; fd++)
    error = posix_spawn_file_actions_adddup2(&actions, *given++, fd);
  if (error == 0)
    error = posix_spawn(pid, program, &actions, NULL, argv, none);
  posix_spawn_file_actions_destroy(&actions);
  return error;
}

/* Ends the server and waits for it. */
static void release (struct server *v) {
  if (v->control >= 0)
    close(v->control);
  v->control = -1;
  if (v->pid > 0)
    while (waitpid(v->pid, NULL, 0) < 0 && errno == EINTR)
      continue;
  v->pid = 0;
}

/* Starts the program for a reading; gives 0 or an error. */
static int start (struct server *v, const struct reading *r, int listener) {
  int ends[2], given[FD_COUNT - FD_SCRIPT], error;
  int script = open_file(r);
  if (script < 0)
    return errno;
  if (pipe2(ends, O_CLOEXEC) < 0) {
    close(script);
    return errno;
  }
  v->control = lift(ends[1]);
  given[FD_SCRIPT - FD_SCRIPT] = script;
  given[FD_LISTENER - FD_SCRIPT] = listener;
  given[FD_CONTROL - FD_SCRIPT] = ends[0] = lift(ends[0]);
  given[FD_NOTES - FD_SCRIPT] = v->notes;
  error = spawn(&v->pid, given);
  close(ends[0]);
  close(script);
  return error;
}

/* start(scripts, loop, picks): a server, or an error. Without a script there
** is just a port that nobody listens on. */
static int l_start (lua_State *L) {
  struct reading r;
  struct server *v;
  int listener, error = 0;
  luaL_checktype(L, 1, LUA_TTABLE);
  memset(&r, 0, sizeof r);
  r.head.count = (int)lua_rawlen(L, 1);
  r.head.loop = lua_toboolean(L, 2);
  r.head.picks = lua_toboolean(L, 3);
  read_scripts(L, &r);
  v = (struct server *)push_zeros(L, sizeof *v);
  v->control = v->notes = -1;
  luaL_getmetatable(L, TYPE);
  lua_setmetatable(L, -2);
  v->notes = open_file(NULL);
  listener = lift(open_listener(&v->port));
  if (v->notes < 0 || listener < 0)
    error = errno;
  else {
    fcntl(v->notes, F_SETFL, O_APPEND);
    if (r.head.count > 0)
      error = start(v, &r, listener);
  }
  if (listener >= 0)
    close(listener);
  return error == 0 ? 1 : luaL_error(L, "scripted server: %s", strerror(error));
}

static struct server *check_server (lua_State *L) {
  return (struct server *)luaL_checkudata(L, 1, TYPE);
}

static int m_port (lua_State *L) {
  lua_pushinteger(L, check_server(L)->port);
  return 1;
}

/* The next note: kind, connection, head, body; or nil when there is none. */
static int m_note (lua_State *L) {
  struct server *v = check_server(L);
  struct note n;
  struct stat st;
  char *text;
  if (fstat(v->notes, &st) < 0
      || pread(v->notes, &n, sizeof n, v->read) != (ssize_t)sizeof n
      || st.st_size < v->read + (off_t)(sizeof n + n.length))
    return 0;
  text = (char *)lua_newuserdata(L, n.length + 1);
  if (pread(v->notes, text, n.length, v->read + (off_t)sizeof n)
      != (ssize_t)n.length)
    return 0;
  v->read += (off_t)(sizeof n + n.length);
  lua_pushlstring(L, &n.kind, 1);
  lua_pushinteger(L, n.connection);
  lua_pushlstring(L, text, n.head);
  lua_pushlstring(L, text + n.head, n.length - n.head);
  return 4;
}

static int m_stop (lua_State *L) {
  release(check_server(L));
  return 0;
}

static int m_gc (lua_State *L) {
  struct server *v = check_server(L);
  release(v);
  if (v->notes >= 0)
    close(v->notes);
  v->notes = -1;
  return 0;
}

static double now (void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int l_now (lua_State *L) {
  lua_pushnumber(L, now());
  return 1;
}

static int l_sleep (lua_State *L) {
  poll(NULL, 0, (int)(luaL_checknumber(L, 1) * 1000));
  return 0;
}

/* Appends what 'fd' gives until its end or the deadline; says which. */
static const char *receive (int fd, double deadline, luaL_Buffer *b) {
  char piece[4096];
  for (;;) {
    struct pollfd p;
    ssize_t n;
    int left = (int)((deadline - now()) * 1000);
    p.fd = fd;
    p.events = POLLIN;
    if (left <= 0 || poll(&p, 1, left) == 0)
      return "timeout";
    n = recv(fd, piece, sizeof piece, MSG_DONTWAIT);
    if (n == 0)
      return "closed";
    if (n > 0)
      luaL_addlstring(b, piece, (size_t)n);
    else if (errno == ECONNRESET)
      return "reset";
  }
}

/* A connection to a port of this machine, -1 where nobody listens. */
static int dial (int port) {
  struct sockaddr_in a;
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  loopback(&a, port);
  if (fd < 0 || connect(fd, (struct sockaddr *)&a, sizeof a) == 0)
    return fd;
  close(fd);
  return -1;
}

/* hold(port, text, count): connects so often and sends the text each time;
** gives the descriptors, which release(descriptors) closes. */
static int l_hold (lua_State *L) {
  size_t length;
  const char *text = luaL_checklstring(L, 2, &length);
  int i, count = (int)luaL_checkinteger(L, 3);
  lua_newtable(L);
  for (i = 1; i <= count; i++) {
    int fd = dial((int)luaL_checkinteger(L, 1));
    if (fd < 0 || send(fd, text, length, MSG_NOSIGNAL) < 0)
      return luaL_error(L, "cannot hold %d connections", count);
    lua_pushinteger(L, fd);
    lua_rawseti(L, -2, i);
  }
  return 1;
}

static int l_release (lua_State *L) {
  int i, count = (int)lua_rawlen(L, 1);
  for (i = 1; i <= count; i++) {
    lua_rawgeti(L, 1, i);
    close((int)lua_tointeger(L, -1));
    lua_pop(L, 1);
  }
  return 0;
}

/* exchange(port, text, seconds): connects, sends the text, and reads until the
** server closes or the time is up. Returns what came and "closed", "reset" or
** "timeout"; nil and "refused" where nobody listens. */
static int l_exchange (lua_State *L) {
  luaL_Buffer b;
  const char *how;
  size_t length;
  const char *text = luaL_checklstring(L, 2, &length);
  double deadline = now() + luaL_checknumber(L, 3);
  int fd = dial((int)luaL_checkinteger(L, 1));
  if (fd < 0) {
    lua_pushnil(L);
    lua_pushliteral(L, "refused");
    return 2;
  }
  luaL_buffinit(L, &b);
  if (length > 0 && send(fd, text, length, MSG_NOSIGNAL) < 0)
    how = "reset";
  else
    how = receive(fd, deadline, &b);
  close(fd);
  luaL_pushresult(&b);
  lua_pushstring(L, how);
  return 2;
}

static const luaL_Reg methods[] = {
  {"port", m_port}, {"note", m_note}, {"stop", m_stop},
  {"__gc", m_gc},   {NULL, NULL},
};

static const luaL_Reg functions[] = {
  {"start", l_start}, {"exchange", l_exchange}, {"now", l_now},
  {"sleep", l_sleep}, {"hold", l_hold},         {"release", l_release},
  {NULL, NULL},
};

COMPAT_EXPORT int luaopen_scripted_core (lua_State *L);

COMPAT_EXPORT int luaopen_scripted_core (lua_State *L) {
  luaL_newmetatable(L, TYPE);
  luaL_setfuncs(L, methods, 0);
  lua_pushvalue(L, -1);
  lua_setfield(L, -2, "__index");
  luaL_newlib(L, functions);
  return 1;
}
