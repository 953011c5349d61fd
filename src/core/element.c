/* SPDX-License-Identifier: MIT
**
** element: see element.h.
*/

#include "element.h"

const struct json_limits element_limits = {0x7fffffffu, JSON_DEPTH_MAX,
                                           JSON_MEMBERS_MAX};


enum json_status element_scan (struct json_scanner *s,
                               struct json_member room[ELEMENT_ROOM],
                               const char *text, size_t length,
                               struct element *e) {
  size_t used;
  enum json_status status;
  if (room != NULL) {
    json_open(s, JSON_SINGLE, &element_limits);
    json_lend(s, room, ELEMENT_ROOM);
  }
  status = json_feed(s, text, length, &used);
  if (status == JSON_ELEMENT) {
    e->text = text + s->element;
    e->length = s->element_length;
    e->count = s->count;
    status = json_feed(s, text + used, length - used, &used);
  }
  e->members = s->members;
  return status == JSON_MORE ? json_finish(s) : status;
}
