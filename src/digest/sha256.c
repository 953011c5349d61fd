/* SPDX-License-Identifier: MIT
**
** sha256: see sha256.h.
*/

#include "sha256.h"

#include <string.h>

#define ROUNDS 64
#define WORDS  8

/* The first 32 bits of the fractions of the cube roots of the first primes. */
static const uint32_t constants[ROUNDS] = {
  0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1,
  0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3,
  0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786,
  0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
  0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147,
  0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13,
  0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b,
  0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
  0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a,
  0x5b9cca4f, 0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208,
  0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

/* The same of square roots. */
static const uint32_t beginning[WORDS] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372,
                                          0xa54ff53a, 0x510e527f, 0x9b05688c,
                                          0x1f83d9ab, 0x5be0cd19};

/* ---- The digest ---- */

void sha256_open (struct sha256 *h) {
  memcpy(h->state, beginning, sizeof(beginning));
  h->length = 0;
}

static uint32_t rotate (uint32_t x, int by) {
  return x >> by | x << (32 - by);
}

/* The words of a block, and those that follow from them. */
static void expand (const uint8_t *block, uint32_t w[ROUNDS]) {
  int i;
  for (i = 0; i < 16; i++, block += 4)
    w[i] = (uint32_t)block[0] << 24 | (uint32_t)block[1] << 16
           | (uint32_t)block[2] << 8 | block[3];
  for (; i < ROUNDS; i++) {
    uint32_t a = w[i - 15], b = w[i - 2];
    w[i] = w[i - 16] + w[i - 7] + (rotate(a, 7) ^ rotate(a, 18) ^ a >> 3)
           + (rotate(b, 17) ^ rotate(b, 19) ^ b >> 10);
  }
}

/* One round. The caller rotates the names of the words instead of the words,
** which is three times as fast. */
#define ROUND(a, b, c, d, e, f, g, h, i)                                       \
  do {                                                                         \
    h += (rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)) + ((e & f) ^ (~e & g)) \
         + constants[i] + w[i];                                                \
    d += h;                                                                    \
    h += (rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22))                        \
         + ((a & b) ^ (a & c) ^ (b & c));                                      \
  } while (0)

static void add_block (struct sha256 *x, const uint8_t *block) {
  uint32_t w[ROUNDS], *s = x->state;
  uint32_t a = s[0], b = s[1], c = s[2], d = s[3];
  uint32_t e = s[4], f = s[5], g = s[6], h = s[7];
  int i;
  expand(block, w);
  for (i = 0; i < ROUNDS; i += WORDS) {
    ROUND(a, b, c, d, e, f, g, h, i);
    ROUND(h, a, b, c, d, e, f, g, i + 1);
    ROUND(g, h, a, b, c, d, e, f, i + 2);
    ROUND(f, g, h, a, b, c, d, e, i + 3);
    ROUND(e, f, g, h, a, b, c, d, i + 4);
    ROUND(d, e, f, g, h, a, b, c, i + 5);
    ROUND(c, d, e, f, g, h, a, b, i + 6);
    ROUND(b, c, d, e, f, g, h, a, i + 7);
  }
  s[0] += a, s[1] += b, s[2] += c, s[3] += d;
  s[4] += e, s[5] += f, s[6] += g, s[7] += h;
}

void sha256_add (struct sha256 *h, const void *data, size_t size) {
  const uint8_t *at = data;
  while (size > 0) {
    size_t used = (size_t)(h->length % SHA256_BLOCK);
    size_t n = SHA256_BLOCK - used < size ? SHA256_BLOCK - used : size;
    if (n < SHA256_BLOCK)
      memcpy(h->block + used, at, n);
    if (used + n == SHA256_BLOCK)
      add_block(h, n < SHA256_BLOCK ? h->block : at);
    h->length += n;
    at += n;
    size -= n;
  }
}

void sha256_end (struct sha256 *h, uint8_t out[SHA256_SIZE]) {
  static const uint8_t padding[SHA256_BLOCK] = {0x80};
  uint64_t bits = h->length * 8;
  size_t used = (size_t)(h->length % SHA256_BLOCK);
  uint8_t tail[8];
  int i;
  sha256_add(h, padding, (used < 56 ? 56 : 56 + SHA256_BLOCK) - used);
  for (i = 0; i < 8; i++)
    tail[i] = (uint8_t)(bits >> (56 - 8 * i));
  sha256_add(h, tail, sizeof(tail));
  for (i = 0; i < SHA256_SIZE; i++)
    out[i] = (uint8_t)(h->state[i / 4] >> (24 - 8 * (i % 4)));
}

void sha256_of (const void *data, size_t size, uint8_t out[SHA256_SIZE]) {
  struct sha256 h;
  sha256_open(&h);
  sha256_add(&h, data, size);
  sha256_end(&h, out);
}

/* ---- What is made of it ---- */

/* The digest of the key, each byte changed by 'change', and of the data. */
static void keyed (const uint8_t key[SHA256_BLOCK], uint8_t change,
                   const void *data, size_t size, uint8_t out[SHA256_SIZE]) {
  struct sha256 h;
  int i;
  sha256_open(&h);
  for (i = 0; i < SHA256_BLOCK; i++) {
    uint8_t byte = key[i] ^ change;
    sha256_add(&h, &byte, 1);
  }
  sha256_add(&h, data, size);
  sha256_end(&h, out);
}

void sha256_hmac (const void *key, size_t key_size, const char *text,
                  uint8_t out[SHA256_SIZE]) {
  uint8_t padded[SHA256_BLOCK] = {0}, inner[SHA256_SIZE];
  memcpy(padded, key, key_size);
  keyed(padded, 0x36, text, strlen(text), inner);
  keyed(padded, 0x5c, inner, sizeof(inner), out);
}

void sha256_hex (const uint8_t digest[SHA256_SIZE], char out[SHA256_HEX]) {
  int i;
  for (i = 0; i < SHA256_SIZE; i++) {
    out[2 * i] = "0123456789abcdef"[digest[i] >> 4];
    out[2 * i + 1] = "0123456789abcdef"[digest[i] & 15];
  }
  out[2 * i] = '\0';
}
