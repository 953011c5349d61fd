/* SPDX-License-Identifier: MIT
**
** scripted_server: a TCP server for specs that sends exactly the bytes it was
** told to, where an HTTP library would not. scripted_core.c starts it, with
** the script in a file. It is a program of its own because a fork of the
** specs, with all that they hold, takes ten times as long to start and makes
** the parent copy each page that it writes to. Each connection has a child. All
** end at the end of their script, or when the pipe that the parent holds is
** closed, by stop() or because the parent is gone.
*/

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "scripted.h"

static const struct script *script;
static const char *bytes; /* what the steps send or look for */

/* One process serves one connection, so its state can be global. */
static struct {
  int socket;
  int connection;
  int *used;   /* how often each script was picked, by all children */
  size_t head; /* length of the last request's head, in 'input'
                  until more is read */
  size_t have; /* bytes in 'input' */
  char input[4 * 1024 * 1024];
} child;

/* Waits for all children. One that has just been forked has the listener. */
static void wait_for_children (void) {
  while (wait(NULL) > 0 || errno == EINTR)
    continue;
}

/* Waits until 'fd' (-1: none) is ready; returns 0 when the time is up. Does
** not return when the parent has closed the pipe. */
static int wait_for (int fd, short events, double seconds) {
  struct pollfd p[2];
  int n;
  p[0].fd = FD_CONTROL;
  p[0].events = POLLIN;
  p[1].fd = fd;
  p[1].events = events;
  p[0].revents = p[1].revents = 0;
  do {
    n = poll(p, 2, seconds < 0 ? -1 : (int)(seconds * 1000 + 0.5));
  } while (n < 0 && errno == EINTR);
  if (p[0].revents != 0) {
    wait_for_children();
    _exit(0);
  }
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
  if (writev(FD_NOTES, v, 2) < 0)
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
                   || (s[1].kind == STEP_END && !script->picks));
  size_t at = 0;
  while (at < s->length) {
    size_t n = s->length - at;
    if (s->chunk > 0 && n > s->chunk)
      n = s->chunk;
    if (!send_all(bytes + s->at + at, n,
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
        if (script->picks)
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
  if (memmem(child.input, child.head, bytes + s->at, s->length) == NULL)
    return 0;
  return s->times < 0 || __sync_fetch_and_add(used, 1) < (int)s->times;
}

/* Answers each request by the first script that is for it. */
static void serve_picked (const struct step *first) {
  for (;;) {
    const struct step *s = first;
    size_t length = await_request();
    int i = 0;
    while (length > 0 && i < script->count && !is_picked(s, child.used + i)) {
      s = next_script(s);
      i++;
    }
    drop_request(length);
    if (length == 0 || i == script->count) {
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
static void serve_all (const struct step *s) {
  int count = script->count, loop = script->loop;
  while (child.connection < count || loop) {
    child.socket = accept_next(FD_LISTENER);
    if (child.connection > 0 && child.connection < count && !script->picks)
      s = next_script(s);
    child.connection++;
    note('a', NULL, 0, 0);
    if (child.connection == count && !loop)
      close(FD_LISTENER);
    if (fork() == 0) {
      close(FD_LISTENER); /* again, for the last one */
      if (script->picks)
        serve_picked(s);
      else
        run_script(s);
      _exit(0);
    }
    close(child.socket);
    while (waitpid(-1, NULL, WNOHANG) > 0)
      continue;
  }
  wait_for_children();
}

/* An inherited copy of one of the parent's connections would keep it open. */
static void close_others (void) {
  DIR *d = opendir("/dev/fd");
  const struct dirent *e;
  while (d != NULL && (e = readdir(d)) != NULL) {
    int fd = atoi(e->d_name);
    if (fd >= FD_COUNT && fd != dirfd(d))
      close(fd);
  }
  if (d != NULL)
    closedir(d);
}

int main (void) {
  const struct step *steps;
  struct stat st;
  void *file;
  signal(SIGINT, SIG_DFL);
  signal(SIGCHLD, SIG_DFL);
  close_others();
  if (fstat(FD_SCRIPT, &st) < 0)
    return 1;
  file = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, FD_SCRIPT, 0);
  if (file == MAP_FAILED)
    return 1;
  script = (const struct script *)file;
  steps = (const struct step *)(script + 1);
  bytes = (const char *)(steps + script->steps);
  child.used = (int *)mmap(NULL, ((size_t)script->count + 1) * sizeof(int),
                           PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
                           -1, 0);
  if (child.used == MAP_FAILED)
    return 1;
  serve_all(steps);
  return 0;
}
