/* SPDX-License-Identifier: MIT
**
** capi: what the C files that know Lua share. They make three modules, each
** a library of its own, so that a program without a client loads no libcurl:
**
**   lipsync.core   objects, errors, values of JSON         core.h
**   lipsync.http   sessions and transfers: all of libcurl  luahttp.h
**   lipsync.file   files that outlive a crash               luafile.c
**
** What all need is compiled into each, because it has no state to share. Only
** the core makes objects. All functions may raise Lua's memory error; until
** they return, a userdata holds their C memory.
*/

#ifndef lipsync_capi_h
#define lipsync_capi_h

#include "compat.h"
#include "element.h"
#include "../version.h"

/* What is in the registry by its name: the metatable of errors; the table of
** types of objects, see object_type.c, which another version cannot read. */
#define ERROR_TYPE   "lipsync.Error"
#define OBJECT_TYPES "lipsync.types " LIPSYNC_VERSION

#define OBJECT_ANY      "Object" /* the type that is always there */
#define OBJECT_NAME_MAX 31

/* A type of objects. It lives as long as the Lua state. */
struct object_type {
  char name[OBJECT_NAME_MAX + 1];
  int has_id; /* each of its objects has a string "id" */
};

/* The C functions that the core offers lipsync.http: a userdata under CAPI in
** the registry. The version comes first: its place must never change. */
#define CAPI "lipsync.capi"

struct capi {
  char version[16];
  size_t element; /* sizeof(struct element), */
  size_t member;  /* of its members, */
  size_t type;    /* and of struct object_type */

  /* Pushes the metatable of the type called 'name'; raises if there is none. */
  const struct object_type *(*push_type)(lua_State *L, const char *name);

  /* Pushes a block for an object of the size of 'e'. Only this may run the
  ** program's finalizers before 'e' is copied. */
  void *(*alloc)(lua_State *L, const struct element *e);

  /* Copies 'e' into the block below the top and pops its metatable from the
  ** top. The table at 'shared' (0: none) holds the owner at [1]. */
  void (*init)(lua_State *L, void *block, const struct element *e, int shared);
};

/* What bytes are written to without a string of Lua's in between: the beginning
** of a file of lipsync.file, by which lipsync.http writes to it. Its name has
** the version, because a file of another build may begin with something else.
*/
#define FILE_TYPE "lipsync.File " LIPSYNC_VERSION

struct sink {
  /* Writes 'n' bytes where the file has come to, and returns how many it took:
  ** fewer after a failure. */
  size_t (*write)(struct sink *s, const char *data, size_t n);

  /* Pushes that failure. */
  void (*push_failure)(lua_State *L, const struct sink *s);
};

/* ---- error.c ---- */

/* Raises what Lua itself raises when memory runs out. */
int error_no_memory (lua_State *L);

/* Makes the type, and leaves its metatable on the stack. */
void error_register (lua_State *L);

/* core.is_error(v). */
int error_is (lua_State *L);

/* Pushes nil and a failure, which is a table with a code, and returns 2. The
** other two set a field of the table at the top. */
int error_push (lua_State *L, const char *code);
void error_set_string (lua_State *L, const char *name, const char *value);
void error_set_number (lua_State *L, const char *name, int64_t value);

/* Adds an errno, 0 for none, to the failure at the top, by number and name. */
void error_set_os_error (lua_State *L, int number);

/* The same for text that is not the JSON 'wanted': a "value", an "object", an
** "array" or "lines". */
int error_push_json (lua_State *L, const struct json_scanner *s,
                     enum json_status status, const char *wanted);

/* ---- type.c ---- */

/* Makes the metatable of a type of userdata, once for a Lua state. The address
** of the name is the type, so it is a static array. The metatable is the first
** upvalue of each method. */
void type_register (lua_State *L, const char *type, const luaL_Reg *methods);

/* Gives the metatable at the top its methods and its name. */
void type_fill (lua_State *L, const char *type, const luaL_Reg *methods);

/* Gives the userdata at the top its metatable. */
void type_set (lua_State *L, const char *type);

/* The userdata of a type at 'i'; raises for another value. */
void *type_check (lua_State *L, int i, const char *type);

/* The same for a method's own userdata, at 1, without looking up the name. */
void *type_self (lua_State *L, const char *type);

/* The same for a finalizer: NULL for another value. A program may give a table
** the metatable, and nobody can handle what a finalizer raises. */
void *type_self_or_null (lua_State *L);

#endif
