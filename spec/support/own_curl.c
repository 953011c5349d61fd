/* SPDX-License-Identifier: MIT
**
** own_curl: a program's own use of libcurl, in the process that the client is
** in: what a binding of libcurl for Lua would do.
*/

#include <curl/curl.h>
#include <lualib.h>

#include "compat.h"


static int begin (lua_State *L) {
  lua_pushboolean(L, curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK);
  return 1;
}


static int finish (lua_State *L) {
  (void)L;
  curl_global_cleanup();
  return 0;
}


struct body {
  char bytes[4096];
  size_t length;
};


/* Keeps what fits: the answers that the specs ask for are short. */
static size_t on_body (char *data, size_t one, size_t n, void *arg) {
  struct body *body = (struct body *)arg;
  size_t room = sizeof(body->bytes) - body->length;
  (void)one;
  memcpy(body->bytes + body->length, data, n < room ? n : room);
  body->length += n < room ? n : room;
  return n;
}


/* own_curl.get(url, [ca_file]): the body, or nil and libcurl's words. By an
** easy handle, blocking, with libcurl's defaults. */
static int get (lua_State *L) {
  const char *url = luaL_checkstring(L, 1);
  const char *ca_file = luaL_optstring(L, 2, NULL);
  CURL *easy = curl_easy_init();
  struct body body;
  CURLcode code;
  body.length = 0;
  if (easy == NULL)
    return luaL_error(L, "no handle");
  curl_easy_setopt(easy, CURLOPT_URL, url);
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, &body);
  if (ca_file != NULL)
    curl_easy_setopt(easy, CURLOPT_CAINFO, ca_file);
  code = curl_easy_perform(easy);
  curl_easy_cleanup(easy);
  if (code == CURLE_OK) {
    lua_pushlstring(L, body.bytes, body.length);
    return 1;
  }
  lua_pushnil(L);
  lua_pushstring(L, curl_easy_strerror(code));
  return 2;
}


static const luaL_Reg functions[] = {
  {"begin", begin},
  {"finish", finish},
  {"get", get},
  {NULL, NULL},
};


COMPAT_EXPORT int luaopen_own_curl (lua_State *L);

COMPAT_EXPORT int luaopen_own_curl (lua_State *L) {
  luaL_newlib(L, functions);
  return 1;
}
