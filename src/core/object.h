/* SPDX-License-Identifier: MIT
**
** object: what only the files of objects see: object.c reads them,
** object_make.c makes them of JSON, object_type.c makes their types. One
** userdata holds the exact JSON text and the places of its members; a field's
** value is made when it is read. What differs between generations, assets and
** so on is in their type, which Lua describes by core.object_type.
*/

#ifndef lipsync_object_h
#define lipsync_object_h

#include "core.h"

/* Each object's user value is a table: at first one that all objects of a
** transfer share, with their owner at [1]. When a nested value is first read,
** the object gets its own, with the owner at [1] and nested values by name. */
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

#define OBJECT_PLACES  64 /* of object_place */
#define OBJECT_SHORT   15 /* bytes of a string that is worth keeping */
#define OBJECT_ALIASES 4
#define OBJECT_SHOWS   4

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
  } alias[OBJECT_ALIASES];        /* what 'name' may be sent as */
  struct name show[OBJECT_SHOWS]; /* what tostring gives */
  const void *metatable;
  uint64_t methods; /* a bit at the place of each method's name */
  struct recent {
    unsigned char length; /* more than OBJECT_SHORT: none */
    char bytes[OBJECT_SHORT];
  } recent[OBJECT_PLACES]; /* the short values that were read last */
};

/* The text of 'o', which is no string of C. */
static inline const char *object_bytes (const struct object *o) {
  return (const char *)(o->members + o->count);
}

/* The member called 'name', or NULL. */
static inline const struct json_member *
object_find (const struct object *o, const char *name, size_t length) {
  return json_find(o->members, o->count, object_bytes(o), name, length);
}

/* The place, one of OBJECT_PLACES, of a string: few fields share a method's,
** and each value of a generation's status has its own. */
static inline unsigned object_place (const char *text, size_t length) {
  return (unsigned)(8 * length + (unsigned char)*text) % OBJECT_PLACES;
}

/* ---- object.c ---- */

/* What every type has. The first upvalue of each is the type; for object_index,
** which is __index, the type's methods and a table for strings follow. */
extern const luaL_Reg object_methods[];
extern const luaL_Reg object_metamethods[];
int object_index (lua_State *L);

/* ---- object_type.c ---- */

/* The object at index 'i', or NULL. */
struct object *object_to (lua_State *L, int i);

#endif
