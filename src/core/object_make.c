/* SPDX-License-Identifier: MIT
**
** object_make: makes objects: of what a scanner has found, or of JSON text,
** which holds one or an array of them.
*/

#include "object.h"


/* The bytes before the text. */
static size_t head_size (const struct element *e) {
  return offsetof(struct object, members)
         + e->count * sizeof(struct json_member);
}


void *object_alloc (lua_State *L, const struct element *e) {
  return compat_newuserdata(L, head_size(e) + e->length);
}


void object_init (lua_State *L, void *block, const struct element *e,
                  int shared) {
  struct object *o = (struct object *)block;
  o->length = (uint32_t)e->length;
  o->count = e->count;
  o->slot = SLOT_EMPTY;
  if (e->count > 0) /* there may be no array either */
    memcpy(o->members, e->members, e->count * sizeof(struct json_member));
  memcpy((char *)o + head_size(e), e->text, e->length);
  lua_setmetatable(L, -2);
  if (shared != 0) {
    lua_pushvalue(L, shared);
    compat_setslot(L, -2);
    o->slot = SLOT_SHARED;
  }
}


/* A scanner that the collector closes, because making the object may raise. */
static int scanner_gc (lua_State *L) {
  json_close((struct json_scanner *)lua_touserdata(L, 1));
  return 0;
}


static struct json_scanner *push_scanner (lua_State *L, enum json_shape shape) {
  struct json_scanner *s = (struct json_scanner *)lua_newuserdata(L,
                                                                  sizeof(*s));
  json_open(s, shape, &element_limits);
  lua_createtable(L, 0, 1);
  lua_pushcfunction(L, scanner_gc);
  lua_setfield(L, -2, "__gc");
  lua_setmetatable(L, -2);
  return s;
}


/* Pushes nil and what is wrong with a text that was scanned. */
static int push_refused (lua_State *L, const struct object_type *t,
                         const struct json_scanner *s,
                         enum json_status status) {
  if (status == JSON_END)
    error_push(L, "no_id");
  else
    error_push_json(L, s, status, "object");
  error_set_string(L, "type", t->name);
  return 2;
}


/* Scans the text at 2, in room on the C stack where that will do: there is
** nothing to close then. '*s' is the scanner that has done it. */
static enum json_status scan_text (lua_State *L, struct json_scanner **s,
                                   struct json_member room[ELEMENT_ROOM],
                                   struct element *e) {
  size_t length;
  const char *text = lua_tolstring(L, 2, &length);
  enum json_status status;
  status = element_scan(*s, room, text, length, e);
  if (status != JSON_E_MEMBERS)
    return status;
  *s = push_scanner(L, JSON_SINGLE);
  return element_scan(*s, NULL, text, length, e);
}


int object_new (lua_State *L) {
  struct json_member room[ELEMENT_ROOM];
  struct json_scanner lent, *s = &lent;
  const struct object_type *t;
  struct element e;
  enum json_status status;
  int shared = 0;
  luaL_checkstring(L, 1);
  luaL_checkstring(L, 2);
  lua_settop(L, 3);
  t = object_push_type(L, lua_tostring(L, 1)); /* at 4 */
  status = scan_text(L, &s, room, &e);
  if (status != JSON_END || (t->has_id && !element_has_id(&e)))
    return push_refused(L, t, s, status);
  if (!lua_isnil(L, 3)) {
    lua_createtable(L, 1, 0); /* the shared table */
    lua_pushvalue(L, 3);
    lua_rawseti(L, -2, 1);
    shared = lua_gettop(L);
  }
  object_alloc(L, &e);
  lua_pushvalue(L, 4);
  object_init(L, lua_touserdata(L, -2), &e, shared);
  if (s != &lent)
    json_close(s);
  return 1;
}


/* The array at 2: a text, or the member of an object that 3 names. NULL: there
** is none. */
static const char *list_text (lua_State *L, size_t *length) {
  const struct object *o = object_to(L, 2);
  const struct json_member *m;
  const char *name;
  size_t name_length;
  if (o == NULL)
    return luaL_checklstring(L, 2, length);
  name = luaL_checklstring(L, 3, &name_length);
  m = object_find(o, name, name_length);
  if (m == NULL || object_bytes(o)[m->value] != '[')
    return NULL;
  *length = m->value_length;
  return object_bytes(o) + m->value;
}


/* Pushes an object for the element that the scanner has just found; 0 where it
** has no id, but needs one. The type is at 5, the table to share at 6. */
static int push_element (lua_State *L, const struct object_type *t,
                         const struct json_scanner *s, const char *text) {
  struct element e;
  e.text = text + s->element;
  e.length = s->element_length;
  e.members = s->members;
  e.count = s->count;
  if (t->has_id && !element_has_id(&e))
    return 0;
  object_alloc(L, &e);
  lua_pushvalue(L, 5);
  object_init(L, lua_touserdata(L, -2), &e, 6);
  return 1;
}


/* Puts the objects of a list into the table at 7. JSON_E_SHAPE: one is none. */
static enum json_status put_elements (lua_State *L, const struct object_type *t,
                                      const char *text, size_t length) {
  struct json_scanner *s = push_scanner(L, JSON_LIST);
  enum json_status status;
  size_t used, at = 0;
  int n = 0;
  while ((status = json_feed(s, text + at, length - at, &used))
         == JSON_ELEMENT) {
    at += used;
    if (!push_element(L, t, s, text)) {
      status = JSON_E_SHAPE;
      break;
    }
    lua_rawseti(L, 7, ++n);
  }
  if (status == JSON_MORE)
    status = json_finish(s);
  json_close(s);
  return status;
}


int object_list (lua_State *L) {
  const struct object_type *t;
  const char *text;
  size_t length = 0;
  enum json_status status;
  luaL_checkstring(L, 1);
  text = list_text(L, &length);
  lua_settop(L, 4);
  if (text == NULL)
    return 0;
  t = object_push_type(L, lua_tostring(L, 1)); /* at 5 */
  lua_createtable(L, 1, 0);                    /* to share, at 6 */
  lua_pushvalue(L, 4);
  lua_rawseti(L, 6, 1);
  lua_newtable(L); /* at 7 */
  status = put_elements(L, t, text, length);
  if (status == JSON_E_MEMORY)
    return luaL_error(L, "not enough memory");
  lua_pushvalue(L, 7);
  return status == JSON_END;
}
