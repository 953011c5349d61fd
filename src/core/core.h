/* SPDX-License-Identifier: MIT
**
** core: what the files of lipsync.core share: object.c has the objects of the
** service, object_make.c and object_type.c make them and their types, value.c
** makes Lua values of JSON, encode.c JSON of Lua values, segment.c paths of
** ids, fits.c looks at requests, core.c puts them into one module.
*/

#ifndef lipsync_core_h
#define lipsync_core_h

#include "capi.h"

/* ---- value.c ---- */

/* A null inside a value: left out (except in an array), or null everywhere. */
enum value_nulls { NULLS_LEFT_OUT, NULLS_KEPT };

/* Pushes the Lua value of scanned JSON text; 'nulls' says what null becomes:
** nil or value_push_null's value. */
void value_push (lua_State *L, const char *text, size_t length,
                 enum value_nulls nulls);

/* Pushes the inside of a JSON string. */
void value_push_string (lua_State *L, const char *text, size_t length,
                        int escaped);

/* Pushes the value for null: the same as lua-cjson's. */
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
** 16 MiB), or nil and a message with the path: "input[2].url: invalid UTF-8".
** A table with elements 1 to n is an array. One with names is an object; its
** members are sorted by name, so that a value always gives the same text. An
** empty one is an object unless it has the mark. */
int encode_value (lua_State *L);

/* core.compact(text): JSON text that has passed the scanner, without the white
** space between its tokens. */
int encode_compact (lua_State *L);

/* ---- segment.c ---- */

/* core.segment(id): the id as one percent-encoded segment of a path, or nil and
** why it cannot be one. */
int segment_make (lua_State *L);

/* ---- fits.c ---- */

/* core.fits(value, test): whether the value passes the test: true, as any does;
** the name of a Lua type, as one of that does but the empty string; "https:",
** as a string does that begins so; or a form, as a table without a metatable
** does. The form of an array has the test of its
** elements at [0], of which it must have one. That of a table with names has
** the test of each name, and from [1] on the names that must be there. False of
** a value that may still be right: nothing more is known then. */
int fits (lua_State *L);

/* ---- object.c ---- */

/* The JSON of the object at the top, or NULL where there is none. Makes
** nothing. */
const char *object_text (lua_State *L, size_t *length);

/* core.owner(object). */
int object_owner (lua_State *L);

/* core.member(object, name): the member as it was sent, its JSON text; nil
** where there is none. */
int object_member (lua_State *L);

/* ---- object_make.c ---- */

/* As struct capi has them. */
void *object_alloc (lua_State *L, const struct element *e);
void object_init (lua_State *L, void *block, const struct element *e,
                  int shared);

/* core.object(type, text [, owner]): an object, or nil and a failure. */
int object_new (lua_State *L);

/* core.objects(type, from[, name[, owner]]): an array of the objects in 'from',
** each with its own bytes; nil where that has others, or is no array. 'from' is
** JSON text, or an object, whose member 'name' it is then. */
int object_list (lua_State *L);

/* ---- object_type.c ---- */

/* Makes the table of types, and the type "Object", which any object may be. */
void object_register (lua_State *L);

/* As struct capi has it. */
const struct object_type *object_push_type (lua_State *L, const char *name);

/* core.object_type { name, aliases = { read as = sent as }, shows = { members
** that tostring gives }, has_id, methods }: makes a type, or replaces the
** description of the one with that name. */
int object_type (lua_State *L);

/* core.type_of(v): the name of an object's type; nil for any other value. */
int object_type_of (lua_State *L);

#endif
