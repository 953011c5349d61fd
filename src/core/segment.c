/* SPDX-License-Identifier: MIT
**
** segment: an id as exactly one segment of a path. It may come from outside, so
** one that cannot be sent is reported, not raised.
*/

#include "core.h"
#include "json_bytes.h"


/* The characters that stand for themselves (RFC 3986), in any locale. */
static int is_unreserved (char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_digit(c)
         || c == '-' || c == '.' || c == '_' || c == '~';
}


/* Whether it is one as it is, as nearly all are. */
static int is_ready_made (const char *id, size_t length) {
  size_t i = 0;
  while (i < length && is_unreserved(id[i]))
    i++;
  return i == length && length > 0 && *id != '.';
}


static int has_control (const char *p, const char *end) {
  while (p < end && (unsigned char)*p >= ' ' && *p != '\177')
    p++;
  return p < end;
}


static int is_utf8 (const char *p, const char *end) {
  unsigned n = 1;
  for (; p < end && n > 0; p += n)
    n = (unsigned char)*p < 0x80 ? 1 : utf8_length_before(p, end);
  return n > 0;
}


/* Why it cannot be a segment, or NULL. Servers and proxies resolve those of
** dots; an id from JSON is always UTF-8. */
static const char *problem_of (const char *id, size_t length) {
  const char *end = id + length;
  if (length == 0)
    return "the id is empty";
  if (length == 1 && *id == '.')
    return "the id cannot be \".\"";
  if (length == 2 && id[0] == '.' && id[1] == '.')
    return "the id cannot be \"..\"";
  if (has_control(id, end))
    return "the id has a control character";
  return is_utf8(id, end) ? NULL : "the id is not UTF-8";
}


static void push_encoded (lua_State *L, const char *p, const char *end) {
  static const char digits[] = "0123456789ABCDEF";
  luaL_Buffer b;
  luaL_buffinit(L, &b);
  for (; p < end; p++)
    if (is_unreserved(*p))
      luaL_addchar(&b, *p);
    else {
      luaL_addchar(&b, '%');
      luaL_addchar(&b, digits[(unsigned char)*p >> 4]);
      luaL_addchar(&b, digits[(unsigned char)*p & 15]);
    }
  luaL_pushresult(&b);
}


int segment_make (lua_State *L) {
  size_t length;
  const char *id = luaL_checklstring(L, 1, &length);
  const char *problem;
  if (is_ready_made(id, length)) {
    lua_settop(L, 1);
    return 1;
  }
  problem = problem_of(id, length);
  if (problem != NULL) {
    lua_pushnil(L);
    lua_pushstring(L, problem);
    return 2;
  }
  push_encoded(L, id, id + length);
  return 1;
}
