/* SPDX-License-Identifier: MIT
**
** object: the objects of the service. One userdata holds the exact JSON text
** and the places of its members; a field's value is made when it is read. What
** differs between generations, assets and so on is in their type, which Lua
** describes by core.object_type.
**
** Each object's user value is a table: at first one that all objects of a
** transfer share, with their owner at [1]. When a nested value is first read,
** the object gets its own, with the owner at [1] and nested values by name.
*/

#include "core.h"
#include "json_write.h"

enum slot {
  SLOT_EMPTY,  /* none set; on 5.1 an unrelated table */
  SLOT_SHARED, /* the shared table */
  SLOT_OWN     /* its own */
};

struct object {
  uint32_t length;              /* of the text */
  uint32_t count;               /* of the members */
  int slot;                     /* enum slot */
  struct json_member members[]; /* 'count' of them, then the text */
};

#define PLACES  64 /* of place_of */
#define SHORT   15 /* bytes of a string that is worth keeping */
#define ROOM    64 /* members that most objects have no more of */
#define ALIASES 4
#define SHOWS   4

struct name {
  size_t length;
  char bytes[OBJECT_NAME_MAX + 1];
};

/* A type: its description, and what each reading of a field needs without a
** look-up. A userdata, which its metatable keeps. */
struct type {
  struct object_type pub; /* first: what lipsync.http sees */
  char noun[OBJECT_NAME_MAX + 1];
  unsigned aliases, shows; /* how many there are */
  struct {
    struct name name, other;
  } alias[ALIASES];        /* what 'name' may be sent as */
  struct name show[SHOWS]; /* what tostring gives */
  const void *metatable;
  uint64_t methods; /* a bit at the place of each method's name */
  struct recent {
    unsigned char length; /* more than SHORT: none */
    char bytes[SHORT];
  } recent[PLACES]; /* the short values that were read last */
};


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


static const char *text_of (const struct object *o) {
  return (const char *)(o->members + o->count);
}


static const struct json_member *find (const struct object *o, const char *name,
                                       size_t length) {
  return json_find(o->members, o->count, text_of(o), name, length);
}


static int is_null (const struct object *o, const struct json_member *m) {
  return text_of(o)[m->value] == 'n';
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
      const struct json_member *n = find(o, other->bytes, other->length);
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
  const struct json_member *m = find(o, name, length);
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
  value_push(L, text_of(o) + m->value, m->value_length, NULLS_LEFT_OUT);
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
  value = text_of(o) + m->value;
  if (*value == '{' || *value == '[')
    push_nested(L, o, m);
  else
    value_push(L, value, m->value_length, NULLS_LEFT_OUT);
}


/* The place, one of PLACES, of a string: few fields share a method's, and each
** value of a generation's status has its own. */
static unsigned place_of (const char *text, size_t length) {
  return (unsigned)(8 * length + (unsigned char)*text) % PLACES;
}


/* Pushes the short string 'text', kept at its place in the table of strings,
** upvalue 3, because interning a repeated value such as a status is slower. */
static void push_short (lua_State *L, struct type *t, const char *text,
                        size_t length) {
  unsigned place = place_of(text, length);
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
static int object_index (lua_State *L) {
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
  if ((t->methods >> place_of(name, length) & 1) != 0) {
    lua_pushvalue(L, 2);
    lua_rawget(L, lua_upvalueindex(2));
    if (!lua_isnil(L, -1))
      return 1;
  }
  o = (struct object *)lua_touserdata(L, 1);
  m = lookup(o, t, name, length);
  value = m == NULL ? NULL : text_of(o) + m->value;
  if (value != NULL && *value == '"' && m->value_length - 2 <= SHORT
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
    lua_pushlstring(L, out, json_compact(text_of(o), o->length, out));
  }
  else
    lua_pushlstring(L, text_of(o), o->length);
  return 1;
}


/* object:decode(): a new plain table. */
static int object_decode (lua_State *L) {
  const struct object *o = check_object(L, "decode()");
  value_push(L, text_of(o), o->length, NULLS_KEPT);
  return 1;
}


static void push_key (lua_State *L, const struct object *o,
                      const struct json_member *m) {
  value_push_string(L, text_of(o) + m->key, m->key_length & ~JSON_KEY_ESCAPED,
                    (m->key_length & JSON_KEY_ESCAPED) != 0);
}


/* Whether a later member has the same name: then only that one counts. */
static int is_repeated (const struct object *o, const struct json_member *m,
                        lua_State *L, int key) {
  size_t length;
  const char *name = lua_tolstring(L, key, &length);
  return find(o, name, length) != m;
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
           && memcmp(text_of(a), text_of(b), a->length) == 0;
  }
  lua_pushboolean(L, same);
  return 1;
}


/* Appends " value" of a string member to the string at the top, as it was
** sent: its control characters are still escapes. */
static void append_member (lua_State *L, const struct object *o,
                           const struct json_member *m) {
  if (m == NULL || text_of(o)[m->value] != '"')
    return;
  lua_pushliteral(L, " ");
  lua_pushlstring(L, text_of(o) + m->value + 1, m->value_length - 2u);
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


/* ---- Making one ---- */

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


/* Pushes the table of types: the metatable of each by its name, the type
** itself by its metatable. */
static void push_types (lua_State *L) {
  lua_getfield(L, LUA_REGISTRYINDEX, OBJECT_TYPES);
}


const struct object_type *object_push_type (lua_State *L, const char *name) {
  const struct object_type *t;
  push_types(L);
  lua_getfield(L, -1, name);
  if (lua_isnil(L, -1))
    luaL_error(L, "no type of objects is called '%s'", name);
  lua_pushvalue(L, -1);
  lua_rawget(L, -3);
  t = (const struct object_type *)lua_touserdata(L, -1);
  lua_pop(L, 1);
  lua_remove(L, -2);
  return t;
}


static const struct json_limits limits = {0x7fffffffu, JSON_DEPTH_MAX,
                                          JSON_MEMBERS_MAX};

/* A scanner that the collector closes, because making the object may raise. */
static int scanner_gc (lua_State *L) {
  json_close((struct json_scanner *)lua_touserdata(L, 1));
  return 0;
}


static struct json_scanner *push_scanner (lua_State *L, enum json_shape shape) {
  struct json_scanner *s = (struct json_scanner *)lua_newuserdata(L,
                                                                  sizeof(*s));
  json_open(s, shape, &limits);
  lua_createtable(L, 0, 1);
  lua_pushcfunction(L, scanner_gc);
  lua_setfield(L, -2, "__gc");
  lua_setmetatable(L, -2);
  return s;
}


/* Scans all of 'text'. On JSON_END, 'e' is the one object it holds. */
static enum json_status scan (struct json_scanner *s, const char *text,
                              size_t length, struct element *e) {
  size_t used;
  enum json_status status = json_feed(s, text, length, &used);
  if (status == JSON_ELEMENT) {
    e->text = text + s->element;
    e->length = s->element_length;
    e->count = s->count;
    status = json_feed(s, text + used, length - used, &used);
  }
  e->members = s->members;
  return status == JSON_MORE ? json_finish(s) : status;
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
                                   struct json_member room[ROOM],
                                   struct element *e) {
  size_t length;
  const char *text = lua_tolstring(L, 2, &length);
  enum json_status status;
  json_open(*s, JSON_SINGLE, &limits);
  json_lend(*s, room, ROOM);
  status = scan(*s, text, length, e);
  if (status != JSON_E_MEMBERS)
    return status;
  *s = push_scanner(L, JSON_SINGLE);
  return scan(*s, text, length, e);
}


int object_new (lua_State *L) {
  struct json_member room[ROOM];
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


/* The object at index 'i', or NULL. */
static const struct object *to_object (lua_State *L, int i) {
  int is_object = 0;
  if (lua_type(L, i) == LUA_TUSERDATA && lua_getmetatable(L, i)) {
    push_types(L);
    lua_insert(L, -2);
    lua_rawget(L, -2);
    is_object = !lua_isnil(L, -1);
    lua_pop(L, 2);
  }
  return is_object ? (const struct object *)lua_touserdata(L, i) : NULL;
}


/* The array at 2: a text, or the member of an object that 3 names. NULL: there
** is none. */
static const char *list_text (lua_State *L, size_t *length) {
  const struct object *o = to_object(L, 2);
  const struct json_member *m;
  const char *name;
  size_t name_length;
  if (o == NULL)
    return luaL_checklstring(L, 2, length);
  name = luaL_checklstring(L, 3, &name_length);
  m = find(o, name, name_length);
  if (m == NULL || text_of(o)[m->value] != '[')
    return NULL;
  *length = m->value_length;
  return text_of(o) + m->value;
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


/* Pushes the type of the value at 1: its userdata, or nil. */
static void push_type_of (lua_State *L) {
  luaL_checkany(L, 1);
  push_types(L);
  if (lua_type(L, 1) == LUA_TUSERDATA && lua_getmetatable(L, 1))
    lua_rawget(L, -2);
  else
    lua_pushnil(L);
}


const char *object_text (lua_State *L, size_t *length) {
  const struct object *o = to_object(L, lua_gettop(L));
  if (o == NULL)
    return NULL;
  *length = o->length;
  return text_of(o);
}


/* core.member(object, name): a member as it was sent, its JSON text; nil where
** there is none. */
int object_member (lua_State *L) {
  const struct json_member *m;
  const struct object *o;
  const char *name;
  size_t length;
  push_type_of(L);
  if (lua_isnil(L, -1))
    return luaL_argerror(L, 1, "an object expected");
  o = (const struct object *)lua_touserdata(L, 1);
  name = check_name(L, &length);
  m = find(o, name, length);
  if (m == NULL)
    return 0;
  lua_pushlstring(L, text_of(o) + m->value, m->value_length);
  return 1;
}


int object_type_of (lua_State *L) {
  const struct object_type *t;
  push_type_of(L);
  t = (const struct object_type *)lua_touserdata(L, -1);
  lua_pushstring(L, t == NULL ? NULL : t->name);
  return 1;
}


int object_owner (lua_State *L) {
  push_type_of(L);
  if (lua_isnil(L, -1))
    return luaL_argerror(L, 1, "an object expected");
  if (!push_slot(L, (const struct object *)lua_touserdata(L, 1)))
    return 0;
  lua_rawgeti(L, -1, 1);
  return 1;
}


/* ---- Types ---- */

static const luaL_Reg methods[] = {
  {"get", object_get},       {"has", object_has},       {"json", object_json},
  {"decode", object_decode}, {"fields", object_fields}, {NULL, NULL},
};


static const luaL_Reg metamethods[] = {
  {"__newindex", object_newindex},
  {"__eq", object_eq},
  {"__pairs", object_fields},
  {"__tostring", object_tostring},
  {NULL, NULL},
};


/* Copies the string at 'i'. */
static void read_name (lua_State *L, int i, struct name *n) {
  const char *text = luaL_checklstring(L, i, &n->length);
  if (n->length > OBJECT_NAME_MAX)
    luaL_error(L, "too long a name: %s", text);
  memcpy(n->bytes, text, n->length + 1);
}


static void read_aliases (lua_State *L, struct type *t) {
  lua_getfield(L, 1, "aliases");
  if (lua_istable(L, -1))
    for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1)) {
      if (t->aliases == ALIASES)
        luaL_error(L, "more than %d aliases", ALIASES);
      read_name(L, -2, &t->alias[t->aliases].name);
      read_name(L, -1, &t->alias[t->aliases++].other);
    }
  lua_pop(L, 1);
}


static void read_shows (lua_State *L, struct type *t) {
  lua_getfield(L, 1, "shows");
  if (lua_istable(L, -1))
    for (; t->shows < SHOWS; t->shows++) {
      lua_rawgeti(L, -1, (int)t->shows + 1);
      if (lua_isnil(L, -1))
        break;
      read_name(L, -1, &t->show[t->shows]);
      lua_pop(L, 1);
    }
  lua_settop(L, 1);
}


/* Not by tolower, which asks the locale. */
static char to_lower (char c) {
  return (char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
}


/* Reads the descriptor at 1, all but its methods. */
static void read_type (lua_State *L, struct type *t) {
  struct name name;
  size_t i;
  memset(t, 0, sizeof(*t));
  memset(t->recent, 0xFF, sizeof(t->recent));
  lua_getfield(L, 1, "name");
  read_name(L, -1, &name);
  memcpy(t->pub.name, name.bytes, name.length + 1);
  for (i = 0; i < name.length; i++)
    t->noun[i] = to_lower(name.bytes[i]);
  lua_getfield(L, 1, "has_id");
  t->pub.has_id = lua_toboolean(L, -1);
  lua_settop(L, 1);
  read_aliases(L, t);
  read_shows(L, t);
}


/* Pushes a type's metatable and its userdata: the existing ones if the name is
** taken, because the type may have objects. */
static void push_type (lua_State *L, const char *name) {
  push_types(L);
  lua_getfield(L, -1, name);
  if (lua_isnil(L, -1)) {
    lua_pop(L, 1);
    lua_newtable(L);
    lua_newuserdata(L, sizeof(struct type));
  }
  else {
    lua_pushvalue(L, -1);
    lua_rawget(L, -3);
  }
  lua_remove(L, -3);
}


/* Pushes a table of the methods, those of every type and those of the
** descriptor at 1, and notes their places. */
static void push_methods (lua_State *L, struct type *t) {
  int at = lua_gettop(L) + 1;
  lua_newtable(L);
  lua_pushvalue(L, 3);
  luaL_setfuncs(L, methods, 1);
  lua_getfield(L, 1, "methods");
  if (lua_istable(L, -1))
    for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1)) {
      lua_pushvalue(L, -2);
      lua_pushvalue(L, -2);
      lua_rawset(L, at);
    }
  for (lua_pushnil(L); lua_next(L, at); lua_pop(L, 1)) {
    size_t length;
    const char *name = luaL_checklstring(L, -2, &length);
    t->methods |= (uint64_t)1 << place_of(name, length);
  }
  lua_settop(L, at);
}


int object_type (lua_State *L) {
  struct type t;
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_settop(L, 1);
  read_type(L, &t);
  push_type(L, t.pub.name); /* at 2 and 3 */
  t.metatable = lua_topointer(L, 2);
  lua_pushvalue(L, 2);
  lua_pushvalue(L, 3);
  luaL_setfuncs(L, metamethods, 1);
  lua_pop(L, 1);
  lua_pushstring(L, t.pub.name); /* what getmetatable shows */
  lua_setfield(L, 2, "__metatable");
  lua_pushvalue(L, 3);
  push_methods(L, &t);
  lua_createtable(L, PLACES, 0); /* the strings */
  lua_pushcclosure(L, object_index, 3);
  lua_setfield(L, 2, "__index");
  *(struct type *)lua_touserdata(L, 3) = t;
  lua_settop(L, 3);
  push_types(L);
  lua_pushvalue(L, 2);
  lua_pushvalue(L, 3);
  lua_rawset(L, 4);
  lua_pushvalue(L, 2);
  lua_setfield(L, 4, t.pub.name);
  return 0;
}


void object_register (lua_State *L) {
  push_types(L);
  if (lua_isnil(L, -1)) {
    lua_newtable(L);
    lua_setfield(L, LUA_REGISTRYINDEX, OBJECT_TYPES);
  }
  lua_pop(L, 1);
  lua_pushcfunction(L, object_type);
  lua_createtable(L, 0, 1);
  lua_pushliteral(L, OBJECT_ANY);
  lua_setfield(L, -2, "name");
  lua_call(L, 1, 0);
}
