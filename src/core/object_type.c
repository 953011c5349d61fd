/* SPDX-License-Identifier: MIT
**
** object_type: the types of objects: makes one of Lua's description, and finds
** it by its name or by an object.
*/

#include "object.h"


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


/* The type of the object at index 'i'; NULL for any other value. */
static const struct object_type *type_at (lua_State *L, int i) {
  const struct object_type *t = NULL;
  if (lua_type(L, i) == LUA_TUSERDATA && lua_getmetatable(L, i)) {
    push_types(L);
    lua_insert(L, -2);
    lua_rawget(L, -2);
    t = (const struct object_type *)lua_touserdata(L, -1);
    lua_pop(L, 2);
  }
  return t;
}


struct object *object_to (lua_State *L, int i) {
  return type_at(L, i) == NULL ? NULL : (struct object *)lua_touserdata(L, i);
}


int object_type_of (lua_State *L) {
  const struct object_type *t;
  luaL_checkany(L, 1);
  t = type_at(L, 1);
  lua_pushstring(L, t == NULL ? NULL : t->name);
  return 1;
}


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
      if (t->aliases == OBJECT_ALIASES)
        luaL_error(L, "more than %d aliases", OBJECT_ALIASES);
      read_name(L, -2, &t->alias[t->aliases].name);
      read_name(L, -1, &t->alias[t->aliases++].other);
    }
  lua_pop(L, 1);
}


static void read_shows (lua_State *L, struct type *t) {
  lua_getfield(L, 1, "shows");
  if (lua_istable(L, -1))
    for (; t->shows < OBJECT_SHOWS; t->shows++) {
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
  luaL_setfuncs(L, object_methods, 1);
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
    t->methods |= (uint64_t)1 << object_place(name, length);
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
  luaL_setfuncs(L, object_metamethods, 1);
  lua_pop(L, 1);
  lua_pushstring(L, t.pub.name); /* what getmetatable shows */
  lua_setfield(L, 2, "__metatable");
  lua_pushvalue(L, 3);
  push_methods(L, &t);
  lua_createtable(L, OBJECT_PLACES, 0); /* the strings */
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
