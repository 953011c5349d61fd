/* SPDX-License-Identifier: MIT
**
** sha256: the digest of FIPS 180-4, fed any number of bytes at a time, and the
** HMAC of RFC 2104 that is made of it.
*/

#ifndef lipsync_sha256_h
#define lipsync_sha256_h

#include <stddef.h>
#include <stdint.h>

#define SHA256_SIZE  32
#define SHA256_HEX   65 /* its hexadecimal digits and the NUL */
#define SHA256_BLOCK 64

struct sha256 {
  uint32_t state[8];
  uint64_t length; /* bytes so far */
  uint8_t block[SHA256_BLOCK];
};

void sha256_open (struct sha256 *h);

void sha256_add (struct sha256 *h, const void *data, size_t size);

/* Ends it; 'h' can be opened again. */
void sha256_end (struct sha256 *h, uint8_t out[SHA256_SIZE]);

/* The digest of some bytes. */
void sha256_of (const void *data, size_t size, uint8_t out[SHA256_SIZE]);

/* The HMAC of a text under a key of at most SHA256_BLOCK bytes. */
void sha256_hmac (const void *key, size_t key_size, const char *text,
                  uint8_t out[SHA256_SIZE]);

/* Writes a digest in lower case. */
void sha256_hex (const uint8_t digest[SHA256_SIZE], char out[SHA256_HEX]);

#endif
