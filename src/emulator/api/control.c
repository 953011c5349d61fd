/* SPDX-License-Identifier: MIT
**
** control: the routes below /_emulator, by which a test in any language does
** what the Lua module does by its methods. They answer 200 and JSON, or 400
** with the reason as the message.
*/

#include "routes.h"
#include "../store/text.h"

#include <string.h>

#define ADVANCE_KEY "seconds"

static void answer_done (struct response *response, char *why) {
  if (why == NULL)
    response_text(response, 200, TYPE_JSON, text_copy("{}", 2), 2);
  else
    response_error(response, 400, NULL, NULL, why);
  sqlite3_free(why);
}

static void handle_add (struct service *s, const struct request *r,
                        const char *org, struct response *response) {
  sqlite3_str *ids = sqlite3_str_new(NULL);
  int failed = 0;
  char *why = service_add(s, r->body, r->body_length, ids, &failed);
  (void)org;
  if (why == NULL && !failed) {
    response_built(response, 200, ids);
    return;
  }
  sqlite3_free(sqlite3_str_finish(ids));
  response_error(response, failed ? 500 : 400, NULL, NULL, why);
  sqlite3_free(why);
}

static void handle_fault (struct service *s, const struct request *r,
                          const char *org, struct response *response) {
  (void)org;
  answer_done(response, service_fault(s, r->body, r->body_length));
}

static void handle_set (struct service *s, const struct request *r,
                        const char *org, struct response *response) {
  (void)org;
  answer_done(response, service_set(s, r->body, r->body_length));
}

static int read_seconds (void *arg, const struct value *v) {
  double *seconds = arg;
  if (strcmp(v->key, ADVANCE_KEY) == 0
      && (strcmp(v->type, "integer") == 0 || strcmp(v->type, "real") == 0))
    *seconds = v->number;
  return 0;
}

static void handle_advance (struct service *s, const struct request *r,
                            const char *org, struct response *response) {
  double seconds = -1;
  (void)org;
  store_values(service_store(s), r->body, r->body_length, "object",
               read_seconds, &seconds);
  answer_done(response, service_advance(s, seconds));
}

static void handle_reset (struct service *s, const struct request *r,
                          const char *org, struct response *response) {
  (void)r;
  (void)org;
  answer_done(response, service_reset(s));
}

static void handle_requests (struct service *s, const struct request *r,
                             const char *org, struct response *response) {
  sqlite3_str *json = sqlite3_str_new(NULL);
  (void)r;
  (void)org;
  request_log_write(service_request_log(s), json);
  response_built(response, 200, json);
}

const struct route control_routes[] = {
  {NULL, "POST", "/_emulator/add", 1, handle_add},
  {NULL, "POST", "/_emulator/fault", 1, handle_fault},
  {NULL, "POST", "/_emulator/set", 1, handle_set},
  {NULL, "POST", "/_emulator/advance", 1, handle_advance},
  {NULL, "POST", "/_emulator/reset", 1, handle_reset},
  {NULL, "GET", "/_emulator/requests", 1, handle_requests},
  {NULL, NULL, NULL, 0, NULL},
};
