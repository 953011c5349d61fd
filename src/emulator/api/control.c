/* SPDX-License-Identifier: MIT
**
** control: the routes below /_emulator, by which a test in any language does
** what the Lua module does by its methods. They answer 200 and JSON, or 400
** with the reason as the message.
*/

#include "routes.h"
#include "../store/text.h"

#include <string.h>

static void handle_add (struct service *s, const struct request *r,
                        const char *org, struct response *response) {
  sqlite3_str *ids = sqlite3_str_new(NULL);
  char *why;
  enum store_code code = service_add(s, r->body, r->body_length, ids, &why);
  (void)org;
  if (code == STORE_OK) {
    response_built(response, 200, ids);
    return;
  }
  sqlite3_free(sqlite3_str_finish(ids));
  response_error(response, code == STORE_FAILED ? 500 : 400, NULL, NULL, why);
  sqlite3_free(why);
}

/* Does what the second segment of the path names. */
static void handle_control (struct service *s, const struct request *r,
                            const char *org, struct response *response) {
  const struct control *control = service_controls;
  char *why;
  (void)org;
  while (strcmp(control->name, r->segments[1]) != 0)
    control++;
  if (control->act(s, r->body, r->body_length, &why))
    response_text(response, 200, TYPE_JSON, text_copy("{}", 2), 2);
  else
    response_error(response, 400, NULL, NULL, why);
  sqlite3_free(why);
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
  {NULL, "POST", "/_emulator/fault", 1, handle_control},
  {NULL, "POST", "/_emulator/set", 1, handle_control},
  {NULL, "POST", "/_emulator/advance", 1, handle_control},
  {NULL, "POST", "/_emulator/reset", 1, handle_control},
  {NULL, "GET", "/_emulator/requests", 1, handle_requests},
  {NULL, NULL, NULL, 0, NULL},
};
