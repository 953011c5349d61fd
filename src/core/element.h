/* SPDX-License-Identifier: MIT
**
** element: an object of a list as the scanner found it, before it becomes a Lua
** object; and the check of its id.
*/

#ifndef lipsync_element_h
#define lipsync_element_h

#include "json.h"

/* Valid as long as its text and its scanner. */
struct element {
  const char *text;
  size_t length;
  const struct json_member *members;
  unsigned count;
};

/* Whether it has a string "id", not empty. */
static inline int element_has_id (const struct element *e) {
  const struct json_member *id = json_find(e->members, e->count, e->text, "id",
                                           2);
  return id != NULL && id->value_length > 2 && e->text[id->value] == '"';
}

#endif
