/* SPDX-License-Identifier: MIT
**
** element: an object as the scanner found it, before it becomes a Lua object;
** and the check of its id.
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

/* Those of text that is there: its length is known. */
extern const struct json_limits element_limits;

#define ELEMENT_ROOM 64 /* members that most objects have no more of */

/* Scans all of 'text'. On JSON_END, 'e' is the one object that it holds. With
** 'room', 's' needs no other, and is not closed; more members than that are
** JSON_E_MEMBERS. Without, 's' was opened for JSON_SINGLE. */
enum json_status element_scan (struct json_scanner *s,
                               struct json_member room[ELEMENT_ROOM],
                               const char *text, size_t length,
                               struct element *e);

/* Whether it has a string "id", not empty. */
static inline int element_has_id (const struct element *e) {
  const struct json_member *id = json_find(e->members, e->count, e->text, "id",
                                           2);
  return id != NULL && id->value_length > 2 && e->text[id->value] == '"';
}

#endif
