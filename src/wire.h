/* SPDX-License-Identifier: MIT
**
** wire: what the files of lipsync.wire share: session.c and transfer.c hold
** one Lua type each, fault.c has the words for what fails, field.c reads
** tables, wire.c puts them into one module.
*/

#ifndef lipsync_wire_h
#define lipsync_wire_h

#include "answer.h"
#include "binding.h"

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

/* ---- fault.c ---- */

/* Each pushes nil and a failure and returns 2: for what went wrong with an
** answer, for a request that cannot be sent, for a closed session. */
int fault_push (lua_State *L, struct answer *a);
int fault_push_refusal (lua_State *L, enum http_refusal refusal);
int fault_push_closed (lua_State *L);

/* The phrase for a refusal, and the option it is about (or NULL). */
const char *fault_refusal_text (enum http_refusal refusal, const char **field);

/* ---- session.c ---- */

void session_register (lua_State *L);

/* wire.session(config): a session, or nil, a phrase and an option's name. */
int session_new (lua_State *L);

/* ---- transfer.c ---- */

/* Makes the type. The loan is at index 'loan'. */
void transfer_register (lua_State *L, int loan);

#define TRANSFER_ALLOWED 64

/* Starts a request on 'http'. Stack: the session at 1, the request's table at
** 2. Pushes a transfer, or nil and a failure. 'http' and 'allowed' are the
** session's own. The first becomes NULL if a finalizer closes it meanwhile; the
** second is how many transfers there may be before the collector has to look
** for abandoned ones, TRANSFER_ALLOWED at first. */
int transfer_start (lua_State *L, struct http_session *const *http,
                    size_t *allowed);

/* Pushes the transfer that 'user' of http_next_ready stands for, or nil when
** it has been collected. The session is at 1. */
void transfer_push (lua_State *L, void *user);

#endif
