/* SPDX-License-Identifier: MIT
**
** luahttp: what the files of lipsync.http share. luasession.c, luatransfer.c
** and luabody.c hold one Lua type each, luastart.c makes transfers, luanudge.c
** has the collector find those that were abandoned, failure.c has the codes of
** what fails, luafield.c reads tables, luahttp.c puts them into one module.
*/

#ifndef lipsync_luahttp_h
#define lipsync_luahttp_h

#include "capi.h"
#include "response.h"

/* ---- luahttp.c ---- */

/* What the core lends, of the core that this module was loaded with. Pushes
** what keeps it. */
const struct capi *luahttp_push_core (lua_State *L);

/* ---- luafield.c ---- */

/* The value at 'index' as a string for C; NULL for any other value. */
const char *whole_string (lua_State *L, int index);

/* The table of headers ("name" = "value") at 'index' (positive) as an array, of
** which NULL has none. Pushes what keeps it. */
const struct http_header *read_headers (lua_State *L, int index, size_t *count);

/* Fields of the table at index 'table' (positive). A string lives as long as
** the table; where it is nil, NULL. */
const char *field_string (lua_State *L, int table, const char *name);
int field_boolean (lua_State *L, int table, const char *name);
double field_number (lua_State *L, int table, const char *name,
                     double otherwise);

uint64_t field_count (lua_State *L, int table, const char *name,
                      uint64_t otherwise);

/* The field 'name', an array of strings, of which NULL has none. Pushes what
** keeps it. */
const char *const *field_strings (lua_State *L, int table, const char *name,
                                  size_t *count);

/* ---- failure.c ---- */

/* Each pushes nil and a failure and returns 2: for what went wrong with a
** response, whose objects are of a 'type', for what cannot be sent, for a
** closed session. */
int failure_push (lua_State *L, struct response *a, const char *type);
int failure_push_refusal (lua_State *L, enum http_refusal refusal);
int failure_push_closed (lua_State *L);

/* ---- luabody.c ---- */

void luabody_register (lua_State *L);

/* http.body(spec): a body, or nil and a failure, whose index is that of a part.
** The spec is { bytes } or { file or fd, offset, length }, or an array of such
** parts with a boundary, where each has a name, and perhaps a filename and a
** type. */
int luabody_new (lua_State *L);

/* The body at 'i', which is open. */
struct body *luabody_check (lua_State *L, int i);

/* http.stamp(path): a text that changes when the file does, or nil and a
** failure. */
int luabody_stamp (lua_State *L);

/* ---- luasession.c ---- */

void session_register (lua_State *L);

/* http.session(config): a session, or nil and a failure. */
int session_new (lua_State *L);

/* ---- luanudge.c ---- */

/* How much there may be before a new transfer has the collector look for
** abandoned ones; how many steps of it on end were collections; whether it has
** collected anything since its last cycle, and how many were started since. */
struct nudge {
  size_t transfers, bytes;
  unsigned collected;
  int has_seen;
  size_t young;
};

void nudge_init (struct nudge *nudge);

/* Before a transfer is started on 'http', which becomes NULL if a finalizer
** closes it. The session is at 1; at [1] its table has what this drops. */
void nudge_collector (lua_State *L, struct http_session *const *http,
                      struct nudge *nudge);

/* ---- luastart.c ---- */

/* What responses of a session may have, in bytes. */
struct ceilings {
  size_t response; /* one that is read whole */
  size_t object;   /* of a stream */
};

/* Starts a request on 'http', see session_start. Stack: the session at 1, the
** other arguments after it. Pushes what session:start returns. 'http', 'nudge'
** and 'most' are the session's own. The first becomes NULL if a finalizer
** closes it meanwhile. */
int transfer_start (lua_State *L, struct http_session *const *http,
                    struct nudge *nudge, const struct ceilings *most);

/* ---- luatransfer.c ---- */

void transfer_register (lua_State *L);

/* Whether the transfer at 'i' is ready, as its method says; raises for another
** value. */
int transfer_is_ready (lua_State *L, int i);

/* Takes the transfer at 'i' off the queue of http_next_ready. How many there
** were of it, 1 or 0. */
unsigned transfer_tell (lua_State *L, int i);

/* Pushes the transfer that 'user' of http_next_ready stands for, or nil when
** it has been collected. The session is at 1. */
void transfer_push (lua_State *L, void *user);

#endif
