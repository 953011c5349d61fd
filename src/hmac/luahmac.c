/* SPDX-License-Identifier: MIT
**
** luahmac: lipsync.hmac, which webhooks are verified by: HMAC-SHA-256 and a
** comparison in constant time, both libcrypto's. It is a library of its own, so
** that only what verifies a webhook loads libcrypto; it knows no other file of
** the client.
*/

#include <limits.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "compat.h"


/* hmac.sha256(key, text): the 32 bytes of the HMAC. */
static int hmac_sha256 (lua_State *L) {
  size_t key_length, length;
  const char *key = luaL_checklstring(L, 1, &key_length);
  const char *text = luaL_checklstring(L, 2, &length);
  unsigned char mac[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  luaL_argcheck(L, key_length > 0 && key_length <= INT_MAX, 1, "not a key");
  if (HMAC(EVP_sha256(), key, (int)key_length, (const unsigned char *)text,
           length, mac, &size)
      == NULL)
    return luaL_error(L, "libcrypto cannot make an HMAC-SHA-256");
  lua_pushlstring(L, (const char *)mac, size);
  return 1;
}


/* hmac.equal(a, b): whether two strings are the same. How long that takes
** depends on their lengths only. */
static int hmac_equal (lua_State *L) {
  size_t a_length, b_length;
  const char *a = luaL_checklstring(L, 1, &a_length);
  const char *b = luaL_checklstring(L, 2, &b_length);
  lua_pushboolean(L,
                  a_length == b_length && CRYPTO_memcmp(a, b, a_length) == 0);
  return 1;
}


static const luaL_Reg functions[] = {
  {"sha256", hmac_sha256},
  {"equal", hmac_equal},
  {NULL, NULL},
};


COMPAT_EXPORT int luaopen_lipsync_hmac (lua_State *L);

COMPAT_EXPORT int luaopen_lipsync_hmac (lua_State *L) {
  luaL_newlib(L, functions);
  return 1;
}
