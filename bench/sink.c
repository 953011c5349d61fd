/* SPDX-License-Identifier: MIT
**
** sink: a server on 127.0.0.1 for bench/media. It prints its port, reads
** requests, throws their bodies away, and answers each with 201 and a new
** generation. Ends when its standard input does.
*/

#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#define HEAD_MAX 65536
#define READ_MAX (1 << 20)

struct input {
  int fd;
  size_t from, to; /* what of 'data' is not consumed */
  char data[READ_MAX];
};

static int fill (struct input *in) {
  ssize_t n;
  if (in->from == in->to)
    in->from = in->to = 0;
  n = read(in->fd, in->data + in->to, sizeof(in->data) - in->to);
  if (n > 0)
    in->to += (size_t)n;
  return n > 0;
}

static int say (int fd, const char *text) {
  size_t n = strlen(text);
  return write(fd, text, n) == (ssize_t)n;
}

/* Reads the head of a request into 'head'; 0 at the end of the connection. */
static int read_head (struct input *in, char *head) {
  size_t n = 0;
  while (n < HEAD_MAX - 1) {
    if (in->from == in->to && !fill(in))
      return 0;
    head[n++] = in->data[in->from++];
    if (n >= 4 && memcmp(head + n - 4, "\r\n\r\n", 4) == 0) {
      head[n] = '\0';
      return 1;
    }
  }
  return 0;
}

/* Drops so many bytes of a body. */
static int drop (struct input *in, unsigned long long length) {
  while (length > 0) {
    unsigned long long n;
    if (in->from == in->to && !fill(in))
      return 0;
    n = in->to - in->from;
    n = n < length ? n : length;
    in->from += (size_t)n;
    length -= n;
  }
  return 1;
}

/* The value of a header of 'head', or NULL. */
static const char *header (const char *head, const char *name) {
  size_t n = strlen(name);
  for (head = strstr(head, "\r\n"); head != NULL;
       head = strstr(head + 2, "\r\n"))
    if (strncasecmp(head + 2, name, n) == 0 && head[2 + n] == ':')
      return head + 3 + n;
  return NULL;
}

static const char answer[] =
  "HTTP/1.1 201 Created\r\nContent-Type: application/json\r\n"
  "Content-Length: 102\r\n\r\n"
  "{\"id\":\"6533643b-aceb-4c40-967e-d9ba9baac39e\",\"status\":\"PENDING\","
  "\"model\":\"lipsync-2\",\"input\":[]       }";

static void *serve (void *fd) {
  struct input *in = (struct input *)malloc(sizeof(*in));
  char *head = (char *)malloc(HEAD_MAX);
  if (in != NULL && head != NULL) {
    in->fd = *(int *)fd;
    in->from = in->to = 0;
    while (read_head(in, head)) {
      const char *length = header(head, "content-length");
      if (header(head, "expect") != NULL
          && !say(in->fd, "HTTP/1.1 100 Continue\r\n\r\n"))
        break;
      if (!drop(in, length == NULL ? 0 : strtoull(length, NULL, 10))
          || !say(in->fd, answer))
        break;
    }
    close(in->fd);
  }
  free(head);
  free(in);
  free(fd);
  return NULL;
}

static void *await_end (void *unused) {
  char byte;
  while (read(0, &byte, 1) > 0)
    ;
  (void)unused;
  exit(0);
}

int main (void) {
  struct sockaddr_in at;
  socklen_t size = sizeof(at);
  pthread_t thread;
  int server = socket(AF_INET, SOCK_STREAM, 0);
  memset(&at, 0, sizeof(at));
  at.sin_family = AF_INET;
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (bind(server, (struct sockaddr *)&at, size) != 0
      || listen(server, 100) != 0
      || getsockname(server, (struct sockaddr *)&at, &size) != 0
      || pthread_create(&thread, NULL, await_end, NULL) != 0)
    return 1;
  printf("%d\n", ntohs(at.sin_port));
  fflush(stdout);
  for (;;) {
    int *fd = (int *)malloc(sizeof(*fd));
    if (fd == NULL)
      return 1;
    *fd = accept(server, NULL, NULL);
    if (*fd < 0 || pthread_create(&thread, NULL, serve, fd) != 0)
      return 1;
    pthread_detach(thread);
  }
}
