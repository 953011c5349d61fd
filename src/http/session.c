/* SPDX-License-Identifier: MIT
**
** session: sessions. Every exchange is on its session's list, so that closing a
** session, or finding it in a forked child, reaches all of them.
*/

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "exchange.h"
#include "header.h"
#include "platform.h"
#include "process.h"


/* In a forked child, forgets the handles, which are the parent's. */
static void forget_parent (struct http_session *s) {
  struct exchange *x;
  if (s->forks == process_forks())
    return;
  for (x = s->exchanges; x != NULL; x = x->next)
    http_cancel(&x->pub, HTTP_FORKED);
  engine_abandon(&s->engine);
  idle_free(&s->idle);
  s->pooled = 0;
  s->forks = process_forks();
}


/* Makes this process's engine if needed. False when that fails. */
static int have_engine (struct http_session *s) {
  forget_parent(s);
  return s->engine.multi != NULL
         || engine_open(&s->engine, callbacks_note_socket);
}


/* Ends what is under way, because nothing would wake it any more. The next
** exchange makes a new engine. */
static void fail_all (struct http_session *s) {
  struct exchange *x;
  for (x = s->exchanges; x != NULL; x = x->next)
    http_cancel(&x->pub, HTTP_MEMORY);
  engine_close(&s->engine);
}


/* Ends the exchanges that libcurl has finished, or all of them if it does not
** work any more. */
static void reap_finished (struct http_session *s, int works) {
  exchange_reap(s);
  if (!works)
    fail_all(s);
}


static struct http_exchange *start (struct http_session *s,
                                    const struct http_request *request,
                                    void *user, enum http_refusal *why) {
  struct exchange *x;
  *why = HTTP_NO_MEMORY;
  if (!have_engine(s)) {
    if (platform_lacks(ENGINE_DESCRIPTORS) != 0)
      *why = HTTP_NO_DESCRIPTORS;
    return NULL;
  }
  x = exchange_new(s, request, user);
  if (x == NULL)
    return NULL;
  *why = request_prepare(x, request);
  if (*why == HTTP_ACCEPTED) {
    x->added = curl_multi_add_handle(s->engine.multi, x->easy) == CURLM_OK;
    if (x->added) {
      engine_expect(&s->engine, ++s->under_way);
      engine_set_deadline(&s->engine, 0); /* much may come at once, too */
      reap_finished(s, engine_begin(&s->engine));
      engine_clear_deadline(&s->engine);
      return &x->pub;
    }
    *why = HTTP_NO_MEMORY;
  }
  http_free(&x->pub);
  return NULL;
}


struct http_exchange *http_start (struct http_session *s,
                                  const struct http_request *request,
                                  void *user, enum http_refusal *why) {
  struct process_guard guard;
  struct http_exchange *x;
  process_guard_begin(&guard);
  x = start(s, request, user, why);
  process_guard_end(&guard);
  return x;
}


/* It is kept once, after the name of its header. */
const char *http_key (const struct http_session *s) {
  return s->key_header == NULL ? NULL : strchr(s->key_header->data, ':') + 2;
}


size_t http_count (const struct http_session *s) {
  return s->count;
}


size_t http_held (const struct http_session *s) {
  return s->held;
}


/* Unpauses exchanges, at least one, and reads of each what one read gives; no
** more of them after the deadline. */
static int resume_queued (struct http_session *s) {
  int works = 1;
  while (works && s->queues[QUEUE_RESUME].length > 0) {
    exchange_resume_next(s);
    works = engine_begin(&s->engine);
    if (engine_past_deadline(&s->engine))
      break;
  }
  return works;
}


unsigned http_step (struct http_session *s, double seconds) {
  struct process_guard guard;
  process_guard_begin(&guard);
  if (have_engine(s)) {
    engine_set_deadline(&s->engine, seconds);
    reap_finished(s, engine_step(&s->engine) && resume_queued(s));
    engine_clear_deadline(&s->engine);
  }
  process_guard_end(&guard);
  s->has_events = 0; /* the caller is told now */
  return s->queues[QUEUE_READY].length;
}


void http_drain (struct http_session *s) {
  struct process_guard guard;
  process_guard_begin(&guard);
  if (have_engine(s))
    reap_finished(s, resume_queued(s) && engine_drain(&s->engine, s->count));
  process_guard_end(&guard);
}


void http_wait (struct http_session *s, double seconds) {
  if (!s->has_events && s->queues[QUEUE_RESUME].length == 0 && have_engine(s))
    engine_wait(&s->engine, seconds);
}


int http_fd (struct http_session *s) {
  return have_engine(s) ? s->engine.fd : -1;
}


double http_timeout (struct http_session *s) {
  if (s->queues[QUEUE_READY].length > 0 || s->queues[QUEUE_RESUME].length > 0)
    return 0;
  return have_engine(s) ? engine_timeout(&s->engine) : ENGINE_NEVER;
}


const char *http_origin (const struct http_session *s) {
  return s->origin.text;
}


const char *http_host (const struct http_session *s) {
  return s->origin.host;
}


static enum http_refusal keep_media_hosts (struct http_session *s,
                                           const struct http_config *config) {
  size_t i;
  for (i = 0; i < config->media_host_count; i++) {
    struct curl_slist *longer = curl_slist_append(s->media_hosts,
                                                  config->media_hosts[i]);
    if (longer == NULL)
      return HTTP_NO_MEMORY;
    s->media_hosts = longer;
  }
  return HTTP_ACCEPTED;
}


/* Copies an optional string; false when out of memory. */
static int keep (char **copy, const char *text) {
  *copy = (text == NULL) ? NULL : strdup(text);
  return text == NULL || *copy != NULL;
}


static enum http_refusal check_key (const char *key) {
  size_t n = strlen(key);
  if (n > 0 && (key[n - 1] == '\n' || key[n - 1] == '\r'))
    return HTTP_KEY_LINE_BREAK;
  for (; *key != '\0'; key++)
    if ((unsigned char)*key <= ' ' || *key == '\177')
      return HTTP_KEY_CONTROL;
    else if ((unsigned char)*key > '\177')
      return HTTP_KEY_NOT_ASCII;
  return HTTP_ACCEPTED;
}


/* The two lists of headers. The first header of a name counts, so the caller's
** come first. */
static enum http_refusal make_headers (struct http_session *s,
                                       const struct http_config *config) {
  enum http_refusal refusal;
  refusal = header_add(&s->headers, "Accept-Encoding", "gzip");
  if (refusal == HTTP_ACCEPTED)
    refusal = request_add_headers(&s->headers, config->headers,
                                  config->header_count);
  if (refusal == HTTP_ACCEPTED)
    refusal = header_add(&s->headers, "Accept", "application/json");
  if (refusal == HTTP_ACCEPTED && config->user_agent != NULL)
    refusal = header_add(&s->headers, "User-Agent", config->user_agent);
  if (refusal != HTTP_ACCEPTED || config->api_key == NULL)
    return refusal;
  refusal = check_key(config->api_key);
  if (refusal == HTTP_ACCEPTED)
    refusal = header_add(&s->key_header, "x-api-key", config->api_key);
  if (refusal == HTTP_ACCEPTED)
    refusal = header_add_all(&s->key_header, s->headers);
  return refusal;
}


void session_doubt (struct http_session *s) {
  s->broke_at = platform_now();
  s->fresh = engine_kept(&s->engine);
}


/* Seconds as libcurl takes them: at least 1, for 0 would be its default, and
** at most what it keeps whole, 24 days, which stands for no limit. */
static long to_milliseconds (double seconds) {
  double ms = seconds * 1e3;
  return ms >= (double)INT_MAX ? INT_MAX : ms >= 1 ? (long)ms : 1;
}


static enum http_refusal configure (struct http_session *s,
                                    const struct http_config *config) {
  enum http_refusal refusal = origin_parse(&s->origin, config->base_url);
  if (refusal != HTTP_ACCEPTED)
    return refusal;
  if (config->user_agent != NULL && !header_is_value(config->user_agent))
    return HTTP_AGENT_MALFORMED;
  if (config->bare_agent != NULL && !header_is_value(config->bare_agent))
    return HTTP_AGENT_MALFORMED;
  if (!keep(&s->user_agent, config->user_agent)
      || !keep(&s->bare_agent, config->bare_agent)
      || !keep(&s->ca_file, config->ca_file) || !proxy_open(&s->proxy, config))
    return HTTP_NO_MEMORY;
  s->allow_http = config->allow_http;
  s->is_local = s->origin.is_loopback;
  s->connect_timeout = to_milliseconds(config->connect_timeout);
  refusal = keep_media_hosts(s, config);
  return refusal == HTTP_ACCEPTED ? make_headers(s, config) : refusal;
}


struct http_session *http_open (const struct http_config *config,
                                enum http_refusal *why) {
  struct http_session *s;
  int i;
  *why = HTTP_NO_MEMORY;
  s = (struct http_session *)calloc(1, sizeof(*s));
  if (s == NULL)
    return NULL;
  process_count_session(+1);
  engine_abandon(&s->engine);
  for (i = 0; i < QUEUES; i++)
    s->queues[i].last = &s->queues[i].first;
  s->forks = process_forks();
  *why = configure(s, config);
  if (*why == HTTP_ACCEPTED)
    return s;
  http_close(s);
  return NULL;
}


void http_close (struct http_session *s) {
  struct process_guard guard;
  process_guard_begin(&guard);
  forget_parent(s);
  while (s->exchanges != NULL) {
    http_cancel(&s->exchanges->pub, HTTP_CLOSED);
    exchange_detach(s->exchanges);
  }
  while (s->pooled > 0)
    curl_easy_cleanup(s->pool[--s->pooled]);
  engine_close(&s->engine); /* still closes sockets */
  idle_free(&s->idle);
  process_guard_end(&guard);
  header_wipe(s->key_header);
  header_wipe(s->headers);
  curl_slist_free_all(s->media_hosts);
  origin_free(&s->origin);
  free(s->user_agent);
  free(s->bare_agent);
  free(s->ca_file);
  proxy_free(&s->proxy);
  free(s);
  process_count_session(-1);
}
