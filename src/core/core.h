/* SPDX-License-Identifier: MIT
**
** core: what the files of lipsync.core share: generation.c holds a Lua type,
** value.c makes Lua values of JSON, encode.c JSON of Lua values, core.c puts
** them into one module.
*/

#ifndef lipsync_core_h
#define lipsync_core_h

#include "capi.h"

/* ---- value.c ---- */

/* What a null inside a value becomes: left out (an array's element is
** null all the same), or null everywhere. */
enum value_nulls { NULLS_LEFT_OUT, NULLS_KEPT };

/* Pushes the Lua value of JSON text that has passed the scanner; null is nil
** or value_push_null's, as 'nulls' has it. */
void value_push (lua_State *L, const char *text, size_t length,
                 enum value_nulls nulls);

/* Pushes the inside of a JSON string. */
void value_push_string (lua_State *L, const char *text, size_t length,
                        int escaped);

/* Pushes what stands for null: the same value that lua-cjson uses. */
void value_push_null (lua_State *L);

/* core.decode(text): the value, or nil and a failure. */
int value_decode (lua_State *L);

/* The metatable that marks a table as an array, for encode.c; by its name in
** the registry. An empty array has it when it was decoded. */
#define ARRAY_TYPE "lipsync.Array"

/* Makes that metatable. */
void value_register (lua_State *L);

/* core.array(t): marks 't' and returns it. One with another metatable is
** refused. */
int value_array (lua_State *L);

/* ---- encode.c ---- */

/* Makes the type of what encode_value holds. */
void encode_register (lua_State *L);

/* core.encode(value [, ceiling]): JSON text of at most 'ceiling' bytes (default
** 16 MiB), or nil and what is wrong, after the path to where it is, if it is at
** one place: "input[2].url: invalid UTF-8".
** A table with elements 1 to n is an array. One with names is an object, its
** members sorted by the bytes of the names, so that one value always gives the
** same text. An empty one is an object unless it has the mark. */
int encode_value (lua_State *L);

/* core.compact(text): JSON text that has passed the scanner, without the white
** space between its tokens. */
int encode_compact (lua_State *L);

/* ---- generation.c ---- */

/* Makes the type, and leaves a function on the stack that adds a method to it:
** add_method(name, function). */
void generation_register (lua_State *L);

/* The JSON of the generation at 'i', or NULL where there is none. */
const char *generation_text (lua_State *L, int i, size_t *length);

/* As struct capi has them. */
void *generation_alloc (lua_State *L, const struct element *e);
void generation_init (lua_State *L, void *room, const struct element *e,
                      int metatable, int shared);

/* core.generation(text [, owner]), core.is_generation(v), core.owner(g). */
int generation_new (lua_State *L);
int generation_is (lua_State *L);
int generation_owner (lua_State *L);

#endif
