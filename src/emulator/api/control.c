/* SPDX-License-Identifier: MIT
**
** control: the routes below /_emulator, by which a test in any language does
** what the Lua module does by its methods. They answer 200 and JSON, or 400
** with the reason as the message.
*/

#include "routes.h"
#include "../store/text.h"

#include <string.h>

#define BODY_MAX ((size_t)64 * 1024 * 1024)

static void handle_add (struct call *c) {
  const struct request *r = c->request;
  sqlite3_str *ids = sqlite3_str_new(NULL);
  char *why;
  enum store_code code = service_add(c->service, r->body, r->body_length, ids,
                                     &why);
  if (code == STORE_OK) {
    response_built(c->response, 200, ids);
    return;
  }
  sqlite3_free(sqlite3_str_finish(ids));
  response_error(c->response, code == STORE_FAILED ? 500 : 400, NULL, NULL,
                 why);
  sqlite3_free(why);
}

/* Does what the route is named after. */
static void handle_control (struct call *c) {
  const struct request *r = c->request;
  const struct control *control = service_controls;
  char *why;
  while (strcmp(control->name, r->route->name) != 0)
    control++;
  if (control->act(c->service, r->body, r->body_length, &why))
    response_json(c->response, text_copy("{}", 2));
  else
    response_error(c->response, 400, NULL, NULL, why);
  sqlite3_free(why);
}

static void handle_requests (struct call *c) {
  sqlite3_str *json = sqlite3_str_new(NULL);
  request_log_write(&c->service->log, json);
  response_built(c->response, 200, json);
}

static void handle_webhooks (struct call *c) {
  response_json(c->response, service_webhooks(c->service));
}

#define POST(name, handle)                                                     \
  { name, "POST", "/_emulator/" name, handle, NULL, 1, BODY_MAX }

const struct route control_routes[] = {
  POST("add", handle_add),
  POST("fault", handle_control),
  POST("set", handle_control),
  POST("advance", handle_control),
  POST("reset", handle_control),
  {"requests", "GET", "/_emulator/requests", handle_requests, NULL, 1, 0},
  {"webhooks", "GET", "/_emulator/webhooks", handle_webhooks, NULL, 1, 0},
  {NULL, NULL, NULL, NULL, NULL, 0, 0},
};
