/* SPDX-License-Identifier: MIT
**
** raw_frames DOWNLOADS_URL UPLOADS_URL FILE FOLDER SECONDS: the measure for
** frames.lua, the same loop without the client: eight downloads of /media and
** two uploads of FILE by bare sockets, in steps of 2 ms, by pieces of 32 KiB;
** then steps that do nothing, until so many seconds have passed. Prints the
** same: what is above 2.5 ms is the machine's.
*/

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define DOWNLOADS 8
#define MOVES     10 /* and two uploads */
#define PIECE     32768
#define BUDGET    0.002
#define GOAL      0.0025

struct move {
  int socket, file; /* the socket is -1 once it is over */
  int sends;
  off_t left; /* of an upload */
};

static double now (clockid_t clock) {
  struct timespec t = {0, 0};
  clock_gettime(clock, &t);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void fail (const char *what) {
  perror(what);
  exit(1);
}

/* A connection to the port at the end of 'url'. */
static int dial (const char *url) {
  struct sockaddr_in to;
  int s = socket(AF_INET, SOCK_STREAM, 0);
  memset(&to, 0, sizeof(to));
  to.sin_family = AF_INET;
  to.sin_port = htons((uint16_t)atoi(strrchr(url, ':') + 1));
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (s < 0 || connect(s, (const struct sockaddr *)&to, sizeof(to)) != 0)
    fail("connect");
  return s;
}

static void ask (struct move *m, const char *url, const char *head) {
  m->socket = dial(url);
  if (write(m->socket, head, strlen(head)) != (ssize_t)strlen(head)
      || fcntl(m->socket, F_SETFL, O_NONBLOCK) != 0)
    fail("write");
}

static void begin_download (struct move *m, const char *url, const char *folder,
                            int i) {
  char path[4096];
  snprintf(path, sizeof(path), "%s/%d.raw", folder, i);
  m->file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
  if (m->file < 0)
    fail(path);
  ask(m, url, "GET /media HTTP/1.0\r\n\r\n");
}

static void begin_upload (struct move *m, const char *url, const char *path) {
  char head[200];
  struct stat s;
  m->file = open(path, O_RDONLY);
  if (m->file < 0 || fstat(m->file, &s) != 0)
    fail(path);
  m->sends = 1;
  m->left = s.st_size;
  snprintf(head, sizeof(head),
           "POST /v2/generate HTTP/1.1\r\nContent-Length: %lld\r\n\r\n",
           (long long)m->left);
  ask(m, url, head);
}

static void *sync_file (void *move) {
  int file = ((struct move *)move)->file;
  if (fsync(file) != 0)
    fail("fsync");
  close(file);
  return NULL;
}

/* A thread waits for the disk, as for the client. */
static void end (struct move *m) {
  pthread_t thread;
  close(m->socket);
  m->socket = -1;
  if (pthread_create(&thread, NULL, sync_file, m) != 0)
    fail("pthread_create");
  pthread_detach(thread);
}

/* Moves one piece; 0 if there was none. */
static int move_piece (struct move *m) {
  static char piece[PIECE];
  ssize_t n;
  if (m->sends) {
    n = read(m->file, piece, sizeof(piece));
    if (n <= 0)
      fail("read");
    n = send(m->socket, piece, (size_t)n, MSG_NOSIGNAL);
    if (n < 0 && errno == EAGAIN)
      n = 0;
    else if (n < 0)
      fail("send");
    m->left -= n;
    if (lseek(m->file, -m->left, SEEK_END) < 0)
      fail("lseek");
    if (m->left == 0)
      end(m);
    return n > 0;
  }
  n = recv(m->socket, piece, sizeof(piece), 0);
  if (n > 0 && write(m->file, piece, (size_t)n) != n)
    fail("write");
  if (n == 0)
    end(m);
  return n > 0;
}

/* Moves pieces in turn until the time is up or none moves. Returns how many
** are not over. */
static int step (struct move *moves) {
  double ends = now(CLOCK_MONOTONIC) + BUDGET;
  int i, moved, open;
  do {
    moved = open = 0;
    for (i = 0; i < MOVES; i++)
      if (moves[i].socket >= 0) {
        open++;
        moved += move_piece(&moves[i]);
        if (now(CLOCK_MONOTONIC) >= ends)
          return 1;
      }
  } while (moved > 0);
  return open;
}

int main (int argc, char **argv) {
  struct move moves[MOVES];
  double longest = 0, wall = 0, ends;
  long steps = 0, over = 0;
  int i, open = 1;
  if (argc != 6)
    return 2;
  ends = now(CLOCK_MONOTONIC) + atof(argv[5]);
  memset(moves, 0, sizeof(moves));
  for (i = 0; i < DOWNLOADS; i++)
    begin_download(&moves[i], argv[1], argv[4], i);
  for (; i < MOVES; i++)
    begin_upload(&moves[i], argv[2], argv[3]);
  while (open > 0 || now(CLOCK_MONOTONIC) < ends) {
    double began = now(CLOCK_THREAD_CPUTIME_ID), at = now(CLOCK_MONOTONIC);
    double took;
    open = step(moves);
    took = now(CLOCK_THREAD_CPUTIME_ID) - began;
    at = now(CLOCK_MONOTONIC) - at;
    longest = took > longest ? took : longest;
    wall = at > wall ? at : wall;
    over += took > GOAL;
    steps++;
  }
  printf("longest %g\nwall %g\nsteps %ld\nover %ld\n", longest, wall, steps,
         over);
  return 0;
}
