/* SPDX-License-Identifier: MIT
**
** Fuzzing of an exchange: what comes over the connection is the input, after a
** byte that says what is sent and how the response is read, and one that seeds
** the splits. The peer is in this process, over the loopback. However it ends,
** it ends, and nothing is left behind; a second exchange on the same session
** works.
*/

#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "response.h"
#include "exchange.h"
#include "process.h"

#define STEPS 20000 /* more than any input needs */
#define RANGE 70000 /* bytes of the file in a body: more than a slice */

/* The first byte. */
enum how {
  HOW_DELETE = 1,
  HOW_OBJECTS = 2,
  HOW_NEXT = 4, /* read by response_next */
  HOW_CHUNKS = 8,
  HOW_BODY = 16,
  HOW_HELD = 32, /* the end of that */
  HOW_LINES = 64,
  HOW_OTHER = 128 /* another origin */
};

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

static int listener = -1;
static int peer = -1; /* our end of the newest connection */
static char url[40], other_url[40];
static int file = -1;


static void expect (int condition) {
  if (!condition)
    abort();
}


/* Reads all bytes, so that the sanitizer looks at each. */
static void touch (const char *text, size_t length) {
  volatile char sum = 0;
  expect(length <= 4096);
  while (length-- > 0)
    sum = (char)(sum ^ text[length]);
}


/* The client's end goes by a reset, or the ports would soon be used up. */
static curl_socket_t open_socket (void *arg, curlsocktype purpose,
                                  struct curl_sockaddr *address) {
  struct linger at_once = {1, 0};
  int fd = socket(address->family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  (void)arg;
  (void)purpose;
  setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
  return fd;
}


static void listen_once (void) {
  struct sockaddr_in address;
  socklen_t size = sizeof(address);
  if (listener >= 0)
    return;
  listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  memset(&address, 0, sizeof(address));
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  expect(bind(listener, (struct sockaddr *)&address, size) == 0);
  expect(listen(listener, 8) == 0);
  expect(getsockname(listener, (struct sockaddr *)&address, &size) == 0);
  snprintf(url, sizeof(url), "http://127.0.0.1:%d", ntohs(address.sin_port));
  snprintf(other_url, sizeof(url), "http://127.1:%d", ntohs(address.sin_port));
}


static void make_file_once (void) {
  char name[] = "/tmp/http-fuzz-XXXXXX";
  if (file >= 0)
    return;
  file = mkstemp(name);
  expect(file >= 0 && unlink(name) == 0 && ftruncate(file, RANGE) == 0);
}


static struct body *make_body (void) {
  struct body *b = body_new();
  int os_error;
  expect(b != NULL && body_set_boundary(b, "b") == BODY_OK);
  expect(body_begin_part(b, "a\"\r", 3, "c", 1, "d/e") == BODY_OK);
  expect(body_add_file(b, NULL, file, 0, BODY_REST, &os_error) == BODY_OK);
  expect(body_end_parts(b) == BODY_OK);
  return b;
}


/* Looks whether the client has opened another connection. */
static void accept_newest (void) {
  int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (fd < 0)
    return;
  if (peer >= 0)
    close(peer);
  peer = fd;
}


static struct http_session *open_session (void) {
  struct http_config config;
  enum http_refusal why;
  memset(&config, 0, sizeof(config));
  config.base_url = url;
  config.api_key = "k";
  config.user_agent = "fuzz";
  config.connect_timeout = 5;
  return http_open(&config, &why);
}


static enum http_mode mode_of (int how) {
  return how & HOW_CHUNKS    ? HTTP_CHUNKS
         : how & HOW_LINES   ? HTTP_LINES
         : how & HOW_OBJECTS ? HTTP_OBJECTS
                             : HTTP_WHOLE;
}


static struct http_exchange *start (struct http_session *s, int how) {
  struct http_request request;
  enum http_refusal why;
  struct http_exchange *x;
  CURL *easy;
  memset(&request, 0, sizeof(request));
  request.method = how & HOW_DELETE ? "DELETE" : "GET";
  request.path = "/v2/generations";
  request.with_key = 1;
  request.mode = mode_of(how);
  request.max_body = 4096;
  request.origin = how & HOW_OTHER ? other_url : NULL;
  request.body = how & HOW_BODY ? make_body() : NULL;
  request.hold = how & HOW_HELD ? 10 : 0;
  x = http_start(s, &request, NULL, &why);
  body_release(request.body);
  expect(x != NULL);
  easy = ((struct exchange *)(void *)x)->easy;
  curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
  return x;
}


/* Reads on, and counts the elements; false when the response is over. */
static int read_on (struct response *a, int how, unsigned *elements) {
  const char *text;
  size_t length;
  struct element e;
  enum response_status status;
  if (how & HOW_CHUNKS)
    while ((status = response_chunk(a, 100, &text, &length))
           == RESPONSE_THERE) {
      expect(length > 0 && length <= 100);
      touch(text, length);
      response_take_bytes(a, length);
    }
  else if (how & HOW_NEXT)
    while ((status = response_next(a, &e)) == RESPONSE_THERE) {
      expect(element_has_id(&e) && e.text[0] == '{');
      expect(e.text[e.length - 1] == '}');
      response_take(a);
      ++*elements;
    }
  else
    status = response_read(a, &text, &length);
  if (status == RESPONSE_END && !(how & (HOW_CHUNKS | HOW_NEXT)))
    touch(text, length);
  return status == RESPONSE_WAIT;
}


static void drain (void) {
  char bytes[4096];
  while (peer >= 0 && read(peer, bytes, sizeof(bytes)) > 0)
    ;
}


static void open_response (struct response *a, struct http_exchange *x,
                           int how) {
  struct response_rules rules;
  memset(&rules, 0, sizeof(rules));
  rules.mode = mode_of(how);
  rules.has_ids = 1;
  rules.max_element = 1024;
  rules.max_response = 4096;
  response_open(a, x, &rules);
}


/* One exchange that is answered with 'data', then a close. Returns how many
** elements came. */
static unsigned exchange (struct http_session *s, int how, uint32_t seed,
                          const uint8_t *data, size_t size) {
  struct response a;
  int steps = 0, closed = 0;
  unsigned elements = 0;
  struct http_exchange *x = start(s, how);
  open_response(&a, x, how);
  while (steps++ < STEPS && read_on(&a, how, &elements)) {
    accept_newest();
    drain();
    if (x->held)
      http_release(x);
    expect(x->upload.body == NULL || x->upload.given <= x->upload.body->length);
    if (x->sent && size > 0) {
      size_t n = size;
      seed = seed * 1664525u + 1013904223u;
      if (seed >> 31)
        n = (seed >> 16) % 64 + 1 < size ? (seed >> 16) % 64 + 1 : size;
      if (send(peer, data, n, MSG_NOSIGNAL) < (ssize_t)n)
        size = 0;
      else {
        data += n;
        size -= n;
      }
    }
    else if (x->sent && !closed) {
      drain();
      shutdown(peer, SHUT_WR);
      closed = 1;
    }
    http_step(s, 1);
  }
  expect(steps < STEPS);
  response_close(&a);
  return elements;
}


int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size) {
  static const char fine[] =
    "HTTP/1.1 200 OK\r\nContent-Length: 12\r\nConnection: close\r\n\r\n"
    "[{\"id\":\"a\"}]";
  struct http_session *s;
  unsigned sessions, exchanges;
  if (size < 2)
    return 0;
  expect(process_init());
  listen_once();
  make_file_once();
  s = open_session();
  expect(s != NULL);
  exchange(s, data[0], data[1], data + 2, size - 2);
  expect(exchange(s, HOW_OBJECTS | HOW_NEXT, 1, (const uint8_t *)fine,
                  sizeof(fine) - 1)
         == 1);
  http_close(s);
  if (peer >= 0)
    close(peer);
  peer = -1;
  process_live(&sessions, &exchanges);
  expect(sessions == 0 && exchanges == 0);
  return 0;
}
