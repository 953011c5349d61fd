/* SPDX-License-Identifier: MIT
**
** receiver: see receiver.h. Each connection has a thread of libmicrohttpd's,
** which reads a request, puts it into the queue, and sleeps until there is a
** status for it.
*/

#include "receiver.h"
#include "daemon.h"
#include "listen.h"
#include "../store/text.h"

#include <pthread.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define CONNECTIONS 64  /* that stay: each may hold a body */
#define PATIENCE    10u /* seconds that a sender may pause */

#define LARGE ((uint64_t)16 << 20) /* bytes that nobody reads in vain */

#define LAST_WORDS 2000 /* milliseconds for what was answered to be sent */

#define FORGOTTEN 500 /* nobody has answered */
#define ENDING    503

/* A request, which lives in its connection's thread. */
struct post {
  struct arrival seen;
  char *target;
  sqlite3_str *headers, *body;
  size_t body_max;
  int too_long;
  /* the rest is under the lock */
  int waits;  /* or is being answered */
  int status; /* 0: none yet */
  struct post *next;
};

struct receiver {
  struct MHD_Daemon *daemon;
  struct connections connections;
  pthread_mutex_t lock;
  pthread_cond_t came, answered;
  struct post *first, **last; /* the queue */
  struct post *current;       /* was taken out, and has no status yet */
  int waiting;                /* how many have come and are not done with */
  int ended;
  size_t body_max;
  char *url;
  pid_t pid;
};

/* ---- Reading a request ---- */

/* MHD_OPTION_URI_LOG_CALLBACK: a request begins. */
static void *begin (void *receiver, const char *uri,
                    struct MHD_Connection *connection) {
  struct receiver *r = receiver;
  struct post *p = calloc(1, sizeof(*p));
  (void)connection;
  if (p == NULL)
    return NULL;
  p->target = text_copy(uri, strlen(uri));
  p->headers = sqlite3_str_new(NULL);
  p->body = sqlite3_str_new(NULL);
  p->body_max = r->body_max;
  return p;
}

/* MHD_OPTION_NOTIFY_COMPLETED: it is over, in whatever way. */
static void end (void *receiver, struct MHD_Connection *connection,
                 void **state, enum MHD_RequestTerminationCode how) {
  struct receiver *r = receiver;
  struct post *p = *state;
  (void)how;
  connection_waits(daemon_noted(connection), 1);
  *state = NULL;
  if (p == NULL)
    return;
  pthread_mutex_lock(&r->lock);
  r->waiting -= p->waits;
  pthread_cond_signal(&r->came);
  pthread_mutex_unlock(&r->lock);
  sqlite3_free(sqlite3_str_finish(p->headers));
  sqlite3_free(sqlite3_str_finish(p->body));
  sqlite3_free(p->target);
  free(p);
}

static enum MHD_Result add_header (void *arg, enum MHD_ValueKind kind,
                                   const char *name, const char *value) {
  sqlite3_str *headers = arg;
  (void)kind;
  if (value == NULL)
    value = "";
  sqlite3_str_append(headers, name, (int)strlen(name) + 1);
  sqlite3_str_append(headers, value, (int)strlen(value) + 1);
  return MHD_YES;
}

static const char *header (struct MHD_Connection *connection,
                           const char *name) {
  return MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);
}

/* Reads the head. Returns whether the body is not to be waited for: it is too
** long, and its sender asks first, or nobody wants to read all that. */
static int read_head (struct post *p, struct MHD_Connection *connection,
                      const char *method) {
  const char *text = header(connection, "Content-Length");
  const uint64_t length = text != NULL ? strtoull(text, NULL, 10) : 0;
  MHD_get_connection_values(connection, MHD_HEADER_KIND, add_header,
                            p->headers);
  p->seen.method = method;
  p->too_long = length > p->body_max;
  return p->too_long
         && (length > LARGE || header(connection, "Expect") != NULL);
}

/* Keeps a piece of the body. The rest of one that is too long is read and lost,
** so that its sender gets to read the response. */
static void keep (struct post *p, const char *data, size_t size) {
  if (p->too_long)
    return;
  if ((size_t)sqlite3_str_length(p->body) + size > p->body_max) {
    p->too_long = 1;
    sqlite3_str_reset(p->body);
  }
  else
    sqlite3_str_append(p->body, data, (int)size);
}

/* ---- Answering it ---- */

/* What its owner sees; 0 when out of memory. */
static int finish_seen (struct post *p) {
  struct arrival *a = &p->seen;
  const char *body = sqlite3_str_value(p->body);
  a->target = p->target;
  a->headers = sqlite3_str_value(p->headers);
  a->headers_length = (size_t)sqlite3_str_length(p->headers);
  a->body_length = (size_t)sqlite3_str_length(p->body);
  a->body = p->too_long ? NULL : body != NULL ? body : "";
  return sqlite3_str_errcode(p->headers) == SQLITE_OK
         && sqlite3_str_errcode(p->body) == SQLITE_OK;
}

/* Puts it into the queue, and sleeps until it has a status. */
static unsigned int await_status (struct receiver *r, struct post *p) {
  pthread_mutex_lock(&r->lock);
  p->waits = 1;
  r->waiting++;
  *r->last = p;
  r->last = &p->next;
  pthread_cond_signal(&r->came);
  while (p->status == 0 && !r->ended)
    pthread_cond_wait(&r->answered, &r->lock);
  if (p->status == 0)
    p->status = ENDING;
  pthread_mutex_unlock(&r->lock);
  return (unsigned int)p->status;
}

static enum MHD_Result respond (struct receiver *r, struct post *p,
                                struct MHD_Connection *connection) {
  enum MHD_Result result;
  unsigned int status;
  struct MHD_Response *out = MHD_create_response_from_buffer(
    0, NULL, MHD_RESPMEM_PERSISTENT);
  if (out == NULL)
    return MHD_NO;
  connection_waits(daemon_noted(connection), 0);
  status = finish_seen(p) ? await_status(r, p) : ENDING;
  if (status == MHD_HTTP_METHOD_NOT_ALLOWED)
    MHD_add_response_header(out, "Allow", "POST");
  result = MHD_queue_response(connection, status, out);
  MHD_destroy_response(out);
  return result;
}

/* MHD_AccessHandlerCallback: head, body so much at a time, then the end. */
static enum MHD_Result step (void *receiver, struct MHD_Connection *connection,
                             const char *url, const char *method,
                             const char *version, const char *data,
                             size_t *size, void **state) {
  struct post *p = *state;
  (void)url;
  (void)version;
  if (p == NULL || p->target == NULL)
    return MHD_NO;
  if (p->seen.method == NULL)
    return read_head(p, connection, method) ? respond(receiver, p, connection)
                                            : MHD_YES;
  if (*size == 0)
    return respond(receiver, p, connection);
  keep(p, data, *size);
  *size = 0;
  return MHD_YES;
}

/* ---- The server ---- */

/* Listens and takes requests; 0 on failure. */
static int serve (struct receiver *r, const char *host, int port, char **why) {
  const struct daemon_use use = {
    .arg = r,
    .begin = begin,
    .step = step,
    .end = end,
    .patience = PATIENCE,
  };
  int fd = listen_open(host, port, &r->url, why);
  if (fd < 0)
    return 0;
  if (r->url != NULL)
    r->daemon = daemon_start(fd, &use, &r->connections);
  if (r->daemon == NULL) {
    close(fd);
    *why = sqlite3_mprintf("cannot start the server's threads");
  }
  return r->daemon != NULL;
}

static void free_receiver (struct receiver *r) {
  pthread_cond_destroy(&r->came);
  pthread_cond_destroy(&r->answered);
  pthread_mutex_destroy(&r->lock);
  sqlite3_free(r->url);
  free(r);
}

/* Waits go by a clock that nobody sets. */
static void open_lock (struct receiver *r) {
  pthread_condattr_t steady;
  pthread_condattr_init(&steady);
  pthread_condattr_setclock(&steady, CLOCK_MONOTONIC);
  pthread_cond_init(&r->came, &steady);
  pthread_condattr_destroy(&steady);
  pthread_cond_init(&r->answered, NULL);
  pthread_mutex_init(&r->lock, NULL);
}

struct receiver *receiver_start (const char *host, int port, size_t body_max,
                                 char **why) {
  struct receiver *r = calloc(1, sizeof(*r));
  *why = NULL;
  if (r == NULL)
    return NULL;
  r->pid = getpid();
  r->body_max = body_max;
  r->last = &r->first;
  connections_open(&r->connections, CONNECTIONS);
  open_lock(r);
  if (serve(r, host, port, why))
    return r;
  free_receiver(r);
  return NULL;
}

const char *receiver_url (const struct receiver *r) {
  return r->url;
}

int receiver_is_ours (const struct receiver *r) {
  return r->pid == getpid();
}

/* ---- The owner's side ---- */

/* Gives the current one a status; under the lock. */
static int answer (struct receiver *r, int status) {
  if (r->current == NULL)
    return 0;
  r->current->status = status;
  r->current = NULL;
  pthread_cond_broadcast(&r->answered);
  return 1;
}

int receiver_answer (struct receiver *r, int status) {
  int found;
  pthread_mutex_lock(&r->lock);
  found = answer(r, status);
  pthread_mutex_unlock(&r->lock);
  return found;
}

static struct timespec time_in (int64_t milliseconds) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  t.tv_sec += (time_t)(milliseconds / 1000);
  t.tv_nsec += (long)(milliseconds % 1000) * 1000000;
  if (t.tv_nsec >= 1000000000) {
    t.tv_sec++;
    t.tv_nsec -= 1000000000;
  }
  return t;
}

const struct arrival *receiver_next (struct receiver *r, int64_t milliseconds) {
  const struct timespec until = time_in(milliseconds);
  int code = 0;
  struct post *p;
  pthread_mutex_lock(&r->lock);
  (void)answer(r, FORGOTTEN);
  while (r->first == NULL && code == 0)
    code = pthread_cond_timedwait(&r->came, &r->lock, &until);
  p = r->first;
  if (p != NULL) {
    r->first = p->next;
    if (r->first == NULL)
      r->last = &r->first;
    r->current = p;
  }
  pthread_mutex_unlock(&r->lock);
  return p != NULL ? &p->seen : NULL;
}

/* libmicrohttpd would cut off responses that are on their way. */
void receiver_stop (struct receiver *r) {
  const struct timespec until = time_in(LAST_WORDS);
  int code = 0;
  if (r == NULL || !receiver_is_ours(r))
    return;
  pthread_mutex_lock(&r->lock);
  r->ended = 1;
  pthread_cond_broadcast(&r->answered);
  while (r->waiting > 0 && code == 0)
    code = pthread_cond_timedwait(&r->came, &r->lock, &until);
  pthread_mutex_unlock(&r->lock);
  MHD_stop_daemon(r->daemon);
  free_receiver(r);
}
