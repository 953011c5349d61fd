/* SPDX-License-Identifier: MIT
**
** plain_json: a second copy of the scanner under other names, without SIMD
** and with its memory from hook.h, so that one program tests both ways of
** skipping strings against each other, and what happens without memory.
*/

#ifndef lipsync_plain_json_h
#define lipsync_plain_json_h

#include "../../src/core/json.h"
#include "hook.h"

#define json_open       plain_open
#define json_lend       plain_lend
#define json_feed       plain_feed
#define json_keep       plain_keep
#define json_finish     plain_finish
#define json_error_text plain_error_text
#define json_found_text plain_found_text
#define json_close      plain_close
#define realloc         hook_realloc
#ifndef JSON_NO_SIMD
#define JSON_NO_SIMD
#endif

void plain_open (struct json_scanner *s, enum json_shape shape,
                 const struct json_limits *limits);
void plain_lend (struct json_scanner *s, struct json_member *room, unsigned n);
enum json_status plain_feed (struct json_scanner *s, const char *data,
                             size_t length, size_t *used);
uint64_t plain_keep (const struct json_scanner *s);
enum json_status plain_finish (struct json_scanner *s);
const char *plain_error_text (const struct json_scanner *s);
const char *plain_found_text (const struct json_scanner *s);
void plain_close (struct json_scanner *s);

#include "../../src/core/json.c"

#undef json_open
#undef json_lend
#undef json_feed
#undef json_keep
#undef json_finish
#undef json_error_text
#undef json_found_text
#undef json_close
#undef realloc

#endif
