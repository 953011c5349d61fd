/* SPDX-License-Identifier: MIT
**
** http: sessions and their exchanges, on libcurl. A session is connections, and
** a key for one origin, that of the API; an exchange is one request and its
** response. Bytes are moved, headers noted, limits kept; nothing waits, retries
** or decides. Knows nothing of Lua, JSON or content encodings.
*/

#ifndef lipsync_http_h
#define lipsync_http_h

#include <stddef.h>
#include <stdint.h>

#include "body.h"
#include "buf.h"

/* How an exchange ended. HTTP_OK is a complete response, of any status. */
enum http_result {
  HTTP_OK,
  HTTP_CONNECT_TIMEOUT, /* no connection within connect_timeout */
  HTTP_RESOLVE,         /* the host's name has no address */
  HTTP_CONNECT,         /* no address of the host takes connections */
  HTTP_DESCRIPTORS,     /* the process has no descriptor left: 'os_error' */
  HTTP_THREAD,          /* no thread could be had to look up the name */
  HTTP_PROXY_RESOLVE,   /* the proxy's name has no address */
  HTTP_PROXY_CONNECT,   /* the proxy takes no connections */
  HTTP_PROXY_TIMEOUT,   /* no connection through it within connect_timeout */
  HTTP_PROXY_REFUSED,   /* it answers, and does not connect: 'proxy_status' */
  HTTP_PROXY,           /* what else can go wrong with it */
  HTTP_SEND,            /* the request could not be sent whole */
  HTTP_CUT,             /* the connection broke inside the response */
  HTTP_EMPTY,           /* the connection closed before any response */
  HTTP_RESEND,          /* the same on a reused connection, when libcurl
                           was about to send the request again by itself */
  HTTP_CERTIFICATE,     /* the server's certificate cannot be verified */
  HTTP_HANDSHAKE,       /* TLS could not be agreed on */
  HTTP_CA_FILE,         /* the certificates to verify with cannot be read */
  HTTP_NOT_HTTP,        /* what came is not HTTP */
  HTTP_INTERIM,         /* the last status is below 200, as 101 unasked */
  HTTP_HEADERS_LIMIT,   /* more than HTTP_HEADERS_MAX bytes of headers */
  HTTP_BODY_LIMIT,      /* more than the request's max_body */
  HTTP_NOT_LOOPBACK,    /* http: to an address that is not this machine */
  HTTP_MEDIA_HTTP,      /* the same, for a host that is not the API's */
  HTTP_MEDIA_ADDRESS,   /* one that is not public, the same: see guard.h */
  HTTP_FILE_SHRANK,     /* a file of the request's body became shorter */
  HTTP_FILE_UNREAD,     /* and one could not be read: 'os_error' */
  HTTP_CANCELED,        /* http_cancel */
  HTTP_CLOSED,          /* the session was closed */
  HTTP_FORKED,          /* begun by the parent of this process */
  HTTP_MEMORY           /* out of memory */
};

/* Why a session or an exchange could not be made. */
enum http_refusal {
  HTTP_ACCEPTED,
  HTTP_NO_MEMORY,
  HTTP_NO_DESCRIPTORS,
  HTTP_URL_MALFORMED,    /* base_url is no URL, or holds control characters */
  HTTP_URL_SCHEME,       /* neither http: nor https: */
  HTTP_URL_USER,         /* has user-info */
  HTTP_URL_QUERY,        /* has a query or a fragment */
  HTTP_URL_V2,           /* ends in /v2 */
  HTTP_KEY_LINE_BREAK,   /* the key ends in one */
  HTTP_KEY_CONTROL,      /* the key holds a control character or a space */
  HTTP_KEY_NOT_ASCII,    /* the key holds a byte above 127 */
  HTTP_AGENT_MALFORMED,  /* the user agent holds a control character */
  HTTP_HEADER_MALFORMED, /* a header's name or value cannot be sent */
  HTTP_HEADER_RESERVED,  /* a header that only the client itself may set */
  HTTP_PROXY_MALFORMED,  /* the proxy that it needs has no valid address */
  HTTP_ORIGIN_MALFORMED, /* a request's origin is none */
  HTTP_PATH_MALFORMED,   /* a path or query holds bytes that need encoding */
  HTTP_PATH_LONG,        /* both are longer than libcurl takes, 8 MB */
  HTTP_ADDRESS_REFUSED /* not asked of a proxy, the same as for a connection */
};

#define HTTP_HEADERS_MAX (64 * 1024) /* all header lines of one exchange */

/* So many unread bytes pause a stream, once what libcurl has read by then has
** come, and so few resume it: what is left then has to be moved to the front of
** the block. One read mostly brings more than the mark, which so adds to memory
** and to nothing else. */
#define HTTP_MARK (64 * 1024)
#define HTTP_LOW  (16 * 1024)

/* The same for a file: two reads, which are written as one piece. The block for
** them is not made larger later, because new memory takes the most time of all
** here, and has less than the 128 KiB that some allocators ask the system for
** each time. */
#define HTTP_FILE_MARK (48 * 1024)

/* How the body of a response is taken in. Over HTTP/2 libcurl takes in what it
** is not to hand over, so all but the first have HTTP/1.1, and so a connection
** of their own. */
enum http_mode {
  HTTP_WHOLE,   /* at once, at most 'max_body' bytes */
  HTTP_OBJECTS, /* of a 200, as a stream: it pauses at HTTP_MARK */
  HTTP_CHUNKS,  /* of a 200 or 206, for a file; it is not to be compressed */
  HTTP_LINES    /* of a 200 or 206, as objects one after the other */
};

struct http_header {
  const char *name;
  const char *value;
};

struct http_config {
  const char *base_url;
  const char *api_key; /* NULL: none */
  const char *user_agent;
  const char *bare_agent;         /* the same for other origins, or NULL */
  const char *ca_file;            /* NULL: libcurl's own */
  const char *proxy;              /* NULL or "": none */
  const char *no_proxy;           /* hosts that need none, or NULL */
  int proxy_is_named;             /* http: may take it too */
  double connect_timeout;         /* seconds */
  int allow_http;                 /* http: to any host */
  const char *const *media_hosts; /* whose addresses need not be public */
  size_t media_host_count;
  const struct http_header *headers; /* sent with every request to the API */
  size_t header_count;
};

struct http_request {
  const char *method;
  const char *origin; /* NULL: the API's, where the path follows base_url's */
  const char *path;   /* encoded; starts with "/" */
  const char *query;  /* encoded, without its "?"; NULL: none */
  int with_key;       /* sent to the API's origin only */
  int is_bare;        /* without the session's headers there, too */
  enum http_mode mode;
  int blocking;      /* nothing else waits meanwhile: objects by larger reads */
  size_t max_body;   /* of a response that is no stream */
  struct body *body; /* NULL: none. One with files has a new connection */
  uint64_t hold;     /* bytes at its end that wait for http_release */
  const char *type;  /* its Content-Type; NULL: 'headers' may have one */
  const char *key;   /* sent as Idempotency-Key; NULL: none */
  int no_expect;     /* no "Expect: 100-continue", which libcurl else sends
                        with a body of more than 1 MiB */
  const struct http_header *headers;
  size_t header_count;
};

struct http_session;

/* One request and its response; read-only but for the files of exchange.h. */
struct http_exchange {
  struct http_session *session; /* NULL once that is closed */
  int sent;                     /* the request went out, perhaps not whole */
  int status;                   /* 0 until the headers are complete */
  int streams;                  /* its body comes as a stream */
  int over;                     /* 'result' is final, nothing more will come */
  enum http_result result;
  int os_error;      /* errno of a failed connect or read, or 0 */
  char *proxy;       /* "scheme://host:port" that it goes through, or NULL */
  int proxy_reads;   /* it reads the request, and may respond in its place */
  int proxy_status;  /* the proxy's response to a CONNECT, or 0 */
  char *detail;      /* libcurl's words for a failure, never NULL */
  struct buf body;   /* arrived and not consumed */
  size_t unread;     /* bytes at the end of 'body' not looked at yet */
  uint64_t received; /* bytes of headers and body so far */
  int held;          /* only what is held back of the request's body is left */
  struct body_reader upload; /* how far libcurl has the request's body: it
                                holds at most BODY_SLICE bytes of it */
};

/* Makes a session; it connects when the first exchange begins. NULL and
** '*why' when it cannot be. To another origin than that of base_url go neither
** the key nor 'headers', but the bare agent and the request's own headers. */
struct http_session *http_open (const struct http_config *config,
                                enum http_refusal *why);

/* Ends all exchanges (HTTP_CLOSED), wipes the key, frees the session. */
void http_close (struct http_session *s);

/* The API's origin "https://host:port", and its host with the port where that
** is not the scheme's own. Valid as long as the session. */
const char *http_origin (const struct http_session *s);
const char *http_host (const struct http_session *s);

/* Begins an exchange, which the caller frees with http_free. 'user' is what
** http_next_ready returns for it. NULL and '*why' when it cannot be. */
struct http_exchange *http_start (struct http_session *s,
                                  const struct http_request *request,
                                  void *user, enum http_refusal *why);

/* The key, so that it can be kept out of what is shown; NULL without one. */
const char *http_key (const struct http_session *s);

/* How many exchanges were not freed yet, and how many bytes of responses the
** session holds for them. */
size_t http_count (const struct http_session *s);
size_t http_held (const struct http_session *s);

/* Does what can be done now, for so many seconds or a little longer, and never
** for much more than a millisecond: at least one piece of one socket, and of
** one exchange that was paused. Returns how many exchanges wait in the queue of
** http_next_ready. */
unsigned http_step (struct http_session *s, double seconds);

/* Drains every socket. Call before reporting a timeout: a bounded step may have
** left data unread. */
void http_drain (struct http_session *s);

/* Waits until something can be done, at most 'seconds' (negative: no limit).
** What was in the queue when a step returned does not end the wait; else a
** wait for one exchange would spin while another is not taken. */
void http_wait (struct http_session *s, double seconds);

/* The next exchange to which something happened, by its 'user'; or NULL. */
void *http_next_ready (struct http_session *s);

/* Takes 'x' out of that order; whether it was in it. */
unsigned http_tell (struct http_exchange *x);

/* The one descriptor to watch, or -1; seconds to the next due step, or a
** negative number. */
int http_fd (struct http_session *s);
double http_timeout (struct http_session *s);

/* Marks 'n' bytes of 'x->body' as read, or drops them. */
void http_read (struct http_exchange *x, size_t n);
void http_consume (struct http_exchange *x, size_t n);

/* Has a paused exchange go on in the next step once little enough is unread.
** Not at once: libcurl would then move all such exchanges on in one piece. */
void http_resume (struct http_exchange *x);

/* Whether that would do anything: nothing more comes before it was called. */
int http_can_resume (const struct http_exchange *x);

/* Lets go of the bytes at the end of the request's body that are held back. */
void http_release (struct http_exchange *x);

/* The value of a header of the response, without white space around it, and its
** length; NULL when there is none (or none yet). */
const char *http_header (const struct http_exchange *x, const char *name,
                         size_t *length);

/* All headers of the response as they came, with the status line, and their
** length; NULL when there are none yet. For header_next. */
const char *http_headers (const struct http_exchange *x, size_t *length);

/* Whether this process began it, and not the one it was forked from. */
int http_is_ours (const struct http_exchange *x);

/* Ends an exchange that is not over with 'result'; closes its connection. */
void http_cancel (struct http_exchange *x, enum http_result result);

/* Cancels and frees. */
void http_free (struct http_exchange *x);

#endif
