/* SPDX-License-Identifier: MIT
**
** fault: see fault.h.
*/

#include "fault.h"
#include "schema.h"
#include "../store/text.h"

#include <stdlib.h>
#include <string.h>

#define COUNT_MAX   1e9
#define BODY_MAX    1e12 /* bytes */
#define SECONDS_MAX 86400

#define ROW(name, type, member, least, most)                                   \
  SCHEMA(name, type, struct fault, member, least, most, fault_outcomes)

const char *const fault_outcomes[] = {"COMPLETED", "FAILED", "REJECTED", NULL};

static const struct schema rows[] = {
  ROW("route", TEXT, route, 0, 0),
  ROW("statusCode", WHOLE, status, 200, 599),
  ROW("errorCode", TEXT, code, 0, 0),
  ROW("body", OTHER, body, 0, 0),
  ROW("outcome", CHOICE, outcome, 0, 0),
  ROW("retryAfter", OTHER, headers, 0, 0),
  ROW("headers", OTHER, headers, 0, 0),
  ROW("delay", NUMBER, delay, 0, SECONDS_MAX),
  ROW("drip", NUMBER, drip, 0, 1e9),
  ROW("cut", WHOLE, cut, 0, BODY_MAX),
  ROW("reset", FLAG, reset, 0, 0),
  ROW("perform", FLAG, perform, 0, 0),
  ROW("early", FLAG, early, 0, 0),
  ROW("tellId", FLAG, tell_id, 0, 0),
  ROW("skip", WHOLE, skip, 0, COUNT_MAX),
  ROW("times", WHOLE, times, 0, COUNT_MAX),
  ROW(NULL, OTHER, route, 0, 0),
};

void faults_open (struct faults *f, struct names routes) {
  pthread_mutex_init(&f->lock, NULL);
  f->first = NULL;
  f->routes = routes;
}

/* Frees it after its last user; the lock is held. NULL is allowed. */
static void release (struct fault *fault) {
  if (fault == NULL || fault->users-- > 0)
    return;
  sqlite3_free(fault->route);
  sqlite3_free(fault->code);
  sqlite3_free(fault->body);
  sqlite3_free(fault->headers);
  free(fault);
}

void faults_clear (struct faults *f) {
  pthread_mutex_lock(&f->lock);
  while (f->first != NULL) {
    struct fault *fault = f->first;
    f->first = fault->next;
    release(fault);
  }
  pthread_mutex_unlock(&f->lock);
}

void faults_close (struct faults *f) {
  faults_clear(f);
  pthread_mutex_destroy(&f->lock);
}

/* ---- Reading the description ---- */

/* A description being read. */
struct description {
  struct schema_target target;
  struct names routes;
  struct fault *fault;
  sqlite3_str *headers;
};

/* The readers below return 0, or 1 with 'why' of the target set. */

static int read_route (struct description *d, const struct value *v) {
  if (!value_is(v, "text") || strcmp(v->text, "*") == 0
      || text_is_known(v->text, d->routes))
    return schema_reader(&d->target, v);
  d->target.why = text_unknown("route", v->text, d->routes);
  return 1;
}

/* A string is sent as it is, anything else as JSON. */
static int read_body (struct description *d, const struct value *v) {
  const char *text = value_is(v, "true") || value_is(v, "false")
                         || value_is(v, "null")
                       ? v->type
                       : v->text;
  sqlite3_free(d->fault->body);
  d->fault->body = text_copy(text, strlen(text));
  return 0;
}

/* A header's value may hold anything but what would end it. */
static int add_header (struct description *d, const char *name,
                       const struct value *v) {
  if (!value_is(v, "text") && !value_is(v, "integer") && !value_is(v, "real"))
    d->target.why = sqlite3_mprintf("%s must be a string or a number", name);
  else if (strpbrk(v->text, "\r\n") != NULL || *name == '\0'
           || strpbrk(name, "\r\n: \t") != NULL)
    d->target.why = sqlite3_mprintf("a header must be without line breaks");
  else
    sqlite3_str_appendf(d->headers, "%s: %s\n", name, v->text);
  return d->target.why != NULL;
}

static int read_header (void *arg, const struct value *v) {
  return add_header(arg, v->key, v);
}

/* Reads any member but "headers", whose own members are walked later. */
static int read_member (void *arg, const struct value *v) {
  struct description *d = arg;
  if (strcmp(v->key, "route") == 0)
    return read_route(d, v);
  if (strcmp(v->key, "body") == 0)
    return read_body(d, v);
  if (strcmp(v->key, "retryAfter") == 0)
    return add_header(d, "Retry-After", v);
  if (strcmp(v->key, "headers") != 0 || value_is(v, "object"))
    return schema_reader(&d->target, v);
  d->target.why = sqlite3_mprintf("headers must be an object");
  return 1;
}

/* Reads the whole description; 0 where it is refused. */
static int read_description (struct description *d, const char *json,
                             size_t length) {
  int result = value_walk(json, length, "$", "object", read_member, d);
  if (result == VALUE_OTHER)
    d->target.why = sqlite3_mprintf("a fault must be a JSON object");
  if (result != 0)
    return 0;
  return value_walk(json, length, "$.headers", "object", read_header, d) <= 0;
}

int faults_add (struct faults *f, const char *json, size_t length, char **why) {
  struct fault **last, *fault = calloc(1, sizeof(*fault));
  struct description d = {
    {rows, "member of a fault", fault, NULL}, f->routes, fault, NULL};
  int good;
  *why = NULL;
  if (fault == NULL)
    return 0;
  fault->cut = -1;
  fault->times = 1;
  fault->route = text_copy("*", 1);
  d.headers = sqlite3_str_new(NULL);
  good = read_description(&d, json, length);
  fault->headers = text_finish(d.headers, NULL);
  if (!good) {
    release(fault);
    *why = d.target.why;
    return 0;
  }
  pthread_mutex_lock(&f->lock);
  for (last = &f->first; *last != NULL; last = &(*last)->next)
    ;
  *last = fault;
  pthread_mutex_unlock(&f->lock);
  return 1;
}

/* ---- Taking ---- */

struct fault *faults_take (struct faults *f, const char *route, int early) {
  struct fault **at, *fault;
  pthread_mutex_lock(&f->lock);
  for (at = &f->first; (fault = *at) != NULL; at = &fault->next) {
    if (fault->early != early
        || (strcmp(fault->route, "*") != 0 && strcmp(fault->route, route) != 0))
      continue;
    if (fault->skip == 0)
      break;
    fault->skip--;
  }
  if (fault != NULL && fault->times == 1) /* the last time: it is given away */
    *at = fault->next;
  else if (fault != NULL)
    fault->users++;
  if (fault != NULL && fault->times > 1)
    fault->times--;
  pthread_mutex_unlock(&f->lock);
  return fault;
}

void faults_give_back (struct faults *f, struct fault *fault) {
  pthread_mutex_lock(&f->lock);
  release(fault);
  pthread_mutex_unlock(&f->lock);
}
