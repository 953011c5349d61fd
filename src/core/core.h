/* SPDX-License-Identifier: MIT
**
** core: what the files of lipsync.core share: generation.c holds a Lua type,
** value.c makes Lua values of JSON, core.c puts them into one module.
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

/* ---- generation.c ---- */

/* Makes the type, and leaves a function on the stack that adds a method to it:
** add_method(name, function). */
void generation_register (lua_State *L);

/* As struct capi has them. */
void *generation_alloc (lua_State *L, const struct element *e);
void generation_init (lua_State *L, void *room, const struct element *e,
                      int metatable, int shared);

/* core.generation(text [, owner]), core.is_generation(v), core.owner(g). */
int generation_new (lua_State *L);
int generation_is (lua_State *L);
int generation_owner (lua_State *L);

#endif
