/* SPDX-License-Identifier: MIT
**
** Fuzzing of the emulator's control requests: faults, settings, generations to
** add, steps of the clock; and of the API in the state after them. The input is
** a row of requests, each a line "METHOD target" and a body up to a NUL. Every
** response has a status and well-formed header lines; its body ends, and is
** JSON unless a fault has replaced it.
*/

#include "emulated.h"

#define MOST 20 /* requests of one input */

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

/* ---- One request ---- */

/* Lines "Name: value", and nothing that a line could hide in. */
static void check_headers (const char *lines) {
  while (lines != NULL && *lines != '\0') {
    const char *end = strchr(lines, '\n'), *colon = strchr(lines, ':');
    expect(end != NULL && colon != NULL && colon > lines && colon < end);
    expect(lines + strcspn(lines, "\r \t") > colon && colon[1] == ' ');
    expect(memchr(lines, '\r', (size_t)(end - lines)) == NULL);
    lines = end + 1;
  }
}


/* As the exchange does it to a response that goes out. */
static void suffer (struct service *s, const struct fault *f,
                    struct response *response) {
  expect(f->delay >= 0 && f->drip >= 0 && f->cut >= -1);
  if (response->body != NULL && (f->drip > 0 || f->cut >= 0))
    body_spoil(response->body, f->drip, f->cut, service_sleep, s);
}


static void read_answer (struct response *response, int faulty, int zipped) {
  struct body *body = response->body;
  char *text;
  size_t length;
  int is_text = strstr(sqlite3_str_value(response->headers), TYPE_JSON) == NULL;
  response->body = NULL;
  if (body != NULL && zipped)
    body = body_gzip(body);
  if (body == NULL)
    return;
  text = read_whole(body, &length);
  expect(faulty || zipped || is_text
         || is_json(JSON_ANY, text, length, NULL, NULL));
  sqlite3_free(text);
}


/* Every request has the same key: what it made, or refused, comes up again. */
static char *values (void *arg, const char *name) {
  (void)arg;
  return strcmp(name, "Idempotency-Key") == 0 ? sqlite3_mprintf("k") : NULL;
}


static void ask (struct service *s, const char *method, const char *target,
                 const char *body, size_t length, int how) {
  struct request r;
  struct response response;
  struct fault *fault;
  memset(&r, 0, sizeof(r));
  r.method = method;
  r.target = target;
  r.key = "test-key";
  r.values = values;
  r.local = r.host_is_ours = 1;
  r.body = body;
  r.body_length = length;
  service_request_id(s, r.id);
  expect(request_parse(&r));
  routes_find(&r);
  response_open(&response, r.id);
  fault = routes_answer(s, &r, &response);
  expect(response.status >= 200 && response.status <= 599);
  expect(response.status != 500 || fault != NULL);
  check_headers(sqlite3_str_value(response.headers));
  if (fault != NULL)
    suffer(s, fault, &response);
  read_answer(&response, fault != NULL, how & 1);
  faults_give_back(&s->faults, fault);
  response_close(&response);
  request_free(&r);
}


/* ---- All of them ---- */

/* Cuts the text at the byte; what follows it, or its end. */
static char *cut (char *text, char *end, int byte) {
  char *at = text < end ? (char *)memchr(text, byte, (size_t)(end - text))
                        : NULL;
  if (at == NULL)
    return end;
  *at = '\0';
  return at + 1;
}


int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size) {
  struct service *s = open_service(6, NULL);
  char *text = (char *)malloc(size + 2), *end = text + size;
  char *at = text;
  int n = 0;
  service_end_waits(s);
  memcpy(text, data, size);
  text[size] = text[size + 1] = '\0';
  while (at < end && n++ < MOST) {
    char *next = cut(at, end, '\0');
    size_t whole = strlen(at);
    char *body = cut(at, at + whole, '\n');
    char *target = cut(at, at + strlen(at), ' ');
    ask(s, at, target, body, (size_t)(at + whole - body), n);
    at = next;
  }
  ask(s, "GET", "/v2/generations", "", 0, 0);
  ask(s, "GET", "/_emulator/requests", "", 0, 0);
  service_close(s);
  free(text);
  return 0;
}
