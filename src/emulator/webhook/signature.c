/* SPDX-License-Identifier: MIT
**
** signature: see signature.h.
*/

#include "signature.h"
#include "../../digest/sha256.h"
#include "../store/text.h"

#include <string.h>

#define LATE 3600 /* seconds */

/* Writes the HMAC of "<time>.<body>". A key that is longer than a block is
** replaced by its digest, as RFC 2104 has it. */
static void sign (const char *secret, int64_t time, const char *body,
                  char out[SHA256_HEX]) {
  uint8_t digest[SHA256_SIZE];
  const void *key = secret;
  size_t size = strlen(secret);
  char *text = sqlite3_mprintf("%lld.%s", (long long)time, body);
  if (size > SHA256_BLOCK) {
    sha256_of(secret, size, digest);
    key = digest;
    size = sizeof(digest);
  }
  sha256_hmac(key, size, text != NULL ? text : "", digest);
  sha256_hex(digest, out);
  sqlite3_free(text);
}

char *signature_lines (const struct settings *settings, const char *secret,
                       const char *body, int64_t now) {
  const int64_t how = settings->webhook_signature;
  const int64_t time = how == SIGNED_LATE ? now - LATE : now;
  char digest[SHA256_HEX];
  sqlite3_str *lines = sqlite3_str_new(NULL);
  int i, times = how == SIGNED_NOT ? 0 : how == SIGNED_DOUBLED ? 2 : 1;
  sign(secret, time, body, digest);
  if (how == SIGNED_WRONG)
    *digest = *digest == '0' ? '1' : '0';
  for (i = 0; i < times; i++)
    sqlite3_str_appendf(lines, "%s: t=%lld,v1=%s\n",
                        settings->webhook_old_header ? "X-Signature-Primary"
                                                     : "Sync-Signature",
                        (long long)time, digest);
  return text_finish(lines, NULL);
}
