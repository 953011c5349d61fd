/* SPDX-License-Identifier: MIT
**
** generation: a generation is its bytes. One userdata holds the exact JSON
** text and where its members lie; a field is made when it is read.
**
** The value that hangs on it is a table: at first one that all generations of
** a transfer share, with their owner at [1]; from the first nested value that
** is read, one of its own, with the owner at [1] and such values by name.
*/

#include "core.h"

enum slot {
  SLOT_EMPTY,  /* nothing hangs on it; on 5.1 something of a stranger's does */
  SLOT_SHARED, /* the shared table */
  SLOT_OWN     /* its own */
};

struct generation {
  uint32_t length;              /* of the text */
  uint32_t count;               /* of the members */
  int slot;                     /* enum slot */
  struct json_member members[]; /* 'count' of them, then the text */
};

#define PLACES 64 /* of place_of */
#define SHORT  15 /* bytes of a string that is worth keeping */

/* What is asked at each reading of a field, without looking up anything. */
struct type_cache {
  const void *metatable; /* that of all generations of the state */
  uint64_t methods;      /* a bit at the place of each method's name */
  struct recent {
    unsigned char length; /* more than SHORT: none */
    char bytes[SHORT];
  } recent[PLACES]; /* short values that were read last */
};

/* Other names under which the service is known to send a field. */
static const struct {
  const char *name;
  const char *other;
} aliases[] = {
  {"errorCode", "error_code"},
  {"outputUrl", "outputMediaUrl"},
};


static struct generation *to_generation (lua_State *L, int i) {
  return (struct generation *)luaL_testudata(L, i, GENERATION_TYPE);
}


/* The generation at 1, where only a program that looks inside puts another. */
static struct generation *known_generation (lua_State *L) {
  return (struct generation *)luaL_checkudata(L, 1, GENERATION_TYPE);
}


/* The generation at 1, on which 'call' was to be done. */
static struct generation *check_generation (lua_State *L, const char *call) {
  struct generation *g = to_generation(L, 1);
  if (g == NULL)
    luaL_error(L, "call it with a colon: generation:%s", call);
  return g;
}


/* The name at 2: a string, and no number that reads as one. */
static const char *check_name (lua_State *L, size_t *length) {
  luaL_checktype(L, 2, LUA_TSTRING);
  return lua_tolstring(L, 2, length);
}


static const char *text_of (const struct generation *g) {
  return (const char *)(g->members + g->count);
}


const char *generation_text (lua_State *L, int i, size_t *length) {
  const struct generation *g = to_generation(L, i);
  if (g == NULL)
    return NULL;
  *length = g->length;
  return text_of(g);
}


static const struct json_member *find (const struct generation *g,
                                       const char *name, size_t length) {
  return json_find(g->members, g->count, text_of(g), name, length);
}


static int is_null (const struct generation *g, const struct json_member *m) {
  return text_of(g)[m->value] == 'n';
}


/* The member that reads as 'name': its own, or where that is absent or null,
** the one under its other name. */
static const struct json_member *lookup (const struct generation *g,
                                         const char *name, size_t length) {
  const struct json_member *m = find(g, name, length);
  size_t i;
  if (m != NULL && !is_null(g, m))
    return m;
  for (i = 0; i < sizeof(aliases) / sizeof(aliases[0]); i++)
    if (strlen(aliases[i].name) == length
        && memcmp(aliases[i].name, name, length) == 0) {
      const char *other = aliases[i].other;
      const struct json_member *n = find(g, other, strlen(other));
      return n != NULL ? n : m;
    }
  return m;
}


/* Pushes the table that hangs on the generation at 1, or nothing. */
static int push_slot (lua_State *L, const struct generation *g) {
  if (g->slot == SLOT_EMPTY)
    return 0;
  compat_getslot(L, 1);
  return 1;
}


/* Pushes the generation's own table, made now if there is none. */
static void push_own_slot (lua_State *L, struct generation *g) {
  if (g->slot == SLOT_OWN) {
    compat_getslot(L, 1);
    return;
  }
  lua_newtable(L);
  if (push_slot(L, g)) {
    lua_rawgeti(L, -1, 1);
    lua_rawseti(L, -3, 1);
    lua_pop(L, 1);
  }
  lua_pushvalue(L, -1);
  compat_setslot(L, 1);
  g->slot = SLOT_OWN;
}


/* Pushes a nested value: the one made before under the name at index 2, or a
** new one, which is kept. */
static void push_nested (lua_State *L, struct generation *g,
                         const struct json_member *m) {
  push_own_slot(L, g);
  lua_pushvalue(L, 2);
  lua_rawget(L, -2);
  if (!lua_isnil(L, -1))
    return;
  lua_pop(L, 1);
  value_push(L, text_of(g) + m->value, m->value_length, NULLS_LEFT_OUT);
  lua_pushvalue(L, 2);
  lua_pushvalue(L, -2);
  lua_rawset(L, -4);
}


/* Pushes what member 'm' (NULL: none) reads as. The generation is at 1, the
** name at 2. */
static void push_member (lua_State *L, struct generation *g,
                         const struct json_member *m) {
  const char *value;
  if (m == NULL) {
    lua_pushnil(L);
    return;
  }
  value = text_of(g) + m->value;
  if (*value == '{' || *value == '[')
    push_nested(L, g, m);
  else
    value_push(L, value, m->value_length, NULLS_LEFT_OUT);
}


/* One of PLACES for a string: hardly a field has that of a method, and no two
** values of status have the same. */
static unsigned place_of (const char *text, size_t length) {
  return (unsigned)(8 * length + (unsigned char)*text) % PLACES;
}


/* Pushes the string 'text', which is short. Values like those of status come
** again and again, and to intern one takes longer than to find it here: it is
** in the table of strings, upvalue 3, at its place. */
static void push_short (lua_State *L, struct type_cache *cache,
                        const char *text, size_t length) {
  unsigned place = place_of(text, length);
  struct recent *r = &cache->recent[place];
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


/* generation.name: a method, or else a member. The VM calls it with just the
** two. Upvalues: the methods, the type's cache, the table of strings. */
static int generation_index (lua_State *L) {
  struct type_cache *cache = (struct type_cache *)lua_touserdata(
    L, lua_upvalueindex(2));
  struct generation *g;
  const struct json_member *m;
  const char *name, *value;
  size_t length;
  if (!lua_getmetatable(L, 1) || lua_topointer(L, -1) != cache->metatable)
    return luaL_error(L, "not a generation");
  if (lua_type(L, 2) != LUA_TSTRING)
    return 0;
  name = lua_tolstring(L, 2, &length);
  if ((cache->methods >> place_of(name, length) & 1) != 0) {
    lua_pushvalue(L, 2);
    lua_rawget(L, lua_upvalueindex(1));
    if (!lua_isnil(L, -1))
      return 1;
  }
  g = (struct generation *)lua_touserdata(L, 1);
  m = lookup(g, name, length);
  value = m == NULL ? NULL : text_of(g) + m->value;
  if (value != NULL && *value == '"' && m->value_length - 2 <= SHORT
      && memchr(value, '\\', m->value_length) == NULL)
    push_short(L, cache, value + 1, m->value_length - 2);
  else
    push_member(L, g, m);
  return 1;
}


/* core.add_method(name, function): upvalues as above. */
static int add_method (lua_State *L) {
  struct type_cache *cache = (struct type_cache *)lua_touserdata(
    L, lua_upvalueindex(2));
  size_t length;
  const char *name = luaL_checklstring(L, 1, &length);
  luaL_checktype(L, 2, LUA_TFUNCTION);
  lua_settop(L, 2);
  lua_rawset(L, lua_upvalueindex(1));
  cache->methods |= (uint64_t)1 << place_of(name, length);
  return 0;
}


static int generation_newindex (lua_State *L) {
  return luaL_error(L,
                    "a generation cannot be changed: it is what the "
                    "service sent; decode() gives a table that can");
}


/* generation:get(name): a member, whatever its name. */
static int generation_get (lua_State *L) {
  struct generation *g = check_generation(L, "get(name)");
  size_t length;
  const char *name = check_name(L, &length);
  lua_settop(L, 2);
  push_member(L, g, lookup(g, name, length));
  return 1;
}


/* generation:has(name): whether the member was sent, if only as null. */
static int generation_has (lua_State *L) {
  const struct generation *g = check_generation(L, "has(name)");
  size_t length;
  const char *name = check_name(L, &length);
  lua_pushboolean(L, lookup(g, name, length) != NULL);
  return 1;
}


/* generation:json(): the bytes the service sent. */
static int generation_json (lua_State *L) {
  const struct generation *g = check_generation(L, "json()");
  lua_pushlstring(L, text_of(g), g->length);
  return 1;
}


/* generation:decode(): a new plain table. */
static int generation_decode (lua_State *L) {
  const struct generation *g = check_generation(L, "decode()");
  value_push(L, text_of(g), g->length, NULLS_KEPT);
  return 1;
}


static void push_key (lua_State *L, const struct generation *g,
                      const struct json_member *m) {
  value_push_string(L, text_of(g) + m->key, m->key_length & ~JSON_KEY_ESCAPED,
                    (m->key_length & JSON_KEY_ESCAPED) != 0);
}


/* Whether a later member has the same name: then only that one counts. */
static int is_repeated (const struct generation *g, const struct json_member *m,
                        lua_State *L, int key) {
  size_t length;
  const char *name = lua_tolstring(L, key, &length);
  return find(g, name, length) != m;
}


/* The iterator of fields(): upvalue 1 is the generation, 2 the next member's
** number. */
static int next_field (lua_State *L) {
  struct generation *g;
  uint32_t i = (uint32_t)lua_tonumber(L, lua_upvalueindex(2));
  lua_settop(L, 0);
  lua_pushvalue(L, lua_upvalueindex(1));
  g = known_generation(L);
  for (; i < g->count; i++) {
    const struct json_member *m = &g->members[i];
    lua_settop(L, 1);
    push_key(L, g, m);
    if (is_repeated(g, m, L, 2))
      continue;
    lua_pushnumber(L, (lua_Number)i + 1);
    lua_replace(L, lua_upvalueindex(2));
    push_member(L, g, m);
    lua_pushvalue(L, 2);
    lua_insert(L, -2);
    return 2;
  }
  lua_pushnumber(L, (lua_Number)g->count);
  lua_replace(L, lua_upvalueindex(2));
  return 0;
}


/* generation:fields(): for name, value in … Every member once, in the order
** sent; a null one with nil. */
static int generation_fields (lua_State *L) {
  check_generation(L, "fields()");
  lua_settop(L, 1);
  lua_pushnumber(L, 0);
  lua_pushcclosure(L, next_field, 2);
  return 1;
}


static int generation_eq (lua_State *L) {
  const struct generation *a = to_generation(L, 1);
  const struct generation *b = to_generation(L, 2);
  lua_pushboolean(L, a != NULL && b != NULL && a->length == b->length
                       && memcmp(text_of(a), text_of(b), a->length) == 0);
  return 1;
}


/* Appends " value" of a string member to the string at the top, as it was
** sent: where it has control characters, they are escapes. */
static void append_member (lua_State *L, const struct generation *g,
                           const char *name) {
  const struct json_member *m = lookup(g, name, strlen(name));
  if (m == NULL || text_of(g)[m->value] != '"')
    return;
  lua_pushliteral(L, " ");
  lua_pushlstring(L, text_of(g) + m->value + 1, m->value_length - 2u);
  lua_concat(L, 3);
}


static int generation_tostring (lua_State *L) {
  const struct generation *g = known_generation(L);
  lua_pushliteral(L, "Generation");
  append_member(L, g, "id");
  append_member(L, g, "status");
  append_member(L, g, "errorCode");
  return 1;
}


/* ---- From outside ---- */

/* The bytes before the text. */
static size_t head_size (const struct element *e) {
  return offsetof(struct generation, members)
         + e->count * sizeof(struct json_member);
}


void *generation_alloc (lua_State *L, const struct element *e) {
  return compat_newuserdata(L, head_size(e) + e->length);
}


void generation_init (lua_State *L, void *room, const struct element *e,
                      int metatable, int shared) {
  struct generation *g = (struct generation *)room;
  g->length = (uint32_t)e->length;
  g->count = e->count;
  g->slot = SLOT_EMPTY;
  memcpy(g->members, e->members, e->count * sizeof(struct json_member));
  memcpy((char *)g + head_size(e), e->text, e->length);
  lua_pushvalue(L, metatable);
  lua_setmetatable(L, -2);
  if (shared != 0) {
    lua_pushvalue(L, shared);
    compat_setslot(L, -2);
    g->slot = SLOT_SHARED;
  }
}


/* A scanner that the collector closes: making the generation may raise. */
static int scanner_gc (lua_State *L) {
  json_close((struct json_scanner *)lua_touserdata(L, 1));
  return 0;
}


static struct json_scanner *push_scanner (lua_State *L) {
  static const struct json_limits limits = {0x7fffffffu, JSON_DEPTH_MAX,
                                            JSON_MEMBERS_MAX};
  struct json_scanner *s = (struct json_scanner *)lua_newuserdata(L,
                                                                  sizeof(*s));
  json_open(s, JSON_SINGLE, &limits);
  lua_createtable(L, 0, 1);
  lua_pushcfunction(L, scanner_gc);
  lua_setfield(L, -2, "__gc");
  lua_setmetatable(L, -2);
  return s;
}


/* Scans 'text' whole. On JSON_END, 'e' is the one object it holds. */
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


int generation_new (lua_State *L) {
  size_t length;
  const char *text = luaL_checklstring(L, 1, &length);
  int owned;
  struct json_scanner *s;
  struct element e;
  enum json_status status;
  lua_settop(L, 2);
  owned = !lua_isnil(L, 2);
  luaL_getmetatable(L, GENERATION_TYPE); /* at 3 */
  s = push_scanner(L);                   /* at 4 */
  status = scan(s, text, length, &e);
  if (status != JSON_END || !element_has_id(&e)) {
    if (status == JSON_END)
      error_push(L, "no_id");
    else
      error_push_json(L, s, status, "object");
    error_set_string(L, "type", "Generation");
    return 2;
  }
  if (owned) {
    lua_createtable(L, 1, 0);
    lua_pushvalue(L, 2);
    lua_rawseti(L, -2, 1); /* the shared table, at 5 */
  }
  generation_init(L, generation_alloc(L, &e), &e, 3, owned ? 5 : 0);
  json_close(s);
  return 1;
}


int generation_is (lua_State *L) {
  lua_pushboolean(L, to_generation(L, 1) != NULL);
  return 1;
}


int generation_owner (lua_State *L) {
  const struct generation *g = known_generation(L);
  if (!push_slot(L, g))
    return 0;
  lua_rawgeti(L, -1, 1);
  return 1;
}


static const luaL_Reg methods[] = {
  {"get", generation_get},       {"has", generation_has},
  {"json", generation_json},     {"decode", generation_decode},
  {"fields", generation_fields}, {NULL, NULL},
};


static const luaL_Reg metamethods[] = {
  {"__newindex", generation_newindex},
  {"__eq", generation_eq},
  {"__pairs", generation_fields},
  {"__tostring", generation_tostring},
  {NULL, NULL},
};


/* Pushes the cache of the type whose metatable is at 'i'. */
static void push_face (lua_State *L, int i) {
  struct type_cache *cache = (struct type_cache *)lua_newuserdata(
    L, sizeof(*cache));
  cache->metatable = lua_topointer(L, i);
  cache->methods = 0;
  memset(cache->recent, 0xFF, sizeof(cache->recent));
}


/* Adds 'methods' by the add_method at the top. */
static void add_methods (lua_State *L) {
  const luaL_Reg *method;
  for (method = methods; method->name != NULL; method++) {
    lua_pushvalue(L, -1);
    lua_pushstring(L, method->name);
    lua_pushcfunction(L, method->func);
    lua_call(L, 2, 0);
  }
}


void generation_register (lua_State *L) {
  int i = lua_gettop(L) + 1;
  luaL_newmetatable(L, GENERATION_TYPE); /* at i */
  luaL_setfuncs(L, metamethods, 0);
  lua_pushliteral(L, "Generation"); /* what getmetatable shows */
  lua_setfield(L, i, "__metatable");
  lua_newtable(L); /* the methods, at i + 1 */
  push_face(L, i); /* at i + 2 */
  lua_pushvalue(L, i + 1);
  lua_pushvalue(L, i + 2);
  lua_createtable(L, PLACES, 0); /* the strings */
  lua_pushcclosure(L, generation_index, 3);
  lua_setfield(L, i, "__index");
  lua_pushcclosure(L, add_method, 2);
  add_methods(L);
  lua_replace(L, i);
}
