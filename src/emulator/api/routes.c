/* SPDX-License-Identifier: MIT
**
** routes: see routes.h: finds the route, asks for the key, lets a fault take
** the place of the response.
*/

#include "routes.h"
#include "intake.h"
#include "../store/text.h"

#include <string.h>

#define TARGET_MAX 16384
#define ID_READ    65536 /* bytes of a body that are read for an id */

int routes_is_control (const struct request *r) {
  return r->segment_count > 0 && strcmp(r->segments[0], "_emulator") == 0;
}

/* ---- Finding ---- */

/* The table that a request is answered by. */
static const struct route *table_of (const struct request *r) {
  return routes_is_control(r) ? control_routes : api_routes;
}

static int path_matches (const char *path, const struct request *r) {
  int i;
  for (i = 0; i < r->segment_count; i++) {
    size_t n = strcspn(++path, "/"); /* after the slash */
    if (!(n == 1 && *path == '*')
        && (strlen(r->segments[i]) != n
            || strncmp(r->segments[i], path, n) != 0))
      return 0;
    path += n;
    if (*path == '\0')
      return i == r->segment_count - 1;
  }
  return 0;
}

/* HEAD is a GET whose body is not sent. */
static int method_matches (const char *method, const struct request *r) {
  return strcmp(method, r->method) == 0
         || (strcmp(method, "GET") == 0 && strcmp(r->method, "HEAD") == 0);
}

void routes_find (struct request *r) {
  const struct route *route = table_of(r);
  for (; route->name != NULL; route++)
    if (path_matches(route->path, r) && method_matches(route->method, r))
      break;
  r->route = route->name != NULL ? route : NULL;
}

/* ---- Responses that are no route's own ---- */

/* Names the methods that the path takes, or says that there is no such. */
static void answer_lost (const struct request *r, struct response *response) {
  const struct route *route = table_of(r);
  const char *separator = "Allow: ";
  char *message;
  for (; route->name != NULL; route++) {
    if (!path_matches(route->path, r))
      continue;
    sqlite3_str_appendf(response->headers, "%s%s%s", separator, route->method,
                        strcmp(route->method, "GET") == 0 ? ", HEAD" : "");
    separator = ", ";
  }
  if (*separator == ',') {
    sqlite3_str_appendchar(response->headers, 1, '\n');
    response_error(response, 405, NULL, NULL, NULL);
    return;
  }
  message = sqlite3_mprintf("Cannot %s %.200s", r->method, r->target);
  response_error(response, 404, NULL, NULL, message);
  sqlite3_free(message);
}

static void answer_no_key (const struct request *r, struct response *response) {
  int none = r->key == NULL && !r->cookie;
  response_error(response, 401, NULL, NULL,
                 none ? "Either Cookie or x-api-key header must be provided"
                      : "Unauthorized");
}

/* ---- Faults ---- */

/* The code that the service would most likely give with a status. */
static const char *usual_code (int status) {
  switch (status) {
    case 400: return "generation_input_validation_failed";
    case 402: return "free_tier_generations_exhausted";
    case 404: return "generation_not_found";
    case 409: return "generation_not_deletable_while_processing";
    case 413: return "generation_input_validation_failed";
    case 422: return "generation_input_video_inaccessible";
    case 429: return "rate_limit_exceeded";
    case 500: return "internal_error";
    case 502: return "controller_dependency_error";
    case 503: return "controller_unavailable";
    case 504: return "controller_timeout";
    default: return NULL;
  }
}

static const char *guess_type (const char *body) {
  body += strspn(body, " \t\r\n");
  if (*body == '{' || *body == '[')
    return TYPE_JSON;
  return *body == '<' ? "text/html; charset=utf-8" : TYPE_TEXT;
}

static int names_type (const char *headers) {
  return headers != NULL && sqlite3_strlike("%content-type:%", headers, 0) == 0;
}

/* Replaces the answer by what the fault says. */
static void answer_fault (const struct fault *f, struct response *response) {
  int status = f->status != 0 ? (int)f->status : 200;
  response->plain = 1; /* "cut" counts bytes as the fault's author sees them */
  if (f->body != NULL)
    response_text(response, status,
                  names_type(f->headers) ? NULL : guess_type(f->body),
                  text_copy(f->body, strlen(f->body)), strlen(f->body));
  else if (status >= 400)
    response_error(response, status,
                   f->code != NULL ? f->code : usual_code(status), NULL, NULL);
  else
    response->status = status;
}

static int replaces (const struct fault *f) {
  return f != NULL && (f->status != 0 || f->body != NULL || f->reset);
}

/* ---- Answering ---- */

static void refuse_host (const struct request *r, struct response *response) {
  char *message = sqlite3_mprintf(
    "\"%.200s\" is no name or address of this machine. If it is, start the "
    "emulator with it as the host to listen on.",
    r->host);
  response_error(response, 403, NULL, NULL, message);
  sqlite3_free(message);
}

/* Refuses what no route is asked for; 0 where nothing is wrong. */
static int refuse (const struct request *r, struct response *response) {
  if (!r->host_is_ours)
    refuse_host(r, response);
  else if (routes_is_control(r) && !r->local)
    response_error(response, 403, NULL, NULL,
                   "/_emulator answers programs on its own machine only");
  else if (strlen(r->target) > TARGET_MAX)
    response_error(response, 414, NULL, NULL, NULL);
  else if (r->bad_escape)
    response_error(response, 400, NULL, NULL,
                   "the path is not percent-encoded");
  else
    return 0;
  return 1;
}

/* Refuses for the route what its handler is not to see; 0: nothing is wrong. */
static int turn_away (struct call *c) {
  const struct request *r = c->request;
  const struct intake *intake = intake_of(r->route);
  if (r->route == NULL)
    answer_lost(r, c->response);
  else if (c->org == NULL && !r->route->open)
    answer_no_key(r, c->response);
  else if (r->body_too_long)
    response_error(c->response, 413, NULL, NULL, NULL);
  else
    return intake != NULL && intake->refuse(c);
  return 1;
}

static struct call make_call (struct service *s, const struct request *r,
                              const struct fault *fault,
                              struct response *response) {
  struct call call = {s, r, NULL, fault, response};
  if (r->key != NULL)
    call.org = service_org(s, r->key);
  return call;
}

static void perform (struct service *s, const struct request *r,
                     const struct fault *fault, struct response *response) {
  struct call call = make_call(s, r, fault, response);
  if (!turn_away(&call))
    r->route->handle(&call);
  sqlite3_free(call.org);
}

void routes_begin_body (struct service *s, struct request *r) {
  const struct intake *intake = intake_of(r->route);
  struct call call;
  if (intake == NULL)
    return;
  call = make_call(s, r, NULL, NULL);
  if (call.org != NULL || r->route->open)
    r->intake = intake->begin(&call);
  sqlite3_free(call.org);
}

/* The "id" in a body, which it reads; NULL where there is none. */
static char *id_in (struct body *body) {
  char text[ID_READ];
  ssize_t n = 0;
  size_t length = 0;
  if (body == NULL || body->length < 0 || body->length > ID_READ)
    return NULL;
  while ((n = body_read(body, text + length, ID_READ - length)) > 0)
    length += (size_t)n;
  return value_text(text, length, "$.id");
}

/* Carries the request out, although its response is not to be seen, and gives
** the id in that, or NULL. */
static char *perform_unseen (struct service *s, const struct request *r,
                             const struct fault *fault) {
  struct response unseen;
  char *id;
  response_open(&unseen, r->id);
  perform(s, r, fault, &unseen);
  id = fault->tell_id ? id_in(unseen.body) : NULL;
  response_close(&unseen);
  return id;
}

/* Answers as the fault says in place of the route. */
static void replace (struct service *s, const struct request *r,
                     const struct fault *fault, struct response *response) {
  char *id = fault->perform ? perform_unseen(s, r, fault) : NULL;
  char *more = id != NULL ? sqlite3_mprintf(",\"generationId\":\"%s\"", id)
                          : NULL;
  response->more = more;
  answer_fault(fault, response);
  response->more = NULL;
  sqlite3_free(more);
  sqlite3_free(id);
}

static const char *name_of (const struct request *r) {
  return r->route != NULL ? r->route->name : "";
}

/* Adds the headers of a fault, or NULL. */
static void add_headers (const struct fault *fault, struct response *response) {
  if (fault != NULL && fault->headers != NULL)
    sqlite3_str_appendall(response->headers, fault->headers);
}

int routes_answer_early (struct service *s, struct request *r, int waits,
                         struct response *response, struct fault **fault) {
  struct call call = make_call(s, r, NULL, response);
  int done = 0;
  *fault = NULL;
  response_header(response, "X-Request-Id", r->id);
  if (!routes_is_control(r) && r->host_is_ours)
    *fault = faults_take(&s->faults, name_of(r), 1);
  if (*fault != NULL) {
    answer_fault(*fault, response);
    add_headers(*fault, response);
    done = 1;
  }
  else if (waits) {
    done = refuse(r, response) || turn_away(&call);
  }
  sqlite3_free(call.org);
  return done;
}

struct fault *routes_answer (struct service *s, struct request *r,
                             struct response *response) {
  struct fault *fault = NULL;
  response_header(response, "X-Request-Id", r->id);
  if (refuse(r, response))
    return NULL;
  if (!routes_is_control(r))
    fault = faults_take(&s->faults, name_of(r), 0);
  if (replaces(fault))
    replace(s, r, fault, response);
  else
    perform(s, r, fault, response);
  add_headers(fault, response);
  return fault;
}
