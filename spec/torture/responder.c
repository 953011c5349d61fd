/* SPDX-License-Identifier: MIT
**
** responder: see responder.h. One process accepts, a child of it serves each
** connection; all end when the control pipe is closed. It has COUNT
** generations "g1" … in order, which no delete removes, so that a call may be
** made again and again; and it counts the bytes of what is sent to
** /count_bytes.
*/

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zlib.h>

#include "responder.h"

#define COUNT     5
#define LONG_TEXT 20000 /* one of them does not fit a first buffer */
#define MEMBERS   70    /* and one not a first index */
#define TOLD_MAX  200

static char body[256 * 1024], packed[256 * 1024];
static int control, peer, own_port;
static size_t request_length; /* of the request's body */
static struct told {
  const char *line, *text;
  int status;
} told[TOLD_MAX];
static int told_count;


/* ---- What it says ---- */

static const char rest[] =
  ",\"createdAt\":\"2026-08-25T10:00:00.250Z\",\"model\":\"lipsync-2\","
  "\"status\":\"FAILED\",\"input\":[{\"type\":\"video\",\"url\":null},null],"
  "\"options\":{\"temperature\":0.5,\"sync_mode\":\"loop\"},"
  "\"error\":\"caf\\u00e9 \\ud83d\\ude00 \\ud800\",\"outputUrl\":null,"
  "\"error_code\":\"generation_pipeline_failed\","
  "\"outputDuration\":1234567890.1234567890123e-5,\"big\":9007199254740993";


/* Appends generation number 'i' at 'at'; returns its end. */
static char *put_generation (char *at, int i) {
  at += sprintf(at, "{\"id\":\"g%d\"%s", i, rest);
  if (i == 2) {
    at += sprintf(at, ",\"prompt\":\"");
    memset(at, 'x', LONG_TEXT);
    at += LONG_TEXT;
    at += sprintf(at, "\"");
  }
  if (i == 3) {
    int n;
    for (n = 0; n < MEMBERS; n++)
      at += sprintf(at, ",\"m%d\":%d", n, n);
  }
  return at + sprintf(at, "}");
}


static int number_behind (const char *head, const char *name, int otherwise) {
  const char *at = strstr(head, name);
  return at == NULL ? otherwise : atoi(at + strlen(name));
}


/* Those that a query names, in its order: "g" and a number each. */
static char *put_named (const char *query, char *at) {
  const char *end = query + strcspn(query, " ");
  int n = 0;
  for (; query < end; query++) {
    if (query[0] != 'g' || query[1] < '1' || query[1] > '0' + COUNT)
      continue;
    if (n++ > 0)
      at += sprintf(at, ",");
    at = put_generation(at, query[1] - '0');
  }
  return at;
}


static char *put_list (const char *head) {
  int first = number_behind(head, "cursor=g", 0) + 1;
  int limit = number_behind(head, "limit=", COUNT);
  const char *ids = strstr(head, "ids=");
  char *at = body + sprintf(body, "[");
  int i;
  if (ids != NULL)
    at = put_named(ids, at);
  for (i = first; ids == NULL && i <= COUNT && i < first + limit; i++) {
    if (i > first)
      at += sprintf(at, ",");
    at = put_generation(at, i);
  }
  return at + sprintf(at, "]");
}


int responder_tell (const char *line, int status, const char *text) {
  struct told *t = &told[told_count];
  if (told_count == TOLD_MAX || strlen(text) >= sizeof(body))
    return 0;
  t->line = line;
  t->status = status;
  t->text = text;
  told_count++;
  return 1;
}


/* What it was told to answer, or NULL. */
static const struct told *find_told (const char *head) {
  int i;
  for (i = 0; i < told_count; i++)
    if (strncmp(head, told[i].line, strlen(told[i].line)) == 0)
      return &told[i];
  return NULL;
}


/* Writes the response to a request into 'body'; returns the status. */
static int answer (const char *head, size_t *length) {
  const struct told *known = find_told(head);
  char *at = body;
  int status = 200;
  if (known != NULL) {
    status = known->status;
    at += sprintf(at, "%s", known->text);
  }
  else if (strstr(head, "missing") != NULL) {
    status = 404;
    at += sprintf(at,
                  "{\"message\":\"not here\",\"statusCode\":404,\"error\":"
                  "\"Not Found\",\"errorCode\":\"generation_not_found\","
                  "\"requestId\":\"r1\",\"extra\":{\"a\":[1]}}");
  }
  else if (strstr(head, "/v2/assets/upload") != NULL)
    at += sprintf(at,
                  "{\"uploadUrl\":\"http://127.0.0.1:%d/count_bytes?a=b\","
                  "\"url\":\"https://media.example/a.wav\"}",
                  own_port);
  else if (strstr(head, "POST /v2/assets ") != NULL
           || strstr(head, "POST /v2/voices ") != NULL
           || strstr(head, "POST /v2/batch ") != NULL)
    at += sprintf(at,
                  "{\"id\":\"a1\",\"status\":\"PENDING\","
                  "\"provider\":\"elevenlabs\"}");
  else if (strstr(head, "GET /v2/voices") != NULL)
    at += sprintf(at, "[]");
  else if (strstr(head, "/v2/errors") != NULL)
    at += sprintf(at,
                  "[{\"code\":\"generation_not_found\",\"message\":\"m\","
                  "\"suggestion\":\"s\"}]");
  else if (strstr(head, "/count_bytes") != NULL)
    at += sprintf(at, "{\"bytes\":%lu}", (unsigned long)request_length);
  else if (strstr(head, "POST /v2/generate ") != NULL) {
    status = 201;
    at = put_generation(at, 1);
  }
  else if (strstr(head, "/results") != NULL) {
    at += sprintf(at, "{\"request_id\":\"r1\",\"response\":");
    at = put_generation(at, 1);
    at += sprintf(at,
                  "}\n{\"request_id\":\"r2\",\"response\":"
                  "{\"statusCode\":500,\"message\":\"No.\"}}\n");
  }
  else if (strstr(head, "/lines") != NULL) {
    at = put_generation(at, 1);
    at += sprintf(at, "\n");
    at = put_generation(at, 2);
  }
  else if (strstr(head, "/count") != NULL)
    at += sprintf(at, "{\"count\":%d}", COUNT);
  else if (strstr(head, "/v2/generations/g") != NULL
           || strstr(head, "/v2/generate/g") != NULL)
    at = put_generation(
      at, number_behind(head, "s/g", number_behind(head, "e/g", 1)));
  else
    at = put_list(head);
  *length = (size_t)(at - body);
  return status;
}


static const char *pack (size_t *length) {
  z_stream z;
  memset(&z, 0, sizeof(z));
  if (deflateInit2(&z, 6, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY) != Z_OK)
    _exit(1);
  z.next_in = (Bytef *)body;
  z.avail_in = (uInt)*length;
  z.next_out = (Bytef *)packed;
  z.avail_out = sizeof(packed);
  deflate(&z, Z_FINISH);
  *length = z.total_out;
  deflateEnd(&z);
  return packed;
}


/* ---- How it says it ---- */

/* Waits for 'fd'; ends the process with the control pipe. */
static void await (int fd) {
  struct pollfd p[2];
  p[0].fd = fd;
  p[1].fd = control;
  p[0].events = p[1].events = POLLIN;
  p[0].revents = p[1].revents = 0;
  while (poll(p, 2, -1) < 0)
    ;
  if (p[1].revents != 0)
    _exit(0);
}


/* Receives at most 'room' bytes; ends the process with the peer or the control
** pipe. */
static size_t receive (char *into, size_t room) {
  ssize_t n;
  await(peer);
  n = recv(peer, into, room, 0);
  if (n <= 0)
    _exit(0);
  return (size_t)n;
}


/* Takes the body of a request, of which 'have' bytes came with its head.
** Returns how many of those were of it. */
static size_t take_body (const char *head, size_t have) {
  static char room[64 * 1024];
  size_t n = (size_t)number_behind(head, "Content-Length: ", 0);
  size_t left;
  request_length = n;
  have = have < n ? have : n;
  for (left = n - have; left > 0;)
    left -= receive(room, left < sizeof(room) ? left : sizeof(room));
  return have;
}


static void send_all (const char *data, size_t n) {
  while (n > 0) {
    ssize_t sent = send(peer, data, n, MSG_NOSIGNAL);
    if (sent <= 0)
      _exit(0);
    data += sent;
    n -= (size_t)sent;
  }
}


static void respond (const char *head) {
  char lines[300];
  size_t length;
  int status = answer(head, &length);
  int gzip = strstr(head, "source=gzip") != NULL;
  const char *data = gzip ? pack(&length) : body;
  sprintf(lines,
          "HTTP/1.1 %d Status\r\nContent-Type: application/json\r\n"
          "Content-Length: %lu\r\nX-Request-Id: r1\r\n%s\r\n",
          status, (unsigned long)length,
          gzip ? "Content-Encoding: gzip\r\n" : "");
  send_all(lines, strlen(lines));
  send_all(data, length);
}


static void serve (void) {
  static char input[64 * 1024];
  size_t have = 0;
  int yes = 1;
  setsockopt(peer, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
  for (;;) {
    char *end;
    have += receive(input + have, sizeof(input) - 1 - have);
    input[have] = '\0';
    while ((end = strstr(input, "\r\n\r\n")) != NULL) {
      *end = '\0';
      end += 4;
      end += take_body(input, have - (size_t)(end - input));
      respond(input);
      have -= (size_t)(end - input);
      memmove(input, end, have + 1);
    }
  }
}


static void accept_all (int listener) {
  signal(SIGCHLD, SIG_IGN);
  for (;;) {
    await(listener);
    peer = accept(listener, NULL, NULL);
    if (peer >= 0 && fork() == 0) {
      close(listener);
      serve();
    }
    if (peer >= 0)
      close(peer);
  }
}


static int listen_anywhere (int *port) {
  struct sockaddr_in address;
  socklen_t size = sizeof(address);
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  memset(&address, 0, sizeof(address));
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (fd < 0 || bind(fd, (struct sockaddr *)&address, size) != 0
      || listen(fd, 64) != 0
      || getsockname(fd, (struct sockaddr *)&address, &size) != 0)
    return -1;
  *port = ntohs(address.sin_port);
  return fd;
}


int responder_start (struct responder *r) {
  int ends[2];
  int listener = listen_anywhere(&r->port);
  if (listener < 0 || pipe(ends) != 0)
    return 0;
  r->control = ends[1];
  own_port = r->port;
  r->pid = (int)fork();
  if (r->pid == 0) {
    close(ends[1]);
    control = ends[0];
    accept_all(listener);
  }
  close(ends[0]);
  close(listener);
  return r->pid > 0;
}


void responder_stop (struct responder *r) {
  close(r->control);
  waitpid(r->pid, NULL, 0);
}
