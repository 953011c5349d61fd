/* SPDX-License-Identifier: MIT
**
** failure: what failed in HTTP, as data. Below this file failures are enums;
** here each becomes a table with a code and what belongs to it. The words are
** in lua/lipsync/error/failure.lua.
*/

#include "luahttp.h"

#define BODY_MAX  (64 * 1024) /* of a response's bytes, kept with a failure */
#define FOUND_MAX 64          /* of a header's value */

/* For every enum http_result but HTTP_OK and HTTP_MEMORY. */
static const char *const results[] = {
  [HTTP_CONNECT_TIMEOUT] = "connect_timeout",
  [HTTP_RESOLVE] = "resolve",
  [HTTP_CONNECT] = "connect",
  [HTTP_DESCRIPTORS] = "descriptors",
  [HTTP_THREAD] = "thread",
  [HTTP_PROXY_RESOLVE] = "proxy_resolve",
  [HTTP_PROXY_CONNECT] = "proxy_connect",
  [HTTP_PROXY_TIMEOUT] = "proxy_timeout",
  [HTTP_PROXY_REFUSED] = "proxy_refused",
  [HTTP_PROXY] = "proxy",
  [HTTP_SEND] = "send",
  [HTTP_CUT] = "cut",
  [HTTP_EMPTY] = "empty",
  [HTTP_RESEND] = "resend",
  [HTTP_CERTIFICATE] = "certificate",
  [HTTP_HANDSHAKE] = "handshake",
  [HTTP_CA_FILE] = "ca_file",
  [HTTP_NOT_HTTP] = "not_http",
  [HTTP_INTERIM] = "interim",
  [HTTP_HEADERS_LIMIT] = "headers_limit",
  [HTTP_BODY_LIMIT] = "body_limit",
  [HTTP_NOT_LOOPBACK] = "not_loopback",
  [HTTP_MEDIA_HTTP] = "media_http",
  [HTTP_MEDIA_ADDRESS] = "media_address",
  [HTTP_FILE_SHRANK] = "file_shrank",
  [HTTP_FILE_UNREAD] = "file_unread",
  [HTTP_CANCELED] = "canceled",
  [HTTP_CLOSED] = "closed",
  [HTTP_FORKED] = "forked",
};

/* For every enum http_refusal but HTTP_ACCEPTED and HTTP_NO_MEMORY. */
static const char *const refusals[] = {
  [HTTP_NO_DESCRIPTORS] = "descriptors",
  [HTTP_URL_MALFORMED] = "url_malformed",
  [HTTP_URL_SCHEME] = "url_scheme",
  [HTTP_URL_USER] = "url_user",
  [HTTP_URL_QUERY] = "url_query",
  [HTTP_URL_V2] = "url_v2",
  [HTTP_KEY_LINE_BREAK] = "key_line_break",
  [HTTP_KEY_CONTROL] = "key_control",
  [HTTP_KEY_NOT_ASCII] = "key_not_ascii",
  [HTTP_AGENT_MALFORMED] = "agent_malformed",
  [HTTP_HEADER_MALFORMED] = "header_malformed",
  [HTTP_HEADER_RESERVED] = "header_reserved",
  [HTTP_PROXY_MALFORMED] = "proxy_malformed",
  [HTTP_ORIGIN_MALFORMED] = "origin_malformed",
  [HTTP_PATH_MALFORMED] = "path_malformed",
  [HTTP_PATH_LONG] = "path_long",
  [HTTP_ADDRESS_REFUSED] = "media_address",
};

/* Adds which file it is, where one of the request's body is to blame. */
static void set_file (lua_State *L, const struct http_exchange *x) {
  const char *path;
  struct body_stamp stamp;
  if (x->upload.part == 0
      || !body_file_of(x->upload.body, x->upload.part, &path, &stamp))
    return;
  error_set_string(L, "path", path);
  error_set_number(L, "index", x->upload.part);
}


/* Adds which proxy failed, and with which status. */
static void set_proxy (lua_State *L, const struct http_exchange *x) {
  if (x->result < HTTP_PROXY_RESOLVE || x->result > HTTP_PROXY)
    return;
  error_set_string(L, "proxy", x->proxy);
  if (x->proxy_status != 0)
    error_set_number(L, "proxy_status", x->proxy_status);
}


static int push_result (lua_State *L, const struct http_exchange *x) {
  if (x->result == HTTP_MEMORY)
    return error_no_memory(L);
  error_push(L, results[x->result]);
  error_set_string(L, "detail", x->detail);
  if (x->result == HTTP_INTERIM)
    error_set_number(L, "status", x->status);
  error_set_os_error(L, x->os_error);
  set_proxy(L, x);
  set_file(L, x);
  return 2;
}


/* Adds what the response began with, where that is still at hand. */
static void set_body (lua_State *L, struct response *a) {
  size_t n;
  const char *text = a->exchange == NULL ? NULL : response_beginning(a, &n);
  if (text == NULL)
    return;
  lua_pushlstring(L, text, n < BODY_MAX ? n : BODY_MAX);
  lua_setfield(L, -2, "body");
}


/* Adds which element of the list it is, and of what type. */
static int set_element (lua_State *L, const struct response *a,
                        const char *type) {
  error_set_number(L, "index", (int64_t)a->taken + 1);
  error_set_number(L, "limit", (int64_t)a->scanner.limits.element);
  error_set_string(L, "type", type);
  return 2;
}


static int push_encoding (lua_State *L, const struct response *a) {
  size_t n = 0;
  const char *text = http_header(a->exchange, "content-encoding", &n);
  error_push(L, "encoding");
  lua_pushlstring(L, text, n < FOUND_MAX ? n : FOUND_MAX);
  lua_setfield(L, -2, "found");
  return 2;
}


int failure_push (lua_State *L, struct response *a, const char *type) {
  switch (a->failure) {
    case FAILURE_HTTP: return push_result(L, a->exchange);
    case FAILURE_ENCODING: return push_encoding(L, a);
    case FAILURE_GZIP: return error_push(L, "gzip");
    case FAILURE_JSON:
      error_push_json(L, &a->scanner, a->json,
                      a->rules.mode == HTTP_LINES ? "lines" : "array");
      set_body(L, a);
      return set_element(L, a, type);
    case FAILURE_NO_ID: error_push(L, "no_id"); return set_element(L, a, type);
    case FAILURE_BLANK: error_push(L, "blank"); return set_element(L, a, type);
    case FAILURE_SIZE: return error_push(L, "body_limit");
    case FAILURE_FORKED: return error_push(L, "forked");
    default: return error_no_memory(L);
  }
}


int failure_push_closed (lua_State *L) {
  return error_push(L, "closed");
}


int failure_push_refusal (lua_State *L, enum http_refusal refusal) {
  return refusal == HTTP_NO_MEMORY ? error_no_memory(L)
                                   : error_push(L, refusals[refusal]);
}
