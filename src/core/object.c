/* SPDX-License-Identifier: MIT
**
** object: reads the objects of the service: their fields and methods.
*/

#include "json_write.h"
#include "object.h"


static int has_metatable (lua_State *L, int i, const void *metatable) {
  int has = lua_getmetatable(L, i);
  if (has) {
    has = lua_topointer(L, -1) == metatable;
    lua_pop(L, 1);
  }
  return has && lua_type(L, i) == LUA_TUSERDATA;
}


/* The type that a method belongs to: its first upvalue. */
static const struct type *own_type (lua_State *L) {
  return (const struct type *)lua_touserdata(L, lua_upvalueindex(1));
}


/* The object at 1; 'call' is for the error. */
static struct object *check_object (lua_State *L, const char *call) {
  const struct type *t = own_type(L);
  if (!has_metatable(L, 1, t->metatable))
    luaL_error(L, "call it with a colon: %s:%s", t->noun, call);
  return (struct object *)lua_touserdata(L, 1);
}


/* The name at 2: a string, not a number. */
static const char *check_name (lua_State *L, size_t *length) {
  luaL_checktype(L, 2, LUA_TSTRING);
  return lua_tolstring(L, 2, length);
}


static int is_null (const struct object *o, const struct json_member *m) {
  return object_bytes(o)[m->value] == 'n';
}


/* The member under the other name of 'name', or 'm' where there is none. */
static const struct json_member *lookup_alias (const struct object *o,
                                               const struct type *t,
                                               const char *name, size_t length,
                                               const struct json_member *m) {
  unsigned i;
  for (i = 0; i < t->aliases; i++) {
    const struct name *alias = &t->alias[i].name, *other = &t->alias[i].other;
    if (alias->length == length && *alias->bytes == *name
        && memcmp(alias->bytes, name, length) == 0) {
      const struct json_member *n = object_find(o, other->bytes, other->length);
      return n != NULL ? n : m;
    }
  }
  return m;
}


/* The member that reads as 'name': its own, or where that is absent or null,
** the one under its other name. */
static inline const struct json_member *lookup (const struct object *o,
                                                const struct type *t,
                                                const char *name,
                                                size_t length) {
  const struct json_member *m = object_find(o, name, length);
  return m != NULL && !is_null(o, m) ? m : lookup_alias(o, t, name, length, m);
}


/* Pushes the table of the object at 1, or nothing. */
static int push_slot (lua_State *L, const struct object *o) {
  if (o->slot == SLOT_EMPTY)
    return 0;
  compat_getslot(L, 1);
  return 1;
}


/* Pushes the object's own table, made now if there is none. */
static void push_own_slot (lua_State *L, struct object *o) {
  if (o->slot == SLOT_OWN) {
    compat_getslot(L, 1);
    return;
  }
  lua_newtable(L);
  if (push_slot(L, o)) {
    lua_rawgeti(L, -1, 1);
    lua_rawseti(L, -3, 1);
    lua_pop(L, 1);
  }
  lua_pushvalue(L, -1);
  compat_setslot(L, 1);
  o->slot = SLOT_OWN;
}


/* Pushes the nested value under the name at index 2: the one made before, or a
** new one, which it keeps. */
static void push_nested (lua_State *L, struct object *o,
                         const struct json_member *m) {
  push_own_slot(L, o);
  lua_pushvalue(L, 2);
  lua_rawget(L, -2);
  if (!lua_isnil(L, -1))
    return;
  lua_pop(L, 1);
  value_push(L, object_bytes(o) + m->value, m->value_length, NULLS_LEFT_OUT);
  lua_pushvalue(L, 2);
  lua_pushvalue(L, -2);
  lua_rawset(L, -4);
}


/* Pushes the value of member 'm' (NULL: none). The object is at 1, the name at
** 2. */
static void push_member (lua_State *L, struct object *o,
                         const struct json_member *m) {
  const char *value;
  if (m == NULL) {
    lua_pushnil(L);
    return;
  }
  value = object_bytes(o) + m->value;
  if (*value == '{' || *value == '[')
    push_nested(L, o, m);
  else
    value_push(L, value, m->value_length, NULLS_LEFT_OUT);
}


/* Pushes the short string 'text', kept at its place in the table of strings,
** upvalue 3, because interning a repeated value such as a status is slower. */
static void push_short (lua_State *L, struct type *t, const char *text,
                        size_t length) {
  unsigned place = object_place(text, length);
  struct recent *r = &t->recent[place];
  if (r->length == length && memcmp(r->bytes, text, length) == 0) {
    lua_rawgeti(L, lua_upvalueindex(3), (int)place + 1);
    return;
  }
  lua_pushlstring(L, text, length);
  lua_pushvalue(L, -1);
  lua_rawseti(L, lua_upvalueindex(3), (int)place + 1);
  r->length = (unsigned char)length;
  memcpy(r->bytes, text, length);
}


/* object.name: a method, or else a member. The VM calls it with just the two.
** Upvalues: the type, its methods, the table of strings. */
int object_index (lua_State *L) {
  struct type *t = (struct type *)lua_touserdata(L, lua_upvalueindex(1));
  struct object *o;
  const struct json_member *m;
  const char *name, *value;
  size_t length;
  if (!lua_getmetatable(L, 1) || lua_topointer(L, -1) != t->metatable)
    return luaL_error(L, "not a %s", t->noun);
  if (lua_type(L, 2) != LUA_TSTRING)
    return 0;
  name = lua_tolstring(L, 2, &length);
  if ((t->methods >> object_place(name, length) & 1) != 0) {
    lua_pushvalue(L, 2);
    lua_rawget(L, lua_upvalueindex(2));
    if (!lua_isnil(L, -1))
      return 1;
  }
  o = (struct object *)lua_touserdata(L, 1);
  m = lookup(o, t, name, length);
  value = m == NULL ? NULL : object_bytes(o) + m->value;
  if (value != NULL && *value == '"' && m->value_length - 2 <= OBJECT_SHORT
      && memchr(value, '\\', m->value_length) == NULL)
    push_short(L, t, value + 1, m->value_length - 2);
  else
    push_member(L, o, m);
  return 1;
}


static int object_newindex (lua_State *L) {
  const char *noun = own_type(L)->noun;
  return luaL_error(L,
                    "%s %s cannot be changed: it is what the service sent; "
                    "decode() gives a table that can",
                    strchr("aeio", *noun) != NULL ? "an" : "a", noun);
}


/* object:get(name): a member, whatever its name. */
static int object_get (lua_State *L) {
  struct object *o = check_object(L, "get(name)");
  size_t length;
  const char *name = check_name(L, &length);
  lua_settop(L, 2);
  push_member(L, o, lookup(o, own_type(L), name, length));
  return 1;
}


/* object:has(name): whether the member was sent, if only as null. */
static int object_has (lua_State *L) {
  const struct object *o = check_object(L, "has(name)");
  size_t length;
  const char *name = check_name(L, &length);
  lua_pushboolean(L, lookup(o, own_type(L), name, length) != NULL);
  return 1;
}


/* object:json([options]): the bytes that the service sent; with compact = true
** on one line, without white space between tokens. */
static int object_json (lua_State *L) {
  const struct object *o = check_object(L, "json()");
  lua_settop(L, 2);
  if (!lua_isnil(L, 2)) {
    luaL_checktype(L, 2, LUA_TTABLE);
    lua_getfield(L, 2, "compact");
  }
  if (lua_toboolean(L, -1)) {
    char *out = (char *)lua_newuserdata(L, o->length);
    lua_pushlstring(L, out, json_compact(object_bytes(o), o->length, out));
  }
  else
    lua_pushlstring(L, object_bytes(o), o->length);
  return 1;
}


/* object:decode(): a new plain table. */
static int object_decode (lua_State *L) {
  const struct object *o = check_object(L, "decode()");
  value_push(L, object_bytes(o), o->length, NULLS_KEPT);
  return 1;
}


static void push_key (lua_State *L, const struct object *o,
                      const struct json_member *m) {
  value_push_string(L, object_bytes(o) + m->key,
                    m->key_length & ~JSON_KEY_ESCAPED,
                    (m->key_length & JSON_KEY_ESCAPED) != 0);
}


/* Whether a later member has the same name: then only that one counts. */
static int is_repeated (const struct object *o, const struct json_member *m,
                        lua_State *L, int key) {
  size_t length;
  const char *name = lua_tolstring(L, key, &length);
  return object_find(o, name, length) != m;
}


/* The iterator of fields(). Upvalues: the type, the object, the next member's
** number. */
static int next_field (lua_State *L) {
  struct object *o;
  uint32_t i = (uint32_t)lua_tonumber(L, lua_upvalueindex(3));
  lua_settop(L, 0);
  lua_pushvalue(L, lua_upvalueindex(2));
  o = check_object(L, "fields()");
  for (; i < o->count; i++) {
    const struct json_member *m = &o->members[i];
    lua_settop(L, 1);
    push_key(L, o, m);
    if (is_repeated(o, m, L, 2))
      continue;
    lua_pushnumber(L, (lua_Number)i + 1);
    lua_replace(L, lua_upvalueindex(3));
    push_member(L, o, m);
    lua_pushvalue(L, 2);
    lua_insert(L, -2);
    return 2;
  }
  lua_pushnumber(L, (lua_Number)o->count);
  lua_replace(L, lua_upvalueindex(3));
  return 0;
}


/* object:fields(): for name, value in … Every member once, in the order sent;
** a null one with nil. */
static int object_fields (lua_State *L) {
  check_object(L, "fields()");
  lua_settop(L, 1);
  lua_pushvalue(L, lua_upvalueindex(1));
  lua_insert(L, 1);
  lua_pushnumber(L, 0);
  lua_pushcclosure(L, next_field, 3);
  return 1;
}


static int object_eq (lua_State *L) {
  const void *metatable = own_type(L)->metatable;
  int same = has_metatable(L, 1, metatable) && has_metatable(L, 2, metatable);
  if (same) {
    const struct object *a = (const struct object *)lua_touserdata(L, 1);
    const struct object *b = (const struct object *)lua_touserdata(L, 2);
    same = a->length == b->length
           && memcmp(object_bytes(a), object_bytes(b), a->length) == 0;
  }
  lua_pushboolean(L, same);
  return 1;
}


/* Appends " value" of a string member to the string at the top, as it was
** sent: its control characters are still escapes. */
static void append_member (lua_State *L, const struct object *o,
                           const struct json_member *m) {
  if (m == NULL || object_bytes(o)[m->value] != '"')
    return;
  lua_pushliteral(L, " ");
  lua_pushlstring(L, object_bytes(o) + m->value + 1, m->value_length - 2u);
  lua_concat(L, 3);
}


static int object_tostring (lua_State *L) {
  const struct object *o = check_object(L, "json()");
  const struct type *t = own_type(L);
  unsigned i;
  lua_pushstring(L, t->pub.name);
  for (i = 0; i < t->shows; i++)
    append_member(L, o, lookup(o, t, t->show[i].bytes, t->show[i].length));
  return 1;
}


const char *object_text (lua_State *L, size_t *length) {
  const struct object *o = object_to(L, lua_gettop(L));
  if (o == NULL)
    return NULL;
  *length = o->length;
  return object_bytes(o);
}


/* The object at 1; raises for another value. */
static struct object *check_any (lua_State *L) {
  struct object *o = object_to(L, 1);
  if (o == NULL)
    luaL_argerror(L, 1, "an object expected");
  return o;
}


int object_member (lua_State *L) {
  const struct object *o = check_any(L);
  size_t length;
  const char *name = check_name(L, &length);
  const struct json_member *m = object_find(o, name, length);
  if (m == NULL)
    return 0;
  lua_pushlstring(L, object_bytes(o) + m->value, m->value_length);
  return 1;
}


int object_owner (lua_State *L) {
  if (!push_slot(L, check_any(L)))
    return 0;
  lua_rawgeti(L, -1, 1);
  return 1;
}


const luaL_Reg object_methods[] = {
  {"get", object_get},       {"has", object_has},       {"json", object_json},
  {"decode", object_decode}, {"fields", object_fields}, {NULL, NULL},
};


const luaL_Reg object_metamethods[] = {
  {"__newindex", object_newindex},
  {"__eq", object_eq},
  {"__pairs", object_fields},
  {"__tostring", object_tostring},
  {NULL, NULL},
};
