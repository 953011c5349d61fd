/* SPDX-License-Identifier: MIT
**
** exchange: see exchange.h: turns what libmicrohttpd has received into a
** request, and a response into what it sends. A thread serves one connection,
** so it may sleep here.
*/

#include "exchange.h"
#include "connections.h"
#include "host.h"
#include "../api/routes.h"
#include "../store/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define BLOCK       32768 /* of an answer, read at a time */
#define HEADERS_MAX 100   /* distinct ones in the request log */
#define GZIP_LEAST  512   /* shorter bodies stay as they are */

struct exchange {
  struct service *service;
  char *target;
  struct request request; /* 'method' is NULL until the head is there */
  sqlite3_str *body;
  uint64_t number; /* in the request log, where 'noted' */
  int noted;
  int status;    /* of the response; 0: none */
  int64_t began; /* service_ticks */
};

void *exchange_begin (void *service, const char *uri,
                      struct MHD_Connection *connection) {
  struct exchange *x = calloc(1, sizeof(*x));
  (void)connection;
  if (x == NULL)
    return NULL;
  x->service = service;
  x->target = text_copy(uri, strlen(uri));
  x->body = sqlite3_str_new(NULL);
  x->began = service_ticks();
  return x;
}

/* What the server has noted of a connection, or NULL. */
static struct connection *waiter_of (struct MHD_Connection *connection) {
  const union MHD_ConnectionInfo *info = MHD_get_connection_info(
    connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
  return info != NULL ? info->socket_context : NULL;
}

/* One line, without headers: they hold the key. */
static void write_log (const struct exchange *x) {
  fprintf(stderr, "%s %s %d %lld ms\n", x->request.method, x->target, x->status,
          (long long)(service_ticks() - x->began));
}

void exchange_end (void *service, struct MHD_Connection *connection,
                   void **state, enum MHD_RequestTerminationCode how) {
  struct exchange *x = *state;
  struct settings settings;
  (void)how;
  connection_wait(waiter_of(connection));
  *state = NULL;
  if (x == NULL)
    return;
  service_settings(service, &settings);
  if (settings.log && x->noted)
    write_log(x);
  sqlite3_free(sqlite3_str_finish(x->body));
  request_free(&x->request);
  sqlite3_free(x->target);
  free(x);
}

/* ---- The request ---- */

/* The headers of a request, one entry for each name. */
struct headers {
  int count;
  char *names[HEADERS_MAX];
  char *values[HEADERS_MAX];
};

/* A copy in lower case, by ASCII and not by the locale. */
static char *lower (const char *text) {
  char *copy = text_copy(text, strlen(text)), *p;
  for (p = copy; p != NULL && *p != '\0'; p++)
    if (*p >= 'A' && *p <= 'Z')
      *p = (char)(*p | 0x20);
  return copy;
}

/* Collects one header; one that is repeated is joined by commas. */
static enum MHD_Result collect (void *arg, enum MHD_ValueKind kind,
                                const char *name, const char *value) {
  struct headers *h = arg;
  int i;
  (void)kind;
  if (value == NULL)
    value = "";
  for (i = 0; i < h->count; i++)
    if (h->names[i] != NULL && sqlite3_stricmp(h->names[i], name) == 0) {
      char *joined = sqlite3_mprintf("%s, %s", h->values[i], value);
      sqlite3_free(h->values[i]);
      h->values[i] = joined;
      return MHD_YES;
    }
  if (h->count == HEADERS_MAX)
    return MHD_NO;
  h->names[h->count] = lower(name);
  h->values[h->count++] = text_copy(value, strlen(value));
  return MHD_YES;
}

/* Gives the headers as a JSON object. */
static char *headers_json (struct MHD_Connection *connection) {
  struct headers h;
  sqlite3_str *s = sqlite3_str_new(NULL);
  int i;
  h.count = 0;
  MHD_get_connection_values(connection, MHD_HEADER_KIND, collect, &h);
  sqlite3_str_appendchar(s, 1, '{');
  for (i = 0; i < h.count; i++) {
    if (i > 0)
      sqlite3_str_appendchar(s, 1, ',');
    text_quote_null(s, h.names[i] != NULL ? h.names[i] : "");
    sqlite3_str_appendchar(s, 1, ':');
    text_quote_null(s, h.values[i]);
    sqlite3_free(h.names[i]);
    sqlite3_free(h.values[i]);
  }
  sqlite3_str_appendchar(s, 1, '}');
  return text_finish(s, NULL);
}

/* Puts the request into the request log. */
static void note (struct exchange *x, struct MHD_Connection *connection) {
  char *headers = headers_json(connection);
  if (headers != NULL)
    x->number = request_log_add(x->service->log, x->request.method, x->target,
                                headers);
  x->noted = 1;
  sqlite3_free(headers);
}

static const char *header (struct MHD_Connection *connection,
                           const char *name) {
  return MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);
}

int exchange_socket (struct MHD_Connection *connection) {
  const union MHD_ConnectionInfo *info = MHD_get_connection_info(
    connection, MHD_CONNECTION_INFO_CONNECTION_FD);
  return info != NULL ? info->connect_fd : -1;
}

/* Whether a request comes from a program on this machine. A browser tells by
** Origin on whose behalf it asks: no page is to control the emulator. */
static int is_local (struct MHD_Connection *connection) {
  const union MHD_ConnectionInfo *info = MHD_get_connection_info(
    connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
  return info != NULL && info->client_addr != NULL
         && host_is_loopback(info->client_addr)
         && header(connection, "Origin") == NULL;
}

/* Reads the head; 0 when out of memory. */
static int read_head (struct exchange *x, struct MHD_Connection *connection,
                      const char *method) {
  struct request *r = &x->request;
  r->method = method;
  r->target = x->target;
  r->key = header(connection, "x-api-key");
  r->cookie = header(connection, "Cookie") != NULL;
  r->local = is_local(connection);
  r->host = header(connection, "Host");
  r->host_is_ours = host_is_ours(r->host, x->service->start.host,
                                 exchange_socket(connection));
  service_request_id(x->service, r->id);
  if (!request_parse(r))
    return 0;
  routes_find(r);
  return 1;
}

/* Keeps a piece of the body. What is too long is read and lost, so that the
** client gets to read the response. */
static void keep (struct exchange *x, const char *data, size_t size) {
  struct request *r = &x->request;
  size_t most = r->route != NULL ? r->route->body_max : 0;
  if (most == 0)
    return;
  if ((size_t)sqlite3_str_length(x->body) + size > most)
    r->body_too_long = 1;
  else
    sqlite3_str_append(x->body, data, (int)size);
}

/* ---- The answer ---- */

/* MHD_ContentReaderCallback */
static ssize_t read_body (void *arg, uint64_t at, char *out, size_t size) {
  ssize_t n = body_read(arg, out, size);
  (void)at;
  return n > 0    ? n
         : n == 0 ? MHD_CONTENT_READER_END_OF_STREAM
                  : MHD_CONTENT_READER_END_WITH_ERROR;
}

static void close_body (void *arg) {
  body_close(arg);
}

/* Adds the response's header lines to a response. */
static void add_headers (struct MHD_Response *out, char *lines) {
  while (lines != NULL && *lines != '\0') {
    char *end = strchr(lines, '\n'), *value = strstr(lines, ": ");
    if (end == NULL || value == NULL)
      return;
    *end = *value = '\0';
    MHD_add_response_header(out, lines, value + 2);
    lines = end + 1;
  }
}

/* Whether "gzip" is accepted, and not by a weight of 0. */
static int accepts_gzip (struct MHD_Connection *connection) {
  const char *accept = header(connection, "Accept-Encoding");
  const char *at = accept != NULL ? strcasestr(accept, "gzip") : NULL;
  if (at == NULL)
    return 0;
  at += 4;
  at += strspn(at, " ");
  if (*at != ';')
    return 1;
  at += 1 + strspn(at + 1, " ");
  return strncmp(at, "q=0", 3) != 0
         || strcspn(at + 3, "123456789") < strcspn(at + 3, ",");
}

/* Compresses the body where both sides gain by it. */
static void compress (struct MHD_Connection *connection,
                      struct response *response) {
  if (response->plain || response->body == NULL
      || (response->body->length >= 0 && response->body->length < GZIP_LEAST))
    return;
  response_header(response, "Vary", "Accept-Encoding");
  if (!accepts_gzip(connection))
    return;
  response->body = body_gzip(response->body);
  response_header(response, "Content-Encoding", "gzip");
}

/* Makes the response, which then owns the response's body. */
static struct MHD_Response *make_response (struct response *response) {
  struct MHD_Response *out;
  if (response->body == NULL)
    out = MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT);
  else
    out = MHD_create_response_from_callback(
      response->body->length >= 0 ? (uint64_t)response->body->length
                                  : MHD_SIZE_UNKNOWN,
      BLOCK, read_body, response->body, close_body);
  if (out != NULL) {
    response->body = NULL; /* 'out' has it */
    add_headers(out, sqlite3_str_value(response->headers));
  }
  return out;
}

/* How long a reader may pause: libmicrohttpd's timeout does just that. */
static void limit_pause (struct exchange *x,
                         struct MHD_Connection *connection) {
  struct settings settings;
  service_settings(x->service, &settings);
  MHD_set_connection_option(connection, MHD_CONNECTION_OPTION_TIMEOUT,
                            (unsigned int)settings.hang_up_after);
}

static enum MHD_Result send_response (struct exchange *x,
                                      struct MHD_Connection *connection,
                                      struct response *response) {
  enum MHD_Result result = MHD_NO;
  struct MHD_Response *out = make_response(response);
  if (out == NULL)
    return MHD_NO;
  limit_pause(x, connection);
  x->status = response->status;
  if (x->noted)
    request_log_answered(x->service->log, x->number, x->status);
  result = MHD_queue_response(connection, (unsigned int)response->status, out);
  MHD_destroy_response(out);
  return result;
}

/* ---- Faults ---- */

/* Resets the connection. Closing it alone would send what TCP calls an
** orderly end; a connect to nowhere makes Linux send the reset at once. */
static void reset (struct MHD_Connection *connection) {
  struct linger linger = {1, 0};
  struct sockaddr nowhere;
  int fd = exchange_socket(connection);
  memset(&nowhere, 0, sizeof(nowhere));
  nowhere.sa_family = AF_UNSPEC;
  setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
  connect(fd, &nowhere, sizeof(nowhere));
}

/* Carries out what a fault does to the connection; 0: there is none left. */
static int suffer (struct exchange *x, struct MHD_Connection *connection,
                   const struct fault *fault, struct response *response) {
  if (fault->delay > 0
      && !service_sleep(x->service, (int64_t)(fault->delay * 1000)))
    return 0;
  if (fault->reset) {
    reset(connection);
    return 0;
  }
  if ((fault->drip > 0 || fault->cut >= 0) && response->body == NULL)
    response->body = body_text(text_copy("", 0), 0);
  if (fault->drip > 0 || fault->cut >= 0)
    response->body = body_faulty(response->body, fault->drip, fault->cut,
                                 service_sleep, x->service);
  return 1;
}

/* ---- An exchange, step by step ---- */

static enum MHD_Result answer (struct exchange *x,
                               struct MHD_Connection *connection) {
  enum MHD_Result result = MHD_NO;
  struct request *r = &x->request;
  struct response response;
  struct fault *fault;
  r->body = sqlite3_str_value(x->body);
  if (r->body == NULL)
    r->body = "";
  r->body_length = (size_t)sqlite3_str_length(x->body);
  response_open(&response, r->id);
  if (!routes_is_control(r))
    note(x, connection);
  fault = routes_answer(x->service, r, &response);
  compress(connection, &response);
  if (fault == NULL || suffer(x, connection, fault, &response))
    result = send_response(x, connection, &response);
  fault_free(fault);
  response_close(&response);
  return result;
}

enum MHD_Result exchange_step (void *service, struct MHD_Connection *connection,
                               const char *url, const char *method,
                               const char *version, const char *data,
                               size_t *size, void **state) {
  struct exchange *x = *state;
  (void)service;
  (void)url;
  (void)version;
  if (x == NULL || x->target == NULL)
    return MHD_NO;
  if (x->request.method == NULL) /* the body may follow */
    return read_head(x, connection, method) ? MHD_YES : MHD_NO;
  if (*size > 0) {
    keep(x, data, *size);
    connection_wait(waiter_of(connection));
    *size = 0;
    return MHD_YES;
  }
  connection_work(waiter_of(connection));
  return answer(x, connection);
}
