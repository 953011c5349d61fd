/* SPDX-License-Identifier: MIT
**
** scripted_server: a TCP server for specs that sends exactly the bytes it was
** told to, where an HTTP library would not. It lives in a forked child, and
** each connection in a child of that one, which run no Lua, allocate nothing
** and end by _exit: at the end of their script, or when the pipe that the
** parent holds is closed, by stop() or because the parent is gone.
** scripted.lua is the face of it.
*/

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "compat.h"

#define TYPE "scripted_server"

#define FOREVER (-1.0)

enum step_kind {
  STEP_END,   /* of a connection's script: as STEP_CLOSE */
  STEP_READ,  /* one request, head and body */
  STEP_AWAIT, /* its head and 'times' bytes of its body; they stay unread */
  STEP_SEND,  /* 'data', 'times' times, in pieces of 'chunk' bytes */
  STEP_STALL, /* do nothing for 'delay' seconds */
  STEP_TELL,  /* say that the script is here */
  STEP_HOLD,  /* read and drop until the peer closes */
  STEP_CLOSE, /* in an orderly way */
  STEP_RESET, /* so that the peer sees ECONNRESET */
  STEP_WHEN   /* begins a script that is picked: for a head with 'data',
                  'times' times */
};

struct step {
  enum step_kind kind;
  const char *data; /* a Lua string's: the script's table holds it */
  size_t length;
  size_t chunk;
  double delay;
  double times; /* FOREVER: until the peer goes away */
};

/* What a server notes in its file: this, then 'length' bytes. */
struct note {
  char kind; /* 'a' accepted, 'r' request, 'g' the peer is gone */
  int connection;
  size_t head; /* how many of the bytes are the request's head */
  size_t length;
};

struct server {
  pid_t pid;   /* 0 when there is none to be reaped */
  int control; /* the pipe's end whose closing ends the children */
  int notes;   /* the file of notes, appended to by the children */
  off_t read;  /* how much of it has been read */
  int port;
};

/* ---- The children ---- */

/* One process serves one connection, so its state can be global. */
static struct {
  int control;
  int notes;
  int socket;
  int connection;
  int picks;   /* whether each request has a script of its own */
  int *used;   /* how often each was picked, by all children */
  size_t head; /* length of the last request's head, in 'input'
                               until more is read */
  size_t have; /* bytes in 'input' */
  char input[4 * 1024 * 1024];
} child;

/* Waits until 'fd' (-1: none) is ready; returns 0 when the time is up. Does
** not return when the parent has closed the pipe. */
static int wait_for (int fd, short events, double seconds) {
  struct pollfd p[2];
  int n;
  p[0].fd = child.control;
  p[0].events = POLLIN;
  p[1].fd = fd;
  p[1].events = events;
  p[0].revents = p[1].revents = 0;
  do {
    n = poll(p, 2, seconds < 0 ? -1 : (int)(seconds * 1000 + 0.5));
  } while (n < 0 && errno == EINTR);
  if (p[0].revents != 0)
    _exit(0);
  return n > 0;
}

/* One write to a file opened for appending: notes never mix. */
static void note (char kind, const char *data, size_t head, size_t length) {
  struct note n;
  struct iovec v[2];
  memset(&n, 0, sizeof n);
  n.kind = kind;
  n.connection = child.connection;
  n.head = head;
  n.length = length;
  v[0].iov_base = &n;
  v[0].iov_len = sizeof n;
  v[1].iov_base = (void *)(uintptr_t)data;
  v[1].iov_len = length;
  if (writev(child.notes, v, 2) < 0)
    _exit(1);
}

/* Appends what has come to 'input'. Returns 0 when the peer is gone, or sends
** more than anything here would. */
static int read_more (void) {
  for (;;) {
    ssize_t n = recv(child.socket, child.input + child.have,
                     sizeof child.input - child.have, 0);
    if (n > 0) {
      child.have += (size_t)n;
      return 1;
    }
    if (n == 0 || (errno != EAGAIN && errno != EINTR))
      return 0;
    wait_for(child.socket, POLLIN, FOREVER);
  }
}

/* The length of the head in 'input' with its empty line, 0 if incomplete. */
static size_t head_length (void) {
  size_t i;
  for (i = 4; i <= child.have; i++)
    if (memcmp(child.input + i - 4, "\r\n\r\n", 4) == 0)
      return i;
  return 0;
}

static size_t body_length (size_t head) {
  static const char name[] = "\r\nContent-Length:";
  size_t i;
  for (i = 0; i + sizeof name < head; i++)
    if (strncasecmp(child.input + i, name, sizeof name - 1) == 0)
      return (size_t)strtoul(child.input + i + sizeof name - 1, NULL, 10);
  return 0;
}

/* Awaits one request and notes it; gives its length, 0 where none comes. */
static size_t await_request (void) {
  size_t length;
  while ((child.head = head_length()) == 0)
    if (!read_more())
      return 0;
  length = child.head + body_length(child.head);
  while (child.have < length)
    if (!read_more())
      return 0;
  note('r', child.input, child.head, length);
  return length;
}

static int do_await (size_t n) {
  while ((child.head = head_length()) == 0 || child.have < child.head + n)
    if (!read_more())
      return 0;
  return 1;
}

/* What follows the request stays for the next. */
static void drop_request (size_t length) {
  child.have -= length;
  memmove(child.input, child.input + length, child.have);
}

static int do_read (void) {
  size_t length = await_request();
  drop_request(length);
  return length > 0;
}

static int send_all (const char *data, size_t length, int flags) {
  while (length > 0) {
    ssize_t n = send(child.socket, data, length, MSG_NOSIGNAL | flags);
    if (n >= 0) {
      data += n;
      length -= (size_t)n;
    }
    else if (errno == EAGAIN)
      wait_for(child.socket, POLLOUT, FOREVER);
    else if (errno != EINTR)
      return 0;
  }
  return 1;
}

/* What is sent right before a close goes out together with it: on a busy
** machine the peer would else use the connection again in between. */
static int send_once (const struct step *s) {
  int closes = s->delay <= 0 && s->times == 1
               && (s[1].kind == STEP_CLOSE
                   || (s[1].kind == STEP_END && !child.picks));
  size_t at = 0;
  while (at < s->length) {
    size_t n = s->length - at;
    if (s->chunk > 0 && n > s->chunk)
      n = s->chunk;
    if (!send_all(s->data + at, n,
                  closes && at + n == s->length ? MSG_MORE : 0))
      return 0;
    at += n;
    if (s->delay > 0)
      wait_for(-1, 0, s->delay);
  }
  return 1;
}

static int do_send (const struct step *s) {
  double i;
  for (i = 0; s->times < 0 || i < s->times; i++)
    if (!send_once(s))
      return 0;
  return 1;
}

/* Drops what comes until the peer closes, at most 'seconds' after the last
** byte. */
static int do_hold (double seconds) {
  for (;;) {
    child.have = 0;
    if (!wait_for(child.socket, POLLIN, seconds) || !read_more())
      return 0;
  }
}

/* Without the wait for the peer's end the kernel would answer bytes that were
** not read with a reset, which can overtake what was sent. */
static void do_close (void) {
  shutdown(child.socket, SHUT_WR);
  do_hold(1.0);
  close(child.socket);
}

static void do_reset (void) {
  struct linger l;
  l.l_onoff = 1;
  l.l_linger = 0;
  setsockopt(child.socket, SOL_SOCKET, SO_LINGER, &l, sizeof l);
  close(child.socket);
}

/* Runs the steps of a script. Returns whether the connection is still open,
** which it only is behind a script that was picked. */
static int run_script (const struct step *s) {
  for (;; s++) {
    int there = 1;
    switch (s->kind) {
      case STEP_WHEN: break;
      case STEP_READ: there = do_read(); break;
      case STEP_AWAIT: there = do_await((size_t)s->times); break;
      case STEP_SEND: there = do_send(s); break;
      case STEP_STALL: wait_for(-1, 0, s->delay); break;
      case STEP_TELL: note('t', NULL, 0, 0); break;
      case STEP_HOLD: there = do_hold(FOREVER); break;
      case STEP_RESET: do_reset(); return 0;
      case STEP_END:
        if (child.picks)
          return 1;
        do_close();
        return 0;
      case STEP_CLOSE: do_close(); return 0;
    }
    if (!there) {
      note('g', NULL, 0, 0);
      close(child.socket);
      return 0;
    }
  }
}

static int accept_next (int listener) {
  int on = 1;
  int fd;
  do {
    wait_for(listener, POLLIN, FOREVER);
    fd = accept(listener, NULL, NULL);
  } while (fd < 0);
  fcntl(fd, F_SETFL, O_NONBLOCK);
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return fd;
}

/* The script behind the one that 's' points to. */
static const struct step *next_script (const struct step *s) {
  while (s->kind != STEP_END)
    s++;
  return s + 1;
}

/* Whether the script is for the request in 'input' and may still be used. */
static int is_picked (const struct step *s, int *used) {
  if (memmem(child.input, child.head, s->data, s->length) == NULL)
    return 0;
  return s->times < 0 || __sync_fetch_and_add(used, 1) < (int)s->times;
}

/* Answers each request by the first script that is for it. */
static void serve_picked (const struct step *first, int count) {
  for (;;) {
    const struct step *s = first;
    size_t length = await_request();
    int i = 0;
    while (length > 0 && i < count && !is_picked(s, child.used + i)) {
      s = next_script(s);
      i++;
    }
    drop_request(length);
    if (length == 0 || i == count) {
      note('g', NULL, 0, 0);
      return;
    }
    if (!run_script(s))
      return;
  }
}

/* Gives each connection its script, in the order of their coming, and a
** process of its own. With 'loop' the last script serves all further ones.
** Whoever is served by the last one finds nobody listening any more. */
static void serve_all (int listener, const struct step *s, int count,
                       int loop) {
  while (child.connection < count || loop) {
    child.socket = accept_next(listener);
    if (child.connection > 0 && child.connection < count && !child.picks)
      s = next_script(s);
    child.connection++;
    note('a', NULL, 0, 0);
    if (child.connection == count && !loop)
      close(listener);
    if (fork() == 0) {
      close(listener); /* again, for the last one */
      if (child.picks)
        serve_picked(s, count);
      else
        run_script(s);
      _exit(0);
    }
    close(child.socket);
    while (waitpid(-1, NULL, WNOHANG) > 0)
      continue;
  }
  while (wait(NULL) > 0 || errno == EINTR)
    continue;
}

/* An inherited copy of the parent's connections would keep them open. By
** ranges, because each call costs and a limit can be high. */
static void close_others (int a, int b, int c) {
  const int kept[] = {a, b, c};
  unsigned first = 3;
  while (first != ~0u) {
    unsigned next = ~0u; /* the lowest that is kept, from 'first' on */
    size_t i;
    for (i = 0; i < sizeof(kept) / sizeof(kept[0]); i++)
      if (kept[i] >= (int)first && (unsigned)kept[i] < next)
        next = (unsigned)kept[i];
    if (next > first)
      close_range(first, next == ~0u ? next : next - 1, 0);
    first = next == ~0u ? next : next + 1;
  }
}

/* ---- The parent ---- */

static double number_field (lua_State *L, int i, const char *name,
                            double fallback) {
  double value;
  lua_getfield(L, i, name);
  value = luaL_optnumber(L, -1, fallback);
  lua_pop(L, 1);
  return value;
}

/* Whether the step at the top has the field; sets a string's bytes. */
static int has_field (lua_State *L, const char *name, struct step *s) {
  int found;
  lua_getfield(L, -1, name);
  found = lua_toboolean(L, -1);
  if (found && s != NULL)
    s->data = luaL_checklstring(L, -1, &s->length);
  lua_pop(L, 1);
  return found;
}

/* Reads the step at the top of the stack. */
static void read_step (lua_State *L, struct step *s) {
  int i = lua_gettop(L);
  luaL_checktype(L, i, LUA_TTABLE);
  memset(s, 0, sizeof *s);
  s->times = 1;
  if (has_field(L, "read", NULL))
    s->kind = STEP_READ;
  else if (has_field(L, "await", NULL)) {
    s->kind = STEP_AWAIT;
    s->times = number_field(L, i, "await", 0);
  }
  else if (has_field(L, "tell", NULL))
    s->kind = STEP_TELL;
  else if (has_field(L, "hold", NULL))
    s->kind = STEP_HOLD;
  else if (has_field(L, "close", NULL))
    s->kind = STEP_CLOSE;
  else if (has_field(L, "reset", NULL))
    s->kind = STEP_RESET;
  else if (has_field(L, "stall", NULL)) {
    s->kind = STEP_STALL;
    s->delay = number_field(L, i, "stall", 0);
  }
  else {
    s->kind = STEP_SEND;
    if (has_field(L, "repeat_send", s))
      s->times = number_field(L, i, "times", FOREVER);
    else if (!has_field(L, "send", s))
      luaL_error(L, "a step of the script is none of the known ones");
    s->chunk = (size_t)number_field(L, i, "chunk", 0);
    s->delay = number_field(L, i, "delay", 0);
  }
}

/* Reads what the script at the top is for. */
static void read_when (lua_State *L, struct step *s) {
  memset(s, 0, sizeof *s);
  s->kind = STEP_WHEN;
  if (!has_field(L, "when", s))
    luaL_error(L, "a script that is picked says 'when'");
  s->times = number_field(L, lua_gettop(L), "times", FOREVER);
}

/* Makes one array of the table of tables at 1, each script with STEP_END
** behind it, in a userdata that it pushes. */
static struct step *read_scripts (lua_State *L, int count, int picks) {
  size_t total = 1;
  struct step *steps, *s;
  int c, i;
  for (c = 1; c <= count; c++) {
    lua_rawgeti(L, 1, c);
    luaL_checktype(L, -1, LUA_TTABLE);
    total += (size_t)lua_rawlen(L, -1) + 2;
    lua_pop(L, 1);
  }
  s = steps = (struct step *)lua_newuserdata(L, total * sizeof *steps);
  memset(steps, 0, total * sizeof *steps);
  for (c = 1; c <= count; c++, s++) {
    lua_rawgeti(L, 1, c);
    if (picks)
      read_when(L, s++);
    for (i = 1; i <= (int)lua_rawlen(L, -1); i++) {
      lua_rawgeti(L, -1, i);
      read_step(L, s++);
      lua_pop(L, 1);
    }
    lua_pop(L, 1);
  }
  return steps;
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

/* A nameless file, opened for appending, or -1. */
static int open_notes (void) {
  FILE *f = tmpfile();
  int fd = (f != NULL) ? fcntl(fileno(f), F_DUPFD_CLOEXEC, 3) : -1;
  if (f != NULL)
    fclose(f);
  if (fd >= 0)
    fcntl(fd, F_SETFL, O_APPEND);
  return fd;
}

static void run_child (const struct server *v, int listener, int control,
                       const struct step *steps, int count, int loop) {
  signal(SIGINT, SIG_DFL);
  signal(SIGCHLD, SIG_DFL);
  close_others(listener, control, v->notes);
  child.control = control;
  child.notes = v->notes;
  child.used = (int *)mmap(NULL, ((size_t)count + 1) * sizeof(int),
                           PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
                           -1, 0);
  if (child.used == MAP_FAILED)
    _exit(1);
  serve_all(listener, steps, count, loop);
  _exit(0);
}

/* Ends the children and waits for the one that is ours. */
static void release (struct server *v) {
  if (v->control >= 0)
    close(v->control);
  v->control = -1;
  if (v->pid > 0)
    while (waitpid(v->pid, NULL, 0) < 0 && errno == EINTR)
      continue;
  v->pid = 0;
}

/* start(scripts, loop, picks): a server, or an error. Without a script there
** is just a port that nobody listens on. */
static int l_start (lua_State *L) {
  int count, loop, listener, ends[2];
  struct step *steps;
  struct server *v;
  luaL_checktype(L, 1, LUA_TTABLE);
  loop = lua_toboolean(L, 2);
  child.picks = lua_toboolean(L, 3);
  count = (int)lua_rawlen(L, 1);
  steps = read_scripts(L, count, child.picks);
  v = (struct server *)lua_newuserdata(L, sizeof *v);
  memset(v, 0, sizeof *v);
  v->control = v->notes = -1;
  luaL_getmetatable(L, TYPE);
  lua_setmetatable(L, -2);
  v->notes = open_notes();
  listener = open_listener(&v->port);
  if (v->notes < 0 || listener < 0 || pipe2(ends, O_CLOEXEC) < 0)
    return luaL_error(L, "scripted server: %s", strerror(errno));
  v->control = ends[1];
  if (count > 0)
    v->pid = fork();
  if (count > 0 && v->pid == 0)
    run_child(v, listener, ends[0], steps, count, loop);
  close(listener);
  close(ends[0]);
  if (v->pid < 0)
    return luaL_error(L, "scripted server: %s", strerror(errno));
  return 1;
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

COMPAT_EXPORT int luaopen_scripted_server (lua_State *L);

COMPAT_EXPORT int luaopen_scripted_server (lua_State *L) {
  luaL_newmetatable(L, TYPE);
  luaL_setfuncs(L, methods, 0);
  lua_pushvalue(L, -1);
  lua_setfield(L, -2, "__index");
  luaL_newlib(L, functions);
  return 1;
}
