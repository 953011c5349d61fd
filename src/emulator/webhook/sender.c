/* SPDX-License-Identifier: MIT
**
** sender: see sender.h. All waiting, for a receiver and for what is due, is
** libcurl's curl_multi_poll, which curl_multi_wakeup ends from any thread.
*/

#include "sender.h"
#include "signature.h"
#include "../api/batch.h"
#include "../http/exchange.h"
#include "../http/host.h"
#include "../store/text.h"
#include "../store/value.h"
#include "../../version.h"

#include <curl/curl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define LONGEST 60000 /* milliseconds to sleep at a time */
#define LEAST   5
#define PAUSE   200 /* milliseconds between two attempts */

struct sender {
  struct service *service;
  CURLM *multi;
  pthread_t thread;
  pthread_mutex_t lock;
  int ended; /* under the lock */
};

static int has_ended (struct sender *s) {
  int ended;
  pthread_mutex_lock(&s->lock);
  ended = s->ended;
  pthread_mutex_unlock(&s->lock);
  return ended;
}

/* A watcher of the service. */
static void wake (void *sender) {
  struct sender *s = sender;
  curl_multi_wakeup(s->multi);
}

/* Sleeps until woken, and at most so long; -1: as long as it likes. What is due
** and cannot be done is not tried all the time. */
static void doze (struct sender *s, int64_t milliseconds) {
  if (milliseconds < 0 || milliseconds > LONGEST)
    milliseconds = LONGEST;
  else if (milliseconds < LEAST)
    milliseconds = LEAST;
  curl_multi_poll(s->multi, NULL, 0, (int)milliseconds, NULL);
}

/* Sleeps to the end. */
static void pause_attempts (struct sender *s) {
  const int64_t until = service_ticks() + PAUSE;
  int64_t left;
  while ((left = until - service_ticks()) > 0 && !has_ended(s))
    doze(s, left);
}

/* ---- One request ---- */

/* A webhook that is being sent. */
struct sending {
  const struct ended *of;
  const char *body;
  struct curl_slist *headers;
  struct settings settings;
  int by_name;         /* to "localhost", or a name below it */
  long status;         /* of the response; 0: none */
  const char *problem; /* why there is none, or NULL */
};

/* CURLOPT_WRITEFUNCTION: what a receiver says is nobody's. */
static size_t forget (char *data, size_t size, size_t count, void *arg) {
  (void)data;
  (void)arg;
  return size * count;
}

/* CURLOPT_OPENSOCKETFUNCTION: a name of this machine may lead to another. */
static curl_socket_t open_socket (void *arg, curlsocktype purpose,
                                  struct curl_sockaddr *to) {
  (void)arg;
  (void)purpose;
  if (!host_is_loopback(&to->addr))
    return CURL_SOCKET_BAD;
  return socket(to->family, to->socktype | SOCK_CLOEXEC, to->protocol);
}

/* Whether a URL is one of HTTP that leads to this machine, and if by a name. */
static int is_here (const char *url, int *by_name) {
  CURLU *u = curl_url();
  char *host = NULL, *scheme = NULL;
  int here = u != NULL && curl_url_set(u, CURLUPART_URL, url, 0) == CURLUE_OK
             && curl_url_get(u, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK
             && curl_url_get(u, CURLUPART_HOST, &host, 0) == CURLUE_OK
             && strncmp(scheme, "http", 4) == 0 && host_names_loopback(host);
  *by_name = here && host_is_localhost(host);
  curl_free(scheme);
  curl_free(host);
  curl_url_cleanup(u);
  return here;
}

/* Before 7.85 libcurl asks the system for names below "localhost", and not each
** system knows them. */
static struct curl_slist to_localhost = {"::localhost:", NULL};

static void set_options (CURL *easy, const struct sending *x) {
  curl_easy_setopt(easy, CURLOPT_URL, x->of->url);
  curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
  curl_easy_setopt(easy, CURLOPT_PROXY, "");
  curl_easy_setopt(easy, CURLOPT_CONNECT_TO, x->by_name ? &to_localhost : NULL);
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L);
  curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, forget);
  curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS,
                   (long)(x->settings.webhook_timeout * 1000) + 1);
  curl_easy_setopt(easy, CURLOPT_HTTPHEADER, x->headers);
  curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE,
                   (curl_off_t)strlen(x->body));
  curl_easy_setopt(easy, CURLOPT_POSTFIELDS, x->body);
}

/* Waits for the end of the only transfer. */
static CURLcode finish (struct sender *s) {
  int running = 1, left;
  CURLMsg *message;
  while (running && !has_ended(s)
         && curl_multi_perform(s->multi, &running) == CURLM_OK)
    if (running)
      doze(s, LONGEST);
  message = curl_multi_info_read(s->multi, &left);
  return message != NULL ? message->data.result : CURLE_ABORTED_BY_CALLBACK;
}

/* Sends it once. */
static void post (struct sender *s, struct sending *x) {
  CURL *easy = curl_easy_init();
  CURLcode code = CURLE_OUT_OF_MEMORY;
  x->status = 0;
  if (easy != NULL) {
    set_options(easy, x);
    if (curl_multi_add_handle(s->multi, easy) == CURLM_OK) {
      code = finish(s);
      curl_multi_remove_handle(s->multi, easy);
    }
    if (code == CURLE_OK)
      curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &x->status);
    curl_easy_cleanup(easy);
  }
  x->problem = code != CURLE_OK ? curl_easy_strerror(code) : NULL;
}

/* Keeps what became of it for emulator:webhooks(), and logs it. */
static void note (struct sender *s, const struct sending *x) {
  sqlite3_str *out = sqlite3_str_new(NULL);
  char *json;
  sqlite3_str_appendf(out, "{\"kind\":\"%s\",\"id\":", x->of->kind);
  text_quote(out, x->of->id);
  sqlite3_str_appendall(out, ",\"url\":");
  text_quote(out, x->of->url);
  sqlite3_str_appendf(out, ",\"statusCode\":%ld", x->status);
  if (x->problem != NULL) {
    sqlite3_str_appendall(out, ",\"problem\":");
    text_quote(out, x->problem);
  }
  sqlite3_str_appendchar(out, 1, '}');
  json = text_finish(out, NULL);
  if (json != NULL)
    store_note_sent(s->service->store, json);
  sqlite3_free(json);
  if (x->settings.log)
    fprintf(stderr, "webhook of %s %s to %s: %ld%s%s\n", x->of->kind, x->of->id,
            x->of->url, x->status, x->problem != NULL ? " " : "",
            x->problem != NULL ? x->problem : "");
}

/* ---- One webhook ---- */

/* Adds lines to the headers; 0 when out of memory. */
static int add_headers (struct sending *x, char *lines) {
  char *end;
  for (; lines != NULL && *lines != '\0'; lines = end + 1) {
    struct curl_slist *longer;
    end = strchr(lines, '\n');
    *end = '\0';
    longer = curl_slist_append(x->headers, lines);
    if (longer == NULL)
      return 0;
    x->headers = longer;
  }
  return lines != NULL;
}

/* Makes the headers anew: the time is in them. */
static int make_headers (struct sender *s, struct sending *x) {
  char always[] =
    "Content-Type: application/json\nExpect:\n"
    "User-Agent: lipsync-emulator/" LIPSYNC_VERSION "\n";
  char *secret = service_webhook_secret(s->service), *lines = NULL;
  int good;
  if (secret != NULL)
    lines = signature_lines(&x->settings, secret, x->body, (int64_t)time(NULL));
  good = add_headers(x, always) && add_headers(x, lines);
  sqlite3_free(lines);
  sqlite3_free(secret);
  return good;
}

/* Sends it until it is taken, as often as that may be tried. */
static void try (struct sender *s, struct sending *x) {
  int64_t i;
  for (i = 0; i < x->settings.webhook_attempts && !has_ended(s); i++) {
    if (i > 0)
      pause_attempts(s);
    if (make_headers(s, x)) {
      post(s, x);
      note(s, x);
    }
    curl_slist_free_all(x->headers);
    x->headers = NULL;
    if (x->status >= 200 && x->status < 300)
      return;
  }
}

/* The service's webhooks have another name for the error's code. */
static const char as_told[] =
  "SELECT json_remove(iif(json_extract(?1, '$.errorCode') IS NULL, ?1,"
  " json_set(?1, '$.error_code', json_extract(?1, '$.errorCode'))),"
  " '$.errorCode')";

/* What a webhook says; NULL where there is none to be sent. */
static char *make_body (struct sender *s, const struct ended *e,
                        const struct settings *settings) {
  char *json = NULL, *status;
  int wanted;
  if (e->json != NULL)
    json = value_query(as_told, e->json, strlen(e->json), NULL);
  else
    batch_read(s->service, e->org, e->id, &json);
  status = json != NULL ? value_text(json, strlen(json), "$.status") : NULL;
  wanted = status != NULL
           && (e->json != NULL || strcmp(status, "COMPLETED") == 0)
           && (settings->webhook_rejected || strcmp(status, "REJECTED") != 0);
  sqlite3_free(status);
  if (wanted)
    return json;
  sqlite3_free(json);
  return NULL;
}

static void deliver (struct sender *s, const struct ended *e) {
  struct sending x = {e, NULL, NULL, {0}, 0, 0, NULL};
  char *body;
  int64_t i;
  service_settings(s->service, &x.settings);
  body = make_body(s, e, &x.settings);
  x.body = body;
  if (body != NULL && !is_here(e->url, &x.by_name)) {
    x.problem = "refused: the emulator sends webhooks to this machine only";
    note(s, &x);
  }
  else if (body != NULL) {
    for (i = 0; i < x.settings.webhook_copies && !has_ended(s); i++)
      try(s, &x);
  }
  sqlite3_free(body);
}

/* ---- The thread ---- */

/* Takes what has ended; 0 where there is nothing. */
static int take (struct sender *s, struct ended *e) {
  struct settings settings;
  service_settings(s->service, &settings);
  return store_take_ended(s->service->store, service_now(s->service),
                          (int)settings.webhook_newest_first,
                          !service_holds_batches(s->service), e)
         == STORE_OK;
}

static void *run (void *sender) {
  struct sender *s = sender;
  struct ended e;
  exchange_leave_locale();
  while (!has_ended(s)) {
    if (take(s, &e)) {
      deliver(s, &e);
      ended_close(&e);
    }
    else {
      doze(s, service_until_due(s->service));
    }
  }
  return NULL;
}

static void free_sender (struct sender *s) {
  if (s->multi != NULL)
    curl_multi_cleanup(s->multi);
  pthread_mutex_destroy(&s->lock);
  free(s);
}

/* The thread inherits what is blocked. */
static int start_thread (struct sender *s) {
  sigset_t all, before;
  int status;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  status = pthread_create(&s->thread, NULL, run, s);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  return status == 0;
}

struct sender *sender_start (struct service *service) {
  struct sender *s = calloc(1, sizeof(*s));
  if (s == NULL)
    return NULL;
  s->service = service;
  pthread_mutex_init(&s->lock, NULL);
  if (curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK)
    s->multi = curl_multi_init();
  if (s->multi != NULL && start_thread(s)) {
    service_watch(service, wake, s);
    wake(s); /* something may have become due meanwhile */
    return s;
  }
  free_sender(s);
  return NULL;
}

void sender_stop (struct sender *s) {
  if (s == NULL)
    return;
  service_watch(s->service, NULL, NULL);
  pthread_mutex_lock(&s->lock);
  s->ended = 1;
  pthread_mutex_unlock(&s->lock);
  wake(s);
  pthread_join(s->thread, NULL);
  free_sender(s);
}
