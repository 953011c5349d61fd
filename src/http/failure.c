/* SPDX-License-Identifier: MIT
**
** failure: what failed in HTTP, in words. Below this file failures are
** enums; here is the one place where each becomes a kind, a reason and a
** phrase.
*/

#include <errno.h>
#include <stdio.h>

#include "luahttp.h"

#define BODY_MAX   (64 * 1024) /* of an answer's bytes, kept with an error */
#define PHRASE_MAX 1024
#define ABOUT_MAX  512 /* a host, or what libcurl said */

struct words {
  const char *kind;
  const char *reason;
  const char *format; /* what %s stands for: see 'subject' */
};

/* For every enum http_result. */
static const struct words results[] = {
  /* HTTP_OK */ {"protocol", "http", "%s"},
  /* HTTP_CONNECT_TIMEOUT */
  {"timeout", "connect", "no connection to %s in time (connect_timeout)"},
  /* HTTP_RESOLVE */ {"connection", "resolve", "cannot resolve %s"},
  /* HTTP_CONNECT */ {"connection", "connect", "cannot connect to %s"},
  /* HTTP_PROXY */ {"connection", "proxy", "the proxy failed: %s"},
  /* HTTP_SEND */
  {"connection", "send", "the connection broke while the request was sent"},
  /* HTTP_CUT */ {"connection", "cut", "the connection broke"},
  /* HTTP_EMPTY */
  {"connection", "empty", "the connection was closed without an answer"},
  /* HTTP_RESEND */
  {"connection", "resend",
   "the reused connection was closed without an answer"},
  /* HTTP_CERTIFICATE */
  {"tls", "certificate", "the certificate of %s cannot be verified"},
  /* HTTP_HANDSHAKE */
  {"tls", "handshake", "no TLS connection to %s could be made"},
  /* HTTP_CA_FILE */
  {"tls", "ca_file", "the certificates to verify %s with cannot be read"},
  /* HTTP_NOT_HTTP */ {"protocol", "http", "what came is not HTTP: %s"},
  /* HTTP_HEADERS_LIMIT */
  {"limit", "headers", "the answer has more than 64 KiB of headers"},
  /* HTTP_BODY_LIMIT */
  {"limit", "max_response", "the answer is too long (max_response)"},
  /* HTTP_NOT_LOOPBACK */
  {"invalid", "loopback",
   "http: is refused for %s, which is not this "
   "machine; allow_http = true allows it"},
  /* HTTP_CANCELED */ {"canceled", "canceled", "canceled"},
  /* HTTP_CLOSED */ {"closed", "closed", "the client was closed"},
  /* HTTP_FORKED */
  {"closed", "forked", "it was begun before this process was forked"},
  /* HTTP_MEMORY */ {NULL, NULL, NULL}};

static const struct {
  int code;
  const char *text;
} os_errors[] = {
  {ECONNREFUSED, "connection refused"},
  {ECONNRESET, "connection reset"},
  {ETIMEDOUT, "connection timed out"},
  {ENETUNREACH, "network unreachable"},
  {EHOSTUNREACH, "host unreachable"},
  {EADDRNOTAVAIL, "no local address left"},
  {EACCES, "permission denied"},
  {EMFILE, "too many open files"},
};


static void set_field (lua_State *L, const char *field) {
  lua_pushstring(L, field);
  lua_setfield(L, -2, "field");
}


/* ---- Exchanges ---- */

static const char *os_text (int code, char *scratch, size_t size) {
  size_t i;
  for (i = 0; i < sizeof(os_errors) / sizeof(os_errors[0]); i++)
    if (os_errors[i].code == code)
      return os_errors[i].text;
  snprintf(scratch, size, "system error %d", code);
  return scratch;
}


/* libcurl's words without what it puts before them ("SSL certificate
** problem: …"), where the phrase has said that already. */
static const char *detail_text (const struct http_exchange *x) {
  const char *colon = strstr(x->detail, ": ");
  return colon == NULL ? x->detail : colon + 2;
}


/* The host without its port: what was looked up. */
static void name_only (char *out, size_t size, const char *host) {
  size_t n = strlen(host);
  const char *colon = strrchr(host, ':');
  if (colon != NULL && strchr(colon, ']') == NULL)
    n = (size_t)(colon - host);
  snprintf(out, size, "%.*s", (int)n, host);
}


/* What a result's phrase is about. */
static void subject (char *out, size_t size, const struct http_exchange *x) {
  const char *host = x->session == NULL ? "" : http_host(x->session);
  switch (x->result) {
    case HTTP_RESOLVE: name_only(out, size, host); break;
    case HTTP_PROXY:
    case HTTP_NOT_HTTP: snprintf(out, size, "%s", x->detail); break;
    default: snprintf(out, size, "%s", host);
  }
}


static void append (char *phrase, size_t size, const char *more) {
  size_t n = strlen(phrase);
  snprintf(phrase + n, size - n, ": %s", more);
}


static int push_result (lua_State *L, const struct http_exchange *x) {
  const struct words *w = &results[x->result];
  char about[ABOUT_MAX], phrase[PHRASE_MAX], scratch[32];
  if (x->result == HTTP_MEMORY)
    return error_no_memory(L);
  subject(about, sizeof(about), x);
  snprintf(phrase, sizeof(phrase), w->format, about);
  if (x->result == HTTP_CONNECT && x->os_error != 0)
    append(phrase, sizeof(phrase),
           os_text(x->os_error, scratch, sizeof(scratch)));
  else if (strcmp(w->kind, "tls") == 0)
    append(phrase, sizeof(phrase), detail_text(x));
  error_push(L, w->kind, w->reason, phrase);
  if (x->result == HTTP_NOT_LOOPBACK)
    set_field(L, "base_url");
  return 2;
}


/* ---- Answers ---- */

/* What is wrong with element number 'n' of a list. */
static int push_element (lua_State *L, const struct response *a) {
  char phrase[PHRASE_MAX];
  double n = (double)a->taken + 1;
  const struct json_scanner *s = &a->scanner;
  if (a->failure == FAILURE_NO_ID)
    snprintf(phrase, sizeof(phrase),
             "element %.0f of the list is an object without a string id", n);
  else if (a->json == JSON_E_ELEMENT)
    snprintf(phrase, sizeof(phrase),
             "expected generations, but element %.0f of the list is %s", n,
             json_found_text(s));
  else if (a->failure == FAILURE_BLANK) {
    snprintf(phrase, sizeof(phrase),
             "more than %.0f bytes of white space (max_generation)",
             (double)s->limits.element);
    return error_push(L, "limit", "max_generation", phrase);
  }
  else {
    snprintf(phrase, sizeof(phrase),
             "generation %.0f is longer than %.0f bytes (max_generation)", n,
             (double)s->limits.element);
    return error_push(L, "limit", "max_generation", phrase);
  }
  return error_push_shape(L, phrase);
}


/* Adds what the answer began with, where it is still at hand. */
static void set_body (lua_State *L, struct response *a) {
  size_t n;
  const char *text = a->exchange == NULL ? NULL : response_beginning(a, &n);
  if (text == NULL)
    return;
  lua_pushlstring(L, text, n < BODY_MAX ? n : BODY_MAX);
  lua_setfield(L, -2, "body");
}


static int push_json_failure (lua_State *L, struct response *a) {
  if (a->json == JSON_E_ELEMENT || a->json == JSON_E_SIZE)
    push_element(L, a);
  else
    error_push_json(L, &a->scanner, a->json, "a JSON array");
  set_body(L, a);
  return 2;
}


static int push_encoding (lua_State *L, const struct response *a) {
  char phrase[PHRASE_MAX];
  size_t n = 0;
  const char *text = http_header(a->exchange, "content-encoding", &n);
  snprintf(phrase, sizeof(phrase),
           "the answer is encoded as \"%.*s\", which "
           "was not asked for",
           (int)(n < 64 ? n : 64), text);
  return error_push(L, "protocol", "encoding", phrase);
}


int failure_push (lua_State *L, struct response *a) {
  switch (a->failure) {
    case FAILURE_HTTP: return push_result(L, a->exchange);
    case FAILURE_ENCODING: return push_encoding(L, a);
    case FAILURE_GZIP:
      return error_push(L, "protocol", "gzip", "the answer's gzip is damaged");
    case FAILURE_JSON: return push_json_failure(L, a);
    case FAILURE_NO_ID:
    case FAILURE_BLANK: return push_element(L, a);
    case FAILURE_SIZE:
      return error_push(L, "limit", results[HTTP_BODY_LIMIT].reason,
                        results[HTTP_BODY_LIMIT].format);
    case FAILURE_FORKED:
      return error_push(L, "closed", "forked", results[HTTP_FORKED].format);
    default: return error_no_memory(L);
  }
}


int failure_push_closed (lua_State *L) {
  return error_push(L, "closed", "closed", results[HTTP_CLOSED].format);
}


/* ---- What cannot be sent ---- */

const char *failure_refusal_text (enum http_refusal refusal,
                                  const char **field) {
  *field = "base_url";
  switch (refusal) {
    case HTTP_URL_MALFORMED: return "base_url is not a valid URL";
    case HTTP_URL_SCHEME:
      return "base_url must begin with https:// (or http:// for this machine)";
    case HTTP_URL_USER: return "base_url must not hold a user or password";
    case HTTP_URL_QUERY: return "base_url must not have a query or fragment";
    case HTTP_URL_V2:
      return "base_url must not end in /v2: it is added to every path";
    case HTTP_KEY_LINE_BREAK:
      *field = "api_key";
      return "api_key ends in a line break (read from a file? "
             "key:match \"%S+\")";
    case HTTP_KEY_CONTROL:
      *field = "api_key";
      return "api_key holds a space or control character";
    case HTTP_AGENT_MALFORMED:
      *field = "user_agent";
      return "user_agent holds a control character";
    case HTTP_HEADER_MALFORMED:
      *field = "headers";
      return "headers holds a name or value that cannot be sent";
    case HTTP_HEADER_RESERVED:
      *field = "headers";
      return "headers names one that the client sets itself";
    case HTTP_PATH_MALFORMED:
      *field = "path";
      return "the path holds a character that must be percent-encoded";
    default: return NULL;
  }
}


int failure_push_refusal (lua_State *L, enum http_refusal refusal) {
  const char *field;
  const char *phrase = failure_refusal_text(refusal, &field);
  if (phrase == NULL)
    return error_no_memory(L);
  error_push(L, "invalid", field, phrase);
  set_field(L, field);
  return 2;
}
