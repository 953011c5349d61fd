/* SPDX-License-Identifier: MIT
**
** capi: what the files that show C to Lua share. They make two modules,
** each a library of its own, so that who makes no client loads no libcurl:
**
**   lipsync.core   generations, errors, values of JSON     core.h
**   lipsync.http   sessions and transfers: all of libcurl  luahttp.h
**
** What both need is in both: it has no state that they would have to share.
** Only generations are made by one, the core, for both. All of it may raise
** Lua's memory error; what holds C memory meanwhile hangs on a userdata.
*/

#ifndef lipsync_capi_h
#define lipsync_capi_h

#include "compat.h"
#include "element.h"

#define LIPSYNC_VERSION "0.1.0"

/* The types, by the names of their metatables in the registry. */
#define SESSION_TYPE    "lipsync.Session"
#define TRANSFER_TYPE   "lipsync.Transfer"
#define GENERATION_TYPE "lipsync.Generation"
#define ERROR_TYPE      "lipsync.Error"

/* The C functions that the core offers lipsync.http: a userdata under CAPI in
** the registry. The version comes first, so that it can be read whatever the
** rest has become. */
#define CAPI "lipsync.capi"

struct capi {
  char version[16];
  size_t element; /* sizeof(struct element), */
  size_t member;  /* and of its members */

  /* Pushes room for a generation of the size of 'e': this alone may collect,
  ** and so run finalizers of the program's before 'e' is copied. */
  void *(*alloc)(lua_State *L, const struct element *e);

  /* Makes the room at the top a generation, by a copy of 'e'. The metatable is
  ** at index 'metatable'; the table at 'shared' (0: none) holds its owner at
  ** [1]. */
  void (*init)(lua_State *L, void *room, const struct element *e, int metatable,
               int shared);
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

/* The same for text that is not the JSON 'wanted': a "value", an "object", an
** "array" or "lines". */
int error_push_json (lua_State *L, const struct json_scanner *s,
                     enum json_status status, const char *wanted);

/* ---- pin.c ---- */

/* Keeps this module in memory, whatever becomes of its Lua state. */
void pin_module (void);

#endif
