/* SPDX-License-Identifier: MIT
**
** receive: runs exchanges, from the request's body to the end of the response.
** libcurl's callbacks here read or append to buffers and set fields; they call
** nothing above.
*/

#include <stdlib.h>
#include <string.h>

#include "exchange.h"
#include "guard.h"
#include "header.h"
#include "platform.h"
#include "process.h"


/* ---- Queues ---- */

static void enqueue (struct exchange *x, enum queues which) {
  struct queue *queue = &x->pub.session->queues[which];
  if (x->in[which])
    return;
  x->in[which] = 1;
  x->after[which] = NULL;
  *queue->last = x;
  queue->last = &x->after[which];
  queue->length++;
}


static void dequeue (struct exchange *x, enum queues which) {
  struct queue *queue = &x->pub.session->queues[which];
  struct exchange **at = &queue->first;
  if (!x->in[which])
    return;
  while (*at != x)
    at = &(*at)->after[which];
  *at = x->after[which];
  if (*at == NULL)
    queue->last = at;
  queue->length--;
  x->in[which] = 0;
}


/* Something happened to 'x'. */
static void notify (struct exchange *x) {
  x->pub.session->has_events = 1;
  enqueue(x, QUEUE_READY);
}


void *http_next_ready (struct http_session *s) {
  struct exchange *x = s->queues[QUEUE_READY].first;
  if (x == NULL)
    return NULL;
  dequeue(x, QUEUE_READY);
  return x->user;
}


/* ---- How exchanges begin and end ---- */

/* Notes how much 'x' holds, in the session's sum: to add it up anew for every
** request costs more, the more of them there are. */
static void note_held (struct exchange *x) {
  if (x->pub.session != NULL)
    x->pub.session->held += x->pub.body.capacity - x->held;
  x->held = x->pub.body.capacity;
}


struct exchange *exchange_new (struct http_session *s,
                               const struct http_request *request, void *user) {
  struct exchange *x = (struct exchange *)calloc(1, sizeof(*x));
  if (x == NULL)
    return NULL;
  x->user = user;
  x->pub.session = s;
  x->origin = &s->origin;
  x->pub.detail = x->error;
  x->forks = process_forks();
  x->mode = request->mode;
  body_open(&x->pub.upload, request->body, request->hold);
  buf_init(&x->pub.body, request->max_body);
  buf_init(&x->headers, HTTP_HEADERS_MAX);
  x->next = s->exchanges;
  x->at = &s->exchanges;
  if (x->next != NULL)
    x->next->at = &x->next;
  s->exchanges = x;
  s->count++;
  process_count_exchange(+1);
  return x;
}


/* Gives the easy handle to the session's pool if all went well: libcurl may
** leave one that failed in any state, and after a 417 it never sends Expect
** again. Not by curl_easy_reset, which cannot say that it ran out of memory,
** and leaves a handle without its defaults. So request.c sets every option of
** all that may differ; here go those that point into the exchange. */
static void release_easy (struct http_session *s, struct exchange *x) {
  CURL *easy = x->easy;
  if (s->pooled < POOL_MAX && x->pub.result == HTTP_OK
      && x->pub.status != 417) {
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, NULL);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, NULL);
    curl_easy_setopt(easy, CURLOPT_CURLU, NULL);
    s->pool[s->pooled++] = easy;
  }
  else
    curl_easy_cleanup(easy);
}


/* Whether nothing came on a connection that had served before. Those that are
** idle may be dead as well: the network or a balancer has dropped them. */
static int reused_dead (const struct exchange *x, enum http_result result) {
  long made = 0;
  if (result == HTTP_RESEND)
    return 1;
  if (result != HTTP_CUT && result != HTTP_EMPTY && result != HTTP_SEND
      && result != HTTP_CANCELED)
    return 0;
  curl_easy_getinfo(x->easy, CURLINFO_NUM_CONNECTS, &made);
  return made == 0 && x->pub.sent && x->pub.received == 0;
}


/* Notes that the connection waits for a next request, if it does. */
static void note_idle (struct exchange *x) {
  curl_socket_t fd = CURL_SOCKET_BAD;
  long version = 0, port = 0;
  if (curl_easy_getinfo(x->easy, CURLINFO_HTTP_VERSION, &version) == CURLE_OK
      && version <= CURL_HTTP_VERSION_1_1
      && curl_easy_getinfo(x->easy, CURLINFO_ACTIVESOCKET, &fd) == CURLE_OK
      && fd != CURL_SOCKET_BAD
      && curl_easy_getinfo(x->easy, CURLINFO_LOCAL_PORT, &port) == CURLE_OK)
    idle_add(&x->pub.session->idle, fd, port);
}


/* Makes 'x' over: gives its easy handle back (in a forked child it is left
** alone, for it is the parent's), tells of it. What arrived stays readable. */
static void end_exchange (struct exchange *x, enum http_result result) {
  struct http_session *s = x->pub.session;
  x->pub.result = result;
  x->pub.over = 1;
  if (x->added)
    s->under_way--;
  dequeue(x, QUEUE_RESUME);
  if (x->easy != NULL && s->forks == process_forks()) {
    if (x->added) {
      if (reused_dead(x, result))
        session_doubt(s);
      if (result == HTTP_OK)
        note_idle(x);
      curl_multi_remove_handle(s->engine.multi, x->easy);
    }
    release_easy(s, x);
    header_wipe(x->own_headers);
  }
  x->easy = NULL;
  x->own_headers = NULL;
  if (x->pub.body.length == 0)
    buf_free(&x->pub.body);
  note_held(x);
  notify(x);
}


void exchange_detach (struct exchange *x) {
  dequeue(x, QUEUE_READY);
  x->pub.session->count--;
  x->pub.session->held -= x->held;
  *x->at = x->next;
  if (x->next != NULL)
    x->next->at = x->at;
  x->pub.session = NULL;
}


void http_cancel (struct http_exchange *pub, enum http_result result) {
  struct exchange *x = (struct exchange *)pub;
  struct process_guard guard;
  if (pub->over)
    return;
  process_guard_begin(&guard);
  end_exchange(x, result);
  process_guard_end(&guard);
}


void http_free (struct http_exchange *pub) {
  struct exchange *x = (struct exchange *)pub;
  if (pub->session != NULL) {
    http_cancel(pub, HTTP_CANCELED);
    exchange_detach(x);
  }
  buf_free(&pub->body);
  buf_free(&x->headers);
  origin_free(&x->other);
  body_close(&pub->upload);
  free(pub->proxy);
  free(x);
  process_count_exchange(-1);
}


/* What libcurl's errors are called here. */
static const struct {
  CURLcode code;
  enum http_result result;
} results[] = {
  {CURLE_COULDNT_RESOLVE_HOST, HTTP_RESOLVE},
  {CURLE_COULDNT_CONNECT, HTTP_CONNECT},
  {CURLE_OPERATION_TIMEDOUT, HTTP_CONNECT_TIMEOUT},
  {CURLE_COULDNT_RESOLVE_PROXY, HTTP_PROXY_RESOLVE},
  {CURLE_SEND_ERROR, HTTP_SEND},
  {CURLE_SEND_FAIL_REWIND, HTTP_RESEND}, /* it would have to read it again */
  {CURLE_GOT_NOTHING, HTTP_EMPTY},
  {CURLE_PEER_FAILED_VERIFICATION, HTTP_CERTIFICATE},
  {CURLE_SSL_ISSUER_ERROR, HTTP_CERTIFICATE},
  {CURLE_SSL_INVALIDCERTSTATUS, HTTP_CERTIFICATE},
  {CURLE_SSL_PINNEDPUBKEYNOTMATCH, HTTP_CERTIFICATE},
  {CURLE_SSL_CONNECT_ERROR, HTTP_HANDSHAKE},
  {CURLE_SSL_CIPHER, HTTP_HANDSHAKE},
  {CURLE_USE_SSL_FAILED, HTTP_HANDSHAKE},
  {CURLE_SSL_ENGINE_INITFAILED, HTTP_HANDSHAKE},
  {CURLE_SSL_CACERT_BADFILE, HTTP_CA_FILE},
  {CURLE_UNSUPPORTED_PROTOCOL, HTTP_NOT_HTTP},
  {CURLE_WEIRD_SERVER_REPLY, HTTP_NOT_HTTP},
  {CURLE_OUT_OF_MEMORY, HTTP_MEMORY},
  {CURLE_FAILED_INIT, HTTP_MEMORY},
};


/* Whether the response is complete although the request is not: a server that
** refuses a body hangs up on the rest of it, and libcurl takes that for a
** broken connection. Asked to do without Expect (417), libcurl would send it
** again. */
static int is_answered (const struct exchange *x) {
  curl_off_t announced = -1, received = 0, sent = 0;
  const struct body *b = x->pub.upload.body;
  if (b == NULL || x->pub.status == 0)
    return 0;
  if (x->pub.status == 417)
    return 1;
  curl_easy_getinfo(x->easy, CURLINFO_SIZE_UPLOAD_T, &sent);
  if ((uint64_t)sent == b->length)
    return 0;
  curl_easy_getinfo(x->easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &announced);
  curl_easy_getinfo(x->easy, CURLINFO_SIZE_DOWNLOAD_T, &received);
  return x->pub.status >= 400 || received == announced;
}


/* The errors by which libcurl says that it, the resolver or OpenSSL could not
** open something, as well as what else they mean. */
static int needs_descriptors (CURLcode code) {
  return code == CURLE_COULDNT_RESOLVE_HOST || code == CURLE_SSL_CACERT_BADFILE
         || code == CURLE_OUT_OF_MEMORY || code == CURLE_FAILED_INIT;
}


/* Whether the peer hung up inside a handshake, which is no matter of TLS.
** libcurl's words for a socket that failed, for an OpenSSL that gives no reason
** ("SSL_connect: SSL_ERROR_SYSCALL in connection to …") or calls it an error of
** its own, for GnuTLS and for Schannel. */
static int is_hang_up (const char *detail) {
  static const char *const words[] = {
    "Recv failure: ",
    "Send failure: ",
    " SSL_connect: ",
    "unexpected eof while reading",
    "non-properly terminated",
    "Error in the pull function",
    "schannel: failed to receive handshake",
    "schannel: failed to send ",
  };
  size_t i;
  for (i = 0; i < sizeof(words) / sizeof(words[0]); i++)
    if (strstr(detail, words[i]) != NULL)
      return 1;
  return 0;
}


/* What an exchange's end means, beginning with what we know better than
** libcurl. What is left over broke the connection, at the latest here. */
static enum http_result to_result (const struct exchange *x, CURLcode code) {
  size_t i;
  if (x->pub.result != HTTP_OK) /* a callback of ours ended it */
    return x->pub.result;
  if (code == CURLE_OK) /* which a close inside the headers is to libcurl */
    return x->pub.status != 0 ? HTTP_OK : HTTP_CUT;
  if (is_answered(x))
    return HTTP_OK;
  if (code == CURLE_COULDNT_CONNECT && x->refused != HTTP_OK)
    return x->refused;
  if (code == CURLE_SSL_CONNECT_ERROR && is_hang_up(x->error))
    return HTTP_CUT;
  if (x->few != 0 && needs_descriptors(code))
    return HTTP_DESCRIPTORS;
  if (code == CURLE_COULDNT_RESOLVE_HOST
      && strstr(x->error, "thread failed to start") != NULL)
    return HTTP_THREAD;
  for (i = 0; i < sizeof(results) / sizeof(results[0]); i++)
    if (results[i].code == code)
      return results[i].result;
  return x->pub.sent ? HTTP_CUT : HTTP_CONNECT;
}


/* The same, seen from a request that goes through a proxy. Until it is sent all
** failures are those of the proxy, but for what can go wrong in a tunnel that
** stands. */
static enum http_result blame_proxy (const struct exchange *x, CURLcode code,
                                     enum http_result result) {
  if (x->pub.proxy == NULL || x->pub.sent || x->pub.result != HTTP_OK
      || result == HTTP_DESCRIPTORS || result == HTTP_THREAD
      || result == HTTP_MEMORY || result == HTTP_RESOLVE
      || result == HTTP_NOT_LOOPBACK)
    return result;
  if (code == CURLE_OPERATION_TIMEDOUT)
    return HTTP_PROXY_TIMEOUT;
  if (x->pub.proxy_status >= 300)
    return HTTP_PROXY_REFUSED;
  if (x->pub.proxy_status != 0 || result == HTTP_PROXY_RESOLVE)
    return result;
  return code == CURLE_COULDNT_CONNECT ? HTTP_PROXY_CONNECT : HTTP_PROXY;
}


/* Notes what the proxy said, and takes its password out of libcurl's words. */
static void note_proxy (struct exchange *x) {
  long status = 0;
  if (x->pub.proxy == NULL)
    return;
  curl_easy_getinfo(x->easy, CURLINFO_HTTP_CONNECTCODE, &status);
  x->pub.proxy_status = (int)status;
  if (strstr(x->error, x->pub.session->proxy.address) != NULL)
    x->error[0] = '\0';
}


static int os_error_of (const struct exchange *x, CURLcode code) {
  long error = 0;
  if (x->pub.result == HTTP_FILE_UNREAD)
    return x->pub.upload.os_error;
  if (code == CURLE_COULDNT_CONNECT && x->no_socket != 0)
    return x->no_socket;
  curl_easy_getinfo(x->easy, CURLINFO_OS_ERRNO, &error);
  return socket_errno(error);
}


/* Begins anew, on a new connection, with a request that was stopped before it
** was sent. */
static void begin_anew (struct exchange *x) {
  CURLM *multi = x->pub.session->engine.multi;
  x->is_stale = 0;
  x->error[0] = '\0';
  curl_multi_remove_handle(multi, x->easy);
  x->added = curl_easy_setopt(x->easy, CURLOPT_FRESH_CONNECT, 1L) == CURLE_OK
             && curl_multi_add_handle(multi, x->easy) == CURLM_OK;
  if (x->added)
    return;
  x->pub.session->under_way--;
  end_exchange(x, HTTP_MEMORY);
}


static void finish (struct exchange *x, CURLcode code) {
  enum http_result result;
  if (x->is_stale) {
    begin_anew(x);
    return;
  }
  note_proxy(x);
  x->pub.os_error = os_error_of(x, code);
  result = blame_proxy(x, code, to_result(x, code));
  if (code != CURLE_OK && x->error[0] == '\0')
    strncpy(x->error, curl_easy_strerror(code), sizeof(x->error) - 1);
  end_exchange(x, result);
}


void exchange_reap (struct http_session *s) {
  CURLMsg *message;
  int left;
  while ((message = curl_multi_info_read(s->engine.multi, &left)) != NULL) {
    char *x = NULL;
    CURLcode code = message->data.result;
    if (message->msg == CURLMSG_DONE
        && curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &x)
             == CURLE_OK)
      finish((struct exchange *)(void *)x, code);
  }
}


/* ---- Callbacks of libcurl ---- */

/* Lets the request be sent once and stops a second time: libcurl would send it
** again by itself when a reused connection dies early, or after a 417. On a
** connection with bytes that are no answer to it, it is not sent at all. */
static int on_request (void *arg, char *peer, char *own, int peer_port,
                       int own_port) {
  struct exchange *x = (struct exchange *)arg;
  int is_clean = idle_take(&x->pub.session->idle, own_port);
  (void)own;
  (void)peer_port;
  if (x->pub.sent) {
    if (x->pub.status != 417)
      x->pub.result = HTTP_RESEND;
    return CURL_PREREQFUNC_ABORT;
  }
  x->is_stale = !is_clean;
  if (x->is_stale)
    return CURL_PREREQFUNC_ABORT;
  guard_note_peer(x, peer);
  x->pub.sent = 1;
  return CURL_PREREQFUNC_OK;
}


/* Notes whether the descriptors for a lookup are there: a pair to its thread,
** and two in it. When it has failed those are free again. */
static int on_lookup (void *state, void *reserved, void *arg) {
  struct exchange *x = (struct exchange *)arg;
  (void)state;
  (void)reserved;
  x->few = platform_lacks(4);
  return 0;
}


static curl_socket_t on_open_socket (void *arg, curlsocktype purpose,
                                     struct curl_sockaddr *address) {
  struct exchange *x = (struct exchange *)arg;
  enum http_result refused = guard_judge(x, &address->addr);
  curl_socket_t s;
  (void)purpose;
  if (refused != HTTP_OK) {
    x->refused = refused;
    return CURL_SOCKET_BAD;
  }
  s = socket_open(address->family, address->socktype, address->protocol,
                  &x->no_socket);
  if (s != CURL_SOCKET_BAD)
    engine_opened(&x->pub.session->engine, s);
  x->few = platform_lacks(1); /* for the file of certificates */
  return s;
}


static int on_close_socket (void *arg, curl_socket_t socket) {
  struct http_session *s = (struct http_session *)arg;
  idle_remove(&s->idle, socket);
  engine_closing(&s->engine, socket);
  return socket_close(socket);
}


static size_t stop (struct exchange *x, enum http_result result) {
  x->pub.result = result;
  return 0; /* not what was offered: libcurl gives up */
}


static int status_of (const char *line, size_t n) {
  const char *space = (const char *)memchr(line, ' ', n);
  return (space == NULL) ? 0 : (int)strtol(space + 1, NULL, 10);
}


static int is_stream (enum http_mode mode, int status) {
  return (mode != HTTP_WHOLE && status == 200)
         || (mode >= HTTP_CHUNKS && status == 206);
}


/* Whether nothing but a body of another protocol can follow on 'status'. Any
** other 1xx is followed by the response. */
static int is_last_interim (int status) {
  return status < 100 || status == 101;
}


/* One header line. A status line begins a new response: a 1xx may have come
** before. Trailers come after the empty line and are only counted. */
static size_t on_header (char *data, size_t one, size_t n, void *arg) {
  struct exchange *x = (struct exchange *)arg;
  (void)one;
  x->pub.received += n;
  x->header_bytes += n;
  if (x->header_bytes > HTTP_HEADERS_MAX)
    return stop(x, HTTP_HEADERS_LIMIT);
  if (x->pub.status != 0)
    return n;
  if (n > 5 && memcmp(data, "HTTP/", 5) == 0)
    buf_consume(&x->headers, x->headers.length);
  if (buf_append(&x->headers, data, n) != BUF_OK)
    return stop(x, HTTP_MEMORY);
  if (n <= 2 && (*data == '\r' || *data == '\n')) {
    int status = status_of(buf_data(&x->headers), x->headers.length);
    if (status >= 200) {
      x->pub.status = status;
      x->pub.streams = is_stream(x->mode, status);
      if (status >= 300)
        http_release(&x->pub); /* libcurl sends no more, but would wait */
      notify(x);
    }
    else if (is_last_interim(status)) {
      x->pub.status = status;
      return stop(x, HTTP_INTERIM);
    }
  }
  return n;
}


static size_t mark_of (const struct exchange *x) {
  return x->mode == HTTP_CHUNKS ? HTTP_FILE_MARK : HTTP_MARK;
}


/* Whether libcurl is to hand over no more for now: until the stream is read,
** or, past the deadline, until the next step. Over HTTP/2 it would take in all
** the same what it is not to hand over. */
static int has_enough (struct exchange *x) {
  if (x->pub.streams && x->pub.unread >= mark_of(x)) {
    dequeue(x, QUEUE_RESUME);
    return 1;
  }
  if (!x->http1 || x->paused || !engine_past_deadline(&x->pub.session->engine))
    return 0;
  enqueue(x, QUEUE_RESUME);
  return 1;
}


/* Pauses after a piece, which is taken: of one that is refused, libcurl copies
** all of its read that is left, and hands over the copy later. What it has read
** still comes, at most STREAM_BUFFER bytes. In both directions, because where
** only one is paused, libcurl looks at once whether the other can go on. */
static int pause_after (struct exchange *x) {
  x->paused = 1;
  return curl_easy_pause(x->easy, CURLPAUSE_ALL) == CURLE_OK;
}


static size_t on_body (char *data, size_t one, size_t n, void *arg) {
  struct exchange *x = (struct exchange *)arg;
  enum buf_status status;
  (void)one;
  if (x->pub.streams)
    x->pub.body.ceiling = (size_t)-1; /* bounded by the mark */
  status = buf_append(&x->pub.body, data, n);
  note_held(x);
  if (status != BUF_OK)
    return stop(x, status == BUF_FULL ? HTTP_BODY_LIMIT : HTTP_MEMORY);
  x->pub.received += n;
  x->pub.unread += n;
  if (x->pub.streams)
    notify(x);
  if (has_enough(x) && !pause_after(x))
    return stop(x, HTTP_MEMORY);
  return n;
}


/* Gives the next bytes of the request's body, and none past its length. */
static size_t on_upload (char *out, size_t one, size_t room, void *arg) {
  struct exchange *x = (struct exchange *)arg;
  enum body_status status;
  size_t n;
  if (body_is_held(&x->pub.upload)) {
    x->pub.held = 1;
    notify(x);
    return CURL_READFUNC_PAUSE;
  }
  status = body_read(&x->pub.upload, out, one * room, &n);
  if (status == BODY_OK)
    return n;
  x->pub.result = status == BODY_SHRANK ? HTTP_FILE_SHRANK : HTTP_FILE_UNREAD;
  return CURL_READFUNC_ABORT;
}


/* ---- Exchanges ---- */

void http_release (struct http_exchange *pub) {
  struct exchange *x = (struct exchange *)pub;
  pub->upload.hold = 0;
  if (pub->held && !pub->over && pub->session->forks == process_forks())
    enqueue(x, QUEUE_RESUME);
  pub->held = 0;
}


void http_read (struct http_exchange *x, size_t n) {
  x->unread -= n;
}


int http_is_ours (const struct http_exchange *pub) {
  const struct exchange *x = (const struct exchange *)pub;
  return x->forks == process_forks();
}


void http_consume (struct http_exchange *x, size_t n) {
  buf_consume(&x->body, n);
  if (!x->over || x->body.length > 0)
    return;
  buf_free(&x->body);
  note_held((struct exchange *)x);
}


int http_can_resume (const struct http_exchange *pub) {
  const struct exchange *x = (const struct exchange *)pub;
  return x->paused && !x->in[QUEUE_RESUME] && !pub->over
         && pub->unread < HTTP_LOW && pub->session->forks == process_forks();
}


void http_resume (struct http_exchange *pub) {
  if (http_can_resume(pub))
    enqueue((struct exchange *)pub, QUEUE_RESUME);
}


void exchange_resume_next (struct http_session *s) {
  struct exchange *x = s->queues[QUEUE_RESUME].first;
  CURLcode code;
  dequeue(x, QUEUE_RESUME);
  x->paused = 0; /* a callback may pause it again, or hold it */
  code = curl_easy_pause(x->easy, CURLPAUSE_CONT);
  if (code != CURLE_OK) /* the bytes it held back may be lost */
    finish(x, code);
}


const char *http_header (const struct http_exchange *pub, const char *name,
                         size_t *length) {
  const struct exchange *x = (const struct exchange *)pub;
  if (pub->status == 0)
    return NULL;
  return header_find(buf_data(&x->headers), x->headers.length, name, length);
}


const char *http_headers (const struct http_exchange *pub, size_t *length) {
  const struct exchange *x = (const struct exchange *)pub;
  *length = x->headers.length;
  return pub->status == 0 ? NULL : buf_data(&x->headers);
}


CURLcode exchange_set_callbacks (struct exchange *x) {
  CURLcode code = CURLE_OK;
  SET(CURLOPT_WRITEFUNCTION, on_body);
  SET(CURLOPT_READFUNCTION, on_upload);
  SET(CURLOPT_HEADERFUNCTION, on_header);
  SET(CURLOPT_PREREQFUNCTION, on_request);
  SET(CURLOPT_RESOLVER_START_FUNCTION, on_lookup);
  SET(CURLOPT_OPENSOCKETFUNCTION, on_open_socket);
  SET(CURLOPT_CLOSESOCKETFUNCTION, on_close_socket);
  SET(CURLOPT_CLOSESOCKETDATA, x->pub.session);
  return code;
}


CURLcode exchange_set_data (struct exchange *x) {
  CURLcode code = CURLE_OK;
  SET(CURLOPT_PRIVATE, x);
  SET(CURLOPT_ERRORBUFFER, x->error);
  SET(CURLOPT_WRITEDATA, x);
  SET(CURLOPT_READDATA, x);
  SET(CURLOPT_HEADERDATA, x);
  SET(CURLOPT_PREREQDATA, x);
  SET(CURLOPT_RESOLVER_START_DATA, x);
  SET(CURLOPT_OPENSOCKETDATA, x);
  return code;
}
