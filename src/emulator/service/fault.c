/* SPDX-License-Identifier: MIT
**
** fault: see fault.h.
*/

#include "fault.h"
#include "../store/text.h"

#include <stdlib.h>
#include <string.h>

#define SECONDS_MAX 86400.0

static const char *const route_names[] = {
  "*",      "list",     "get",    "count",    "delete", "errors",
  "models", "download", "create", "estimate", NULL};

static const char *const member_names[] = {
  "route", "statusCode", "body",    "retryAfter", "headers", "delay", "drip",
  "cut",   "reset",      "perform", "skip",       "times",   NULL};

void faults_open (struct faults *f) {
  pthread_mutex_init(&f->lock, NULL);
  f->first = NULL;
}

void fault_free (struct fault *fault) {
  if (fault == NULL)
    return;
  sqlite3_free(fault->route);
  sqlite3_free(fault->body);
  sqlite3_free(fault->headers);
  free(fault);
}

void faults_clear (struct faults *f) {
  pthread_mutex_lock(&f->lock);
  while (f->first != NULL) {
    struct fault *fault = f->first;
    f->first = fault->next;
    fault_free(fault);
  }
  pthread_mutex_unlock(&f->lock);
}

void faults_close (struct faults *f) {
  faults_clear(f);
  pthread_mutex_destroy(&f->lock);
}

/* ---- Reading the description ---- */

/* A description being read: what it gives, what is wrong with it. */
struct description {
  struct fault *fault;
  sqlite3_str *headers;
  char *problem;
};

static int is_type (const struct value *v, const char *type) {
  return strcmp(v->type, type) == 0;
}

/* The readers below return 0, or 1 with a problem noted. */

static int problem (struct description *d, const char *name,
                    const char *wanted) {
  d->problem = sqlite3_mprintf("%s must be %s", name, wanted);
  return 1;
}

static int read_number (struct description *d, const struct value *v,
                        double most, double *number) {
  if ((is_type(v, "integer") || is_type(v, "real")) && v->number >= 0
      && v->number <= most) {
    *number = v->number;
    return 0;
  }
  d->problem = sqlite3_mprintf("%s must be a number from 0 to %.0f", v->key,
                               most);
  return 1;
}

static int read_whole (struct description *d, const struct value *v,
                       int64_t most, int64_t *number) {
  double n = 0;
  if (read_number(d, v, (double)most, &n))
    return 1;
  *number = (int64_t)n;
  return (double)*number == n ? 0 : problem(d, v->key, "a whole number");
}

static int read_flag (struct description *d, const struct value *v, int *flag) {
  if (!is_type(v, "true") && !is_type(v, "false"))
    return problem(d, v->key, "true or false");
  *flag = is_type(v, "true");
  return 0;
}

/* A header's value may hold anything but what would end it. */
static int add_header (struct description *d, const char *name,
                       const struct value *v) {
  if (!is_type(v, "text") && !is_type(v, "integer") && !is_type(v, "real"))
    return problem(d, name, "a string or a number");
  if (strpbrk(v->text, "\r\n") != NULL || *name == '\0'
      || strpbrk(name, "\r\n: \t") != NULL)
    return problem(d, "a header", "without line breaks");
  sqlite3_str_appendf(d->headers, "%s: %s\n", name, v->text);
  return 0;
}

static int read_status (struct description *d, const struct value *v) {
  int64_t n = 0;
  if (read_whole(d, v, 599, &n))
    return 1;
  d->fault->status = (int)n;
  return n >= 200 ? 0 : problem(d, v->key, "from 200 to 599");
}

static int read_route (struct description *d, const struct value *v) {
  const char *const *name = route_names;
  if (!is_type(v, "text"))
    return problem(d, v->key, "a string");
  while (*name != NULL && strcmp(*name, v->text) != 0)
    name++;
  if (*name == NULL) {
    d->problem = text_unknown("route", v->text, route_names);
    return 1;
  }
  sqlite3_free(d->fault->route);
  d->fault->route = text_copy(v->text, strlen(v->text));
  return 0;
}

/* A string is sent as it is, anything else as JSON. */
static int read_body (struct description *d, const struct value *v) {
  sqlite3_free(d->fault->body);
  d->fault->body = is_type(v, "true") || is_type(v, "false")
                       || is_type(v, "null")
                     ? sqlite3_mprintf("%s", v->type)
                     : text_copy(v->text, strlen(v->text));
  return 0;
}

static int is_key (const struct value *v, const char *name) {
  return strcmp(v->key, name) == 0;
}

/* Reads one member; "headers" is walked on its own afterwards. */
static int read_member (void *arg, const struct value *v) {
  struct description *d = arg;
  struct fault *f = d->fault;
  if (is_key(v, "route"))
    return read_route(d, v);
  if (is_key(v, "statusCode"))
    return read_status(d, v);
  if (is_key(v, "body"))
    return read_body(d, v);
  if (is_key(v, "retryAfter"))
    return add_header(d, "Retry-After", v);
  if (is_key(v, "delay"))
    return read_number(d, v, SECONDS_MAX, &f->delay);
  if (is_key(v, "drip"))
    return read_number(d, v, 1e9, &f->drip);
  if (is_key(v, "cut"))
    return read_whole(d, v, INT64_C(1) << 40, &f->cut);
  if (is_key(v, "reset"))
    return read_flag(d, v, &f->reset);
  if (is_key(v, "perform"))
    return read_flag(d, v, &f->perform);
  if (is_key(v, "skip"))
    return read_whole(d, v, 1000000000, &f->skip);
  if (is_key(v, "times"))
    return read_whole(d, v, 1000000000, &f->times);
  d->problem = text_unknown("member of a fault", v->key, member_names);
  return 1;
}

/* Keeps the text of "headers" and hands on every other member. */
struct reading {
  struct description *d;
  char *headers;
};

static int read_top (void *arg, const struct value *v) {
  struct reading *r = arg;
  if (!is_key(v, "headers"))
    return read_member(r->d, v);
  if (!is_type(v, "object"))
    return problem(r->d, v->key, "an object");
  sqlite3_free(r->headers);
  r->headers = text_copy(v->text, strlen(v->text));
  return 0;
}

static int read_header (void *arg, const struct value *v) {
  struct description *d = arg;
  return add_header(d, v->key, v);
}

/* Reads the whole description; its problem, if any, is noted. */
static void read_description (struct description *d, struct store *s,
                              const char *json, size_t length) {
  struct reading r = {d, NULL};
  int result = store_values(s, json, length, "object", read_top, &r);
  if (result == 0 && r.headers != NULL)
    result = store_values(s, r.headers, strlen(r.headers), "object",
                          read_header, d);
  sqlite3_free(r.headers);
  if (result != 0 && d->problem == NULL)
    d->problem = sqlite3_mprintf(result == VALUE_NOT_JSON
                                   ? "a fault must be JSON"
                                   : "a fault must be a JSON object");
}

char *faults_add (struct faults *f, struct store *s, const char *json,
                  size_t length) {
  struct description d = {calloc(1, sizeof(struct fault)), NULL, NULL};
  struct fault **last;
  if (d.fault == NULL)
    return sqlite3_mprintf("not enough memory");
  d.fault->cut = -1;
  d.fault->times = 1;
  d.fault->route = text_copy("*", 1);
  d.headers = sqlite3_str_new(NULL);
  read_description(&d, s, json, length);
  d.fault->headers = text_finish(d.headers, NULL);
  if (d.problem != NULL) {
    fault_free(d.fault);
    return d.problem;
  }
  pthread_mutex_lock(&f->lock);
  for (last = &f->first; *last != NULL; last = &(*last)->next)
    ;
  *last = d.fault;
  pthread_mutex_unlock(&f->lock);
  return NULL;
}

/* ---- Taking ---- */

static char *copy_or_null (const char *text) {
  return text != NULL ? text_copy(text, strlen(text)) : NULL;
}

/* Gives what is taken: the fault itself at its last time, else a copy. */
static struct fault *use (struct fault **at) {
  struct fault *fault = *at, *copy;
  if (fault->times == 1) {
    *at = fault->next;
    return fault;
  }
  if (fault->times > 1)
    fault->times--;
  copy = malloc(sizeof(*copy));
  if (copy != NULL) {
    *copy = *fault;
    copy->route = copy_or_null(fault->route);
    copy->body = copy_or_null(fault->body);
    copy->headers = copy_or_null(fault->headers);
  }
  return copy;
}

struct fault *faults_take (struct faults *f, const char *route) {
  struct fault **at, *taken = NULL;
  pthread_mutex_lock(&f->lock);
  for (at = &f->first; *at != NULL; at = &(*at)->next) {
    if (strcmp((*at)->route, "*") != 0 && strcmp((*at)->route, route) != 0)
      continue;
    if ((*at)->skip > 0) {
      (*at)->skip--;
      continue;
    }
    taken = use(at);
    break;
  }
  pthread_mutex_unlock(&f->lock);
  return taken;
}
