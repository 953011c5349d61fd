/* SPDX-License-Identifier: MIT
**
** exchange: the whole of a session and of an exchange, for those files alone
** that run them. session.c owns sessions, exchange.c exchanges; request.c turns
** a request into libcurl's options, callbacks.c is what libcurl calls then,
** result.c judges how it ended.
*/

#ifndef lipsync_exchange_h
#define lipsync_exchange_h

#include <curl/curl.h>

#include "engine.h"
#include "http.h"
#include "idle.h"
#include "origin.h"
#include "proxy.h"

/* How much is read at once of what is long. A read is the smallest part of a
** step, and its bytes go into new memory at first, each page of which costs
** more than its bytes: where a page takes 20 us, as in some virtual machines,
** 512 KiB and their copy take 8 to 15 ms, 128 KiB 2 ms, 32 KiB of a file 0.3.
** So as much as libcurl allows is only for a program that does nothing else
** meanwhile: a listing then takes 15 % less time on Lua 5.4, none on LuaJIT. */
#define BLOCKING_BUFFER (512 * 1024)
#define STREAM_BUFFER   (128 * 1024)
#define CHUNK_BUFFER    (32 * 1024)

#define POOL_MAX 8 /* idle easy handles kept for the next exchanges */

/* The two queues an exchange can be on (both at once): READY, reported by
** http_next_ready; RESUME, unpaused by the next step. */
enum queues { QUEUE_READY, QUEUE_RESUME, QUEUES };

struct queue {
  struct exchange *first, **last;
  unsigned length;
};

struct exchange {
  struct http_exchange pub;       /* first: what others see */
  struct exchange *next, **at;    /* the session's list */
  struct exchange *after[QUEUES]; /* the next one in those it is 'in' */
  int in[QUEUES];
  void *user;
  CURL *easy;
  const struct origin *origin;    /* the session's, or 'other' */
  struct origin other;            /* the request's own, or empty */
  struct curl_slist *own_headers; /* for this request only, or NULL */
  struct curl_slist *shared;      /* their end, which is the session's */
  struct buf headers;             /* header lines of the last response */
  size_t header_bytes;            /* of all responses, 1xx included */
  unsigned forks;                 /* process_forks() when it was begun */
  size_t held;                    /* its part of the session's */
  int added;                      /* libcurl works on it */
  int http1;                      /* is not sent over HTTP/2 */
  enum http_mode mode;
  int blocking;         /* as in http_request */
  int is_whole;         /* libcurl has the request's body from the start */
  int paused;           /* libcurl is not to hand over more of the response */
  curl_socket_t socket; /* the one libcurl waits for, or CURL_SOCKET_BAD */
  int is_bare;          /* goes without the session's headers */
  int is_stale;         /* was given a connection on which bytes had come */
  enum http_result refused; /* HTTP_OK, or why no address would do */
  int no_socket;            /* errno where none could be made, or 0 */
  int few; /* errno where descriptors were few on the way, or 0 */
  char error[CURL_ERROR_SIZE];
};

struct http_session {
  struct engine engine;
  struct idle idle;
  struct origin origin;
  struct proxy proxy;
  struct curl_slist *headers;    /* without the key */
  struct curl_slist *key_header; /* the key, then the others; or NULL */
  char *user_agent;
  char *bare_agent;
  char *ca_file;
  long connect_timeout; /* milliseconds */
  int allow_http;
  int is_local; /* the API is this machine: by its address, once connected */
  struct curl_slist *media_hosts;
  unsigned forks; /* process_forks() when the engine was made */
  struct exchange *exchanges;
  size_t count;       /* how many these are */
  size_t held;        /* bytes of responses that these hold */
  unsigned under_way; /* how many libcurl works on */
  struct queue queues[QUEUES];
  double broke_at; /* when a reused connection last broke, or 0 */
  unsigned fresh;  /* exchanges that are to have a new one after that */
  int has_events;  /* something became ready since a step */
  CURL *pool[POOL_MAX];
  unsigned pooled;
};

/* Sets an option of 'x->easy'; the first one that fails decides 'code'. */
#define SET(option, value)                                                     \
  do {                                                                         \
    if (code == CURLE_OK)                                                      \
      code = curl_easy_setopt(x->easy, option, value);                         \
  } while (0)

/* ---- session.c ---- */

/* Has the next exchanges use new connections, as many as 's' may have idle. */
void session_doubt (struct http_session *s);

/* ---- exchange.c ---- */

/* A new exchange on the session's list, not started. NULL: out of memory. */
struct exchange *exchange_new (struct http_session *s,
                               const struct http_request *request, void *user);

/* Takes 'x', which is over, from its session, which is going. */
void exchange_detach (struct exchange *x);

/* Ends those exchanges that libcurl has finished. */
void exchange_reap (struct http_session *s);

/* Unpauses the first exchange in QUEUE_RESUME. */
void exchange_resume_next (struct http_session *s);

/* Puts 'x' at the end of a queue, unless it is on it; or takes it off. */
void exchange_enqueue (struct exchange *x, enum queues which);
void exchange_dequeue (struct exchange *x, enum queues which);

/* Call when something happened to 'x' that its owner is to hear of. */
void exchange_notify (struct exchange *x);

/* Notes how much 'x' holds, in the session's sum: to add it up anew for every
** request costs more, the more of them there are. */
void exchange_note_held (struct exchange *x);

/* ---- result.c ---- */

/* What libcurl's 'code' means for 'x', which it has finished. Notes also what
** there is to say of that: errno, the proxy's response, libcurl's words. */
enum http_result result_of (struct exchange *x, CURLcode code);

/* ---- callbacks.c ---- */

/* Sets the callbacks, of a new handle; and what they get, of each exchange. */
CURLcode callbacks_set (struct exchange *x);
CURLcode callbacks_set_data (struct exchange *x);

/* The engine's listener: notes the socket of an exchange. */
int callbacks_note_socket (CURL *easy, curl_socket_t s, int is_waited);

/* ---- request.c ---- */

/* Gives 'x' an easy handle with all options and headers for 'request'. */
enum http_refusal request_prepare (struct exchange *x,
                                   const struct http_request *request);

/* Adds headers of the user's to a list, none of those that are ours. */
enum http_refusal request_add_headers (struct curl_slist **list,
                                       const struct http_header *headers,
                                       size_t n);

#endif
