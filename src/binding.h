/* SPDX-License-Identifier: MIT
**
** binding: what the files that show C to Lua share: session.c, transfer.c,
** generation.c and error.c hold one Lua type each, value.c makes Lua values
** of JSON, field.c reads tables, core.c puts them into one module. All of it
** may raise Lua's memory error; what holds C memory meanwhile hangs on a
** userdata.
*/

#ifndef lipsync_binding_h
#define lipsync_binding_h

#include "answer.h"
#include "compat.h"

#define LIPSYNC_VERSION  "0.1.0"

#define SESSION_TYPE     "lipsync.Session"
#define TRANSFER_TYPE    "lipsync.Transfer"
#define GENERATION_TYPE  "lipsync.Generation"
#define ERROR_TYPE       "lipsync.Error"

/* ---- field.c ---- */

/* Fields of the table at index 'table' (positive). A string lives as long as
** the table; where it is nil, NULL. */
const char *field_string (lua_State *L, int table, const char *name);
int field_boolean (lua_State *L, int table, const char *name);
double field_number (lua_State *L, int table, const char *name,
                     double otherwise);

/* The field "headers" ("name" = "value") as an array, of which NULL has none.
** Pushes what keeps it. */
const struct http_header *field_headers (lua_State *L, int table,
                                         size_t *count);

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

/* Pushes a generation made of a copy of 'e'. The metatable is at index
** 'metatable'; the table at 'family' (0: none) holds its owner at [1]. */
void generation_push (lua_State *L, const struct element *e, int metatable,
                      int family);

/* core.generation(text [, owner]), core.is_generation(v), core.owner(g). */
int generation_new (lua_State *L);
int generation_is (lua_State *L);
int generation_owner (lua_State *L);

/* ---- error.c ---- */

/* Raises what Lua itself raises when memory runs out. */
int error_no_memory (lua_State *L);

/* Makes the type, and leaves its metatable on the stack. */
void error_register (lua_State *L);

/* core.is_error(v). */
int error_is (lua_State *L);

/* Each pushes nil and a failure and returns 2: for what went wrong with an
** answer, for text that is not 'wanted', for a phrase about an answer's
** shape, for a request that cannot be sent, for a closed session. */
int error_push_fault (lua_State *L, struct answer *a);
int error_push_json (lua_State *L, const struct json_scanner *s,
                     enum json_status status, const char *wanted);
int error_push_shape (lua_State *L, const char *phrase);
int error_push_refusal (lua_State *L, enum http_refusal refusal);
int error_push_closed (lua_State *L);

/* The phrase for a refusal, and the option it is about (or NULL). */
const char *error_refusal_text (enum http_refusal refusal,
                                const char **field);

/* ---- session.c, transfer.c ---- */

void session_register (lua_State *L);

/* core.session(config): a session, or nil, a phrase and an option's name. */
int session_new (lua_State *L);

void transfer_register (lua_State *L);

/* Starts a request on 'http'. Stack: the session at 1, the request's table at
** 2. Pushes a transfer, or nil and a failure. */
int transfer_start (lua_State *L, struct http_session *http);

/* Pushes the transfer that 'user' of http_next_ready stands for, or nil when
** it has been collected. The session is at 1. */
void transfer_push (lua_State *L, void *user);

#endif
