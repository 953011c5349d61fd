/* SPDX-License-Identifier: MIT
**
** request: turns a request into the options of an easy handle: where it
** connects, what it sends, what it refuses.
*/

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "exchange.h"
#include "guard.h"
#include "header.h"
#include "platform.h"

/* Whether 's' holds only bytes that may be sent in a path and a query. */
static int is_encoded (const char *s) {
  for (; *s != '\0'; s++)
    if ((unsigned char)*s <= ' ' || (unsigned char)*s >= 0x7f || *s == '#')
      return 0;
  return 1;
}


/* Whether the request has HTTP/1.1 because of its body: as with a response that
** is a stream, libcurl would take in over HTTP/2 what it is to wait for. */
static int needs_alone (const struct http_request *request) {
  return request->body != NULL
         && (request->body->has_files || request->hold > 0);
}


/* What all requests of a session share, once for each handle: libcurl copies
** every string, and 30 options cost as much as a tenth of a request. */
static CURLcode set_constants (struct exchange *x) {
  const struct http_session *s = x->pub.session;
  CURLcode code = callbacks_set(x);
  SET(CURLOPT_NOSIGNAL, 1L);
  SET(CURLOPT_CONNECTTIMEOUT_MS, s->connect_timeout);
  SET(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
  SET(CURLOPT_PATH_AS_IS, 1L);
  SET(CURLOPT_PROXY, ""); /* nothing of the environment's */
  SET(CURLOPT_NOPROXY, "");
  if (s->ca_file != NULL)
    SET(CURLOPT_CAINFO, s->ca_file);
  /* else each connection reads it, 25 ms; a library without TLS has none */
  (void)curl_easy_setopt(x->easy, CURLOPT_CAPATH, NULL);
  /* as elsewhere: Schannel alone would fail where it cannot ask whether a
     certificate was revoked, as with most proxies of companies */
  (void)curl_easy_setopt(x->easy, CURLOPT_SSL_OPTIONS,
                         (long)CURLSSLOPT_REVOKE_BEST_EFFORT);
#if LIBCURL_VERSION_NUM >= 0x075700
  /* an older library at run time does not know it; then a lookup of a name
     that is given up is waited for */
  (void)curl_easy_setopt(x->easy, CURLOPT_QUICK_EXIT, 1L);
#endif
  return code;
}


/* Takes a handle of the pool, or a new one. */
static CURLcode take_easy (struct exchange *x) {
  struct http_session *s = x->pub.session;
  if (s->pooled > 0) {
    x->easy = s->pool[--s->pooled];
    return CURLE_OK;
  }
  x->easy = curl_easy_init();
  return x->easy == NULL ? CURLE_OUT_OF_MEMORY : set_constants(x);
}


static CURLcode set_protocol (struct exchange *x) {
  CURLcode code = CURLE_OK;
  SET(CURLOPT_HTTP_VERSION,
      x->http1 ? (long)CURL_HTTP_VERSION_1_1 : (long)CURL_HTTP_VERSION_2TLS);
  if (code != CURLE_OK && !x->http1) /* a libcurl without HTTP/2 */
    code = curl_easy_setopt(x->easy, CURLOPT_HTTP_VERSION,
                            (long)CURL_HTTP_VERSION_1_1);
  /* a handle of the pool keeps its buffer where others used its connection
     at the same time, and takes no other size then: any size will do */
  (void)curl_easy_setopt(x->easy, CURLOPT_BUFFERSIZE,
                         x->mode == HTTP_WHOLE    ? (long)CURL_MAX_WRITE_SIZE
                         : x->mode == HTTP_CHUNKS ? (long)CHUNK_BUFFER
                         : x->blocking            ? (long)BLOCKING_BUFFER
                                                  : (long)STREAM_BUFFER);
  return code;
}


/* A POST says that it has no body, and so does what is like it. */
static int has_length (const struct http_request *request) {
  const char *method = request->method;
  return request->body != NULL || strcmp(method, "POST") == 0
         || strcmp(method, "PUT") == 0 || strcmp(method, "PATCH") == 0;
}


/* The method and the body: a short one as it is, so that it leaves in one
** packet with the headers; of any other the length, and libcurl asks for the
** pieces. */
static CURLcode set_body (struct exchange *x,
                          const struct http_request *request) {
  const struct body *b = request->body;
  const char *whole = body_whole(&x->pub.upload);
  int is_head = strcmp(request->method, "HEAD") == 0;
  CURLcode code = CURLE_OK;
  if (is_head)
    SET(CURLOPT_NOBODY, 1L);
  else if (has_length(request)) {
    SET(CURLOPT_POST, 1L);
    SET(CURLOPT_POSTFIELDS, whole);
    SET(CURLOPT_POSTFIELDSIZE_LARGE,
        b == NULL ? (curl_off_t)0 : (curl_off_t)b->length);
  }
  else
    SET(CURLOPT_HTTPGET, 1L);
  x->is_whole = whole != NULL;
  SET(CURLOPT_CUSTOMREQUEST,
      is_head || strcmp(request->method, "GET") == 0 ? NULL : request->method);
  return code;
}


/* Which connections will do. A body of files is not sent on one that may be
** dead already. Neither is what follows when a reused one has broken: at first
** it makes new ones; later libcurl, which counts in whole seconds, can be told
** to drop those that are older. */
static CURLcode set_reuse (struct exchange *x,
                           const struct http_request *request) {
  struct http_session *s = x->pub.session;
  double since = s->broke_at > 0 ? platform_now() - s->broke_at : 0;
  int is_doubted = since < 1 && s->fresh > 0;
  int is_fresh = is_doubted || needs_alone(request);
  CURLcode code = CURLE_OK;
  s->fresh -= is_doubted ? 1 : 0;
  SET(CURLOPT_FRESH_CONNECT, is_fresh ? 1L : 0L);
  SET(CURLOPT_MAXLIFETIME_CONN, (long)since);
  return code;
}


/* Where to: an origin that is parsed already, because libcurl takes an address
** apart and writes it anew for every request; as text where it has a zone. */
static CURLcode set_origin_url (struct exchange *x) {
  CURLcode code = CURLE_OK;
  SET(CURLOPT_CURLU, x->origin->url);
  if (x->origin->url == NULL)
    SET(CURLOPT_URL, x->origin->text);
  return code;
}


/* Whether a proxy reads the request, and connects to where that says: one of
** SOCKS does not, and hands on all that it gets. */
static int is_read_by_proxy (const struct exchange *x) {
  const char *proxy = x->pub.proxy;
  return x->origin->is_http && proxy != NULL && strncmp(proxy, "http", 4) == 0;
}


static char *append (char *end, const char *text) {
  size_t n = strlen(text);
  memcpy(end, text, n + 1);
  return end + n;
}


/* What is asked for: path and query, of a proxy that reads it all of it. An id
** in it may come from outside, and be of any length. */
static enum http_refusal set_url (struct exchange *x,
                                  const struct http_request *request) {
  const struct origin *o = x->origin;
  const char *prefix = request->origin == NULL ? o->prefix : "";
  const char *query = request->query == NULL ? "" : request->query;
  size_t size = strlen(o->text) + strlen(prefix) + strlen(request->path) + 1
                + strlen(query) + 1;
  char *target = (char *)malloc(size), *end = target;
  CURLcode code;
  if (target == NULL)
    return HTTP_NO_MEMORY;
  x->pub.proxy_reads = is_read_by_proxy(x);
  if (x->pub.proxy_reads)
    end = append(end, o->text);
  end = append(append(end, prefix), request->path);
  if (*query != '\0')
    append(append(end, "?"), query);
  code = set_origin_url(x);
  SET(CURLOPT_REQUEST_TARGET, target);
  free(target);
  return code == CURLE_OK                      ? HTTP_ACCEPTED
         : code == CURLE_BAD_FUNCTION_ARGUMENT ? HTTP_PATH_LONG
                                               : HTTP_NO_MEMORY;
}


enum http_refusal request_add_headers (struct curl_slist **list,
                                       const struct http_header *headers,
                                       size_t n) {
  enum http_refusal refusal = HTTP_ACCEPTED;
  size_t i;
  for (i = 0; i < n && refusal == HTTP_ACCEPTED; i++)
    refusal = header_is_reserved(headers[i].name)
                ? HTTP_HEADER_RESERVED
                : header_add(list, headers[i].name, headers[i].value);
  return refusal;
}


/* Adds the type of a body. That of multipart is no choice. */
static enum http_refusal add_type (struct exchange *x,
                                   const struct http_request *request) {
  char type[120];
  if (request->body == NULL || *request->body->boundary == '\0')
    return request->type == NULL
             ? HTTP_ACCEPTED
             : header_add(&x->own_headers, "Content-Type", request->type);
  snprintf(type, sizeof(type), "multipart/form-data; boundary=%s",
           request->body->boundary);
  return header_add(&x->own_headers, "Content-Type", type);
}


/* Adds the headers of this request alone. The first one of a name counts. */
static enum http_refusal add_own_headers (struct exchange *x,
                                          const struct http_request *request) {
  enum http_refusal refusal = HTTP_ACCEPTED;
  if (x->mode == HTTP_CHUNKS || x->is_bare)
    refusal = header_add(&x->own_headers, "Accept-Encoding", "identity");
  if (refusal == HTTP_ACCEPTED)
    refusal = add_type(x, request);
  if (refusal == HTTP_ACCEPTED && request->key != NULL)
    refusal = header_add(&x->own_headers, "Idempotency-Key", request->key);
  if (refusal == HTTP_ACCEPTED)
    refusal = request_add_headers(&x->own_headers, request->headers,
                                  request->header_count);
  return refusal;
}


/* Keeps libcurl from its own headers for a body. */
static enum http_refusal
suppress_for_body (struct exchange *x, const struct http_request *request) {
  enum http_refusal refusal = header_suppress(&x->own_headers, "Content-Type");
  if (refusal == HTTP_ACCEPTED && request->no_expect)
    refusal = header_suppress(&x->own_headers, "Expect");
  return refusal;
}


/* Adds those of a request that goes without the session's. */
static enum http_refusal add_bare_headers (struct exchange *x) {
  const char *agent = x->pub.session->bare_agent;
  enum http_refusal refusal = HTTP_ACCEPTED;
  if (agent != NULL)
    refusal = header_add(&x->own_headers, "User-Agent", agent);
  if (refusal == HTTP_ACCEPTED)
    refusal = header_suppress(&x->own_headers, "Accept");
  return refusal;
}


/* Gives 'x' the session's list as it is, or where the request has headers of
** its own, those and then the others; for another origin, only its own. */
static enum http_refusal set_headers (struct exchange *x,
                                      const struct http_request *request) {
  const struct http_session *s = x->pub.session;
  struct curl_slist *list = request->with_key && s->key_header != NULL
                              ? s->key_header
                              : s->headers;
  enum http_refusal refusal = add_own_headers(x, request);
  if (refusal == HTTP_ACCEPTED && has_length(request))
    refusal = suppress_for_body(x, request);
  if (refusal == HTTP_ACCEPTED && x->is_bare)
    refusal = add_bare_headers(x);
  else if (refusal == HTTP_ACCEPTED && x->own_headers != NULL)
    refusal = header_join(&x->own_headers, list, &x->shared);
  if (refusal != HTTP_ACCEPTED)
    return refusal;
  if (x->own_headers != NULL)
    list = x->own_headers;
  return curl_easy_setopt(x->easy, CURLOPT_HTTPHEADER, list) == CURLE_OK
           ? HTTP_ACCEPTED
           : HTTP_NO_MEMORY;
}


static enum http_refusal set_origin (struct exchange *x,
                                     const struct http_request *request) {
  enum http_refusal refusal;
  if (request->origin == NULL)
    return HTTP_ACCEPTED;
  refusal = origin_parse_bare(&x->other, request->origin);
  if (refusal == HTTP_ACCEPTED)
    x->origin = &x->other;
  return refusal;
}


enum http_refusal request_prepare (struct exchange *x,
                                   const struct http_request *request) {
  enum http_refusal refusal = set_origin(x, request);
  if (refusal != HTTP_ACCEPTED)
    return refusal;
  if (*request->path != '/' || !is_encoded(request->path)
      || (request->query != NULL && !is_encoded(request->query)))
    return HTTP_PATH_MALFORMED;
  x->is_bare = request->is_bare || !guard_is_to_api(x);
  x->http1 = x->mode != HTTP_WHOLE || x->origin->is_http
             || needs_alone(request);
  if (take_easy(x) != CURLE_OK)
    return HTTP_NO_MEMORY;
  refusal = guard_prepare(x);
  if (refusal != HTTP_ACCEPTED)
    return refusal;
  if (callbacks_set_data(x) != CURLE_OK || set_protocol(x) != CURLE_OK
      || set_body(x, request) != CURLE_OK || set_reuse(x, request) != CURLE_OK)
    return HTTP_NO_MEMORY;
  refusal = set_url(x, request);
  return refusal == HTTP_ACCEPTED ? set_headers(x, request) : refusal;
}
