/* SPDX-License-Identifier: MIT
**
** exchange: see exchange.h: turns what libmicrohttpd has received into a
** request, and a response into what it sends. A thread serves one connection,
** so it may sleep here.
*/

#include "exchange.h"
#include "daemon.h"
#include "host.h"
#include "../api/intake.h"
#include "../store/iso_time.h"
#include "../store/text.h"

#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define BLOCK      32768 /* of a response's body, read at a time */
#define GZIP_LEAST 512   /* bytes; shorter bodies stay as they are */
#define LARGE      ((int64_t)16 << 20) /* bytes that nobody reads in vain */

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

static const char *header (void *connection, const char *name) {
  return MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);
}

static locale_t plain;

static void make_plain (void) {
  plain = newlocale(LC_ALL_MASK, "C", (locale_t)0);
}

void exchange_leave_locale (void) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, make_plain);
  uselocale(plain);
}

void *exchange_begin (void *service, const char *uri,
                      struct MHD_Connection *connection) {
  struct exchange *x = calloc(1, sizeof(*x));
  (void)connection;
  exchange_leave_locale();
  if (x == NULL)
    return NULL;
  x->service = service;
  x->target = text_copy(uri, strlen(uri));
  x->body = sqlite3_str_new(NULL);
  x->began = service_ticks();
  return x;
}

void exchange_end (void *service, struct MHD_Connection *connection,
                   void **state, enum MHD_RequestTerminationCode how) {
  struct exchange *x = *state;
  struct settings settings;
  (void)how;
  connection_waits(daemon_noted(connection), 1);
  *state = NULL;
  if (x == NULL)
    return;
  service_settings(service, &settings);
  if (settings.log && x->noted) /* without headers: they hold the key */
    fprintf(stderr, "%s %s %d %lld ms\n", x->request.method, x->target,
            x->status, (long long)(service_ticks() - x->began));
  sqlite3_free(sqlite3_str_finish(x->body));
  if (x->request.intake != NULL)
    intake_of(x->request.route)->close(x->request.intake);
  request_free(&x->request);
  sqlite3_free(x->target);
  free(x);
}

/* ---- The request ---- */

/* The values of a header, being joined. */
struct joined {
  const char *name;
  sqlite3_str *text;
  int count;
};

static enum MHD_Result join (void *arg, enum MHD_ValueKind kind,
                             const char *name, const char *value) {
  struct joined *j = arg;
  (void)kind;
  if (sqlite3_stricmp(name, j->name) == 0)
    sqlite3_str_appendf(j->text, "%s%s", j->count++ > 0 ? ", " : "", value);
  return MHD_YES;
}

/* As the 'values' of a request. */
static char *values_of (void *connection, const char *name) {
  struct joined j = {name, sqlite3_str_new(NULL), 0};
  char *text;
  MHD_get_connection_values(connection, MHD_HEADER_KIND, join, &j);
  text = text_finish(j.text, NULL);
  if (j.count > 0)
    return text;
  sqlite3_free(text);
  return NULL;
}

/* Whether a request comes from a program on this machine. A browser tells by
** Origin on whose behalf it asks: no page is to control the emulator. */
static int is_local (struct MHD_Connection *connection) {
  return host_is_loopback(daemon_peer(connection))
         && header(connection, "Origin") == NULL;
}

/* What Content-Length says; -1 where it is missing. */
static int64_t length_of (struct MHD_Connection *connection) {
  const char *text = header(connection, "Content-Length");
  return text != NULL ? (int64_t)strtoll(text, NULL, 10) : -1;
}

/* Reads the head; 0 when out of memory. */
static int read_head (struct exchange *x, struct MHD_Connection *connection,
                      const char *method) {
  struct request *r = &x->request;
  r->method = method;
  r->target = x->target;
  r->key = header(connection, "x-api-key");
  r->cookie = header(connection, "Cookie") != NULL;
  r->header = header;
  r->values = values_of;
  r->headers = connection;
  r->length = length_of(connection);
  r->local = is_local(connection);
  r->host = header(connection, "Host");
  r->host_is_ours = host_is_ours(r->host, x->service->start.host,
                                 daemon_socket(connection));
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
  if (r->intake != NULL)
    intake_of(r->route)->add(r->intake, data, size);
  else if (most > 0 && (size_t)sqlite3_str_length(x->body) + size > most)
    r->body_too_long = 1;
  else if (most > 0)
    sqlite3_str_append(x->body, data, (int)size);
}

/* ---- The request log ---- */

/* The headers of a request, as the members of an object. */
struct headers {
  struct MHD_Connection *connection;
  sqlite3_str *json;
};

/* Appends a header, at its first value, its name in lower case. */
static enum MHD_Result append_header (void *arg, enum MHD_ValueKind kind,
                                      const char *name, const char *value) {
  struct headers *h = arg;
  char *text = text_lower(name), *values;
  (void)kind;
  if (header(h->connection, name) == value) {
    values = values_of(h->connection, name);
    if (sqlite3_str_length(h->json) > 1)
      sqlite3_str_appendchar(h->json, 1, ',');
    text_quote(h->json, text != NULL ? text : name);
    sqlite3_str_appendchar(h->json, 1, ':');
    text_quote(h->json, values);
    sqlite3_free(values);
  }
  sqlite3_free(text);
  return MHD_YES;
}

/* Puts the request into the log. */
static void note (struct exchange *x, struct MHD_Connection *connection) {
  struct headers h = {connection, sqlite3_str_new(NULL)};
  char *json;
  sqlite3_str_appendchar(h.json, 1, '{');
  MHD_get_connection_values(connection, MHD_HEADER_KIND, append_header, &h);
  sqlite3_str_appendchar(h.json, 1, '}');
  json = text_finish(h.json, NULL);
  if (json != NULL)
    x->number = request_log_add(&x->service->log, x->request.method, x->target,
                                json);
  x->noted = json != NULL;
  sqlite3_free(json);
}

/* ---- The response ---- */

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

/* Adds header lines to what is sent. */
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
  char *accept = text_lower(header(connection, "Accept-Encoding"));
  const char *at = accept != NULL ? strstr(accept, "gzip") : NULL;
  int accepted = at != NULL;
  if (accepted) {
    at += strlen("gzip");
    at += strspn(at, "; ");
    accepted = strncmp(at, "q=0", 3) != 0
               || strcspn(at, "123456789") < strcspn(at, ",");
  }
  sqlite3_free(accept);
  return accepted;
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

/* Makes what is sent, which then owns the response's body. */
static struct MHD_Response *make_out (struct response *response) {
  struct body *body = response->body;
  struct MHD_Response *out;
  if (body == NULL)
    out = MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT);
  else
    out = MHD_create_response_from_callback(
      body->length >= 0 ? (uint64_t)body->length : MHD_SIZE_UNKNOWN, BLOCK,
      read_body, body, close_body);
  if (out != NULL) {
    response->body = NULL;
    add_headers(out, sqlite3_str_value(response->headers));
  }
  return out;
}

/* Dates the response by the emulator's clock, in place of the library's. */
static void add_date (struct service *s, struct MHD_Response *out) {
  char date[TIME_HTTP_SIZE];
  time_format_http(service_now(s), date);
  MHD_add_response_header(out, "Date", date);
}

/* Whether no other request may follow on the connection: libmicrohttpd (0.9.75)
** ends a body of unknown length by an empty chunk for HEAD, too, which a client
** would read as the beginning of the next response. */
static int is_last (const struct request *r, const struct body *body) {
  return body != NULL && body->length < 0 && strcmp(r->method, "HEAD") == 0;
}

static enum MHD_Result send_response (struct exchange *x,
                                      struct MHD_Connection *connection,
                                      struct response *response) {
  enum MHD_Result result;
  struct settings settings;
  int last = is_last(&x->request, response->body);
  struct MHD_Response *out = make_out(response);
  if (out == NULL)
    return MHD_NO;
  add_date(x->service, out);
  if (last)
    MHD_add_response_header(out, MHD_HTTP_HEADER_CONNECTION, "close");
  service_settings(x->service, &settings);
  /* libmicrohttpd's timeout is how long a reader may pause */
  MHD_set_connection_option(connection, MHD_CONNECTION_OPTION_TIMEOUT,
                            (unsigned int)settings.hang_up_after);
  x->status = response->status;
  if (x->noted)
    request_log_answered(&x->service->log, x->number, x->status);
  result = MHD_queue_response(connection, (unsigned int)x->status, out);
  MHD_destroy_response(out);
  return result;
}

/* ---- Faults ---- */

/* Resets the connection. Closing it alone would send what TCP calls an
** orderly end; a connect to nowhere makes Linux send the reset at once. */
static void reset (int fd) {
  struct linger linger = {1, 0};
  struct sockaddr nowhere;
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
    reset(daemon_socket(connection));
    return 0;
  }
  if (fault->drip <= 0 && fault->cut < 0)
    return 1;
  if (response->body == NULL)
    response->body = body_text(text_copy("", 0), 0);
  if (response->body != NULL)
    body_spoil(response->body, fault->drip, fault->cut, service_sleep,
               x->service);
  return response->body != NULL;
}

/* ---- An exchange, step by step ---- */

/* Sends a response, with the fault that goes with it; ends both. */
static enum MHD_Result finish (struct exchange *x,
                               struct MHD_Connection *connection,
                               struct fault *fault, struct response *response) {
  enum MHD_Result result = MHD_NO;
  compress(connection, response);
  if (fault == NULL || suffer(x, connection, fault, response))
    result = send_response(x, connection, response);
  faults_give_back(&x->service->faults, fault);
  response_close(response);
  return result;
}

static enum MHD_Result answer (struct exchange *x,
                               struct MHD_Connection *connection) {
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
  return finish(x, connection, fault, &response);
}

/* A body follows: answers at once, if its head is enough, or makes ready. An
** answer at this point ends the connection, for the body stays unread. */
static enum MHD_Result begin_body (struct exchange *x,
                                   struct MHD_Connection *connection) {
  struct request *r = &x->request;
  struct response response;
  struct fault *fault;
  int waits = r->length > LARGE || header(connection, "Expect") != NULL;
  response_open(&response, r->id);
  if (routes_answer_early(x->service, r, waits, &response, &fault)) {
    if (!routes_is_control(r))
      note(x, connection);
    return finish(x, connection, fault, &response);
  }
  response_close(&response);
  routes_begin_body(x->service, r);
  return MHD_YES;
}

static int has_body (struct MHD_Connection *connection) {
  return length_of(connection) > 0
         || header(connection, "Transfer-Encoding") != NULL;
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
  if (x->request.method == NULL) {
    if (!read_head(x, connection, method))
      return MHD_NO;
    return has_body(connection) ? begin_body(x, connection) : MHD_YES;
  }
  if (*size == 0) {
    connection_waits(daemon_noted(connection), 0);
    return answer(x, connection);
  }
  connection_waits(daemon_noted(connection), 1);
  keep(x, data, *size);
  *size = 0;
  return MHD_YES;
}
