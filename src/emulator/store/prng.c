/* SPDX-License-Identifier: MIT
**
** prng: see prng.h.
*/

#include "prng.h"

#include <string.h>

static const char digits[] = "0123456789abcdef";

static uint64_t mix (uint64_t x) {
  x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
  x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
  return x ^ (x >> 31);
}

void prng_open (struct prng *c, uint64_t seed, uint64_t n) {
  /* mixed twice: neighbouring seeds and items must not share a sequence */
  c->state = mix(mix(seed + UINT64_C(0x9e3779b97f4a7c15)) + n);
}

uint64_t prng_next (struct prng *c) {
  c->state += UINT64_C(0x9e3779b97f4a7c15);
  return mix(c->state);
}

uint32_t prng_below (struct prng *c, uint32_t n) {
  return (uint32_t)(((prng_next(c) >> 32) * n) >> 32);
}

void prng_hex (struct prng *c, char *out, int n) {
  uint64_t bits = 0;
  int i;
  for (i = 0; i < n; i++, bits >>= 4) {
    if (i % 16 == 0)
      bits = prng_next(c);
    out[i] = digits[bits & 15];
  }
  out[n] = '\0';
}

void prng_uuid (struct prng *c, char out[UUID_SIZE]) {
  char hex[33];
  prng_hex(c, hex, 32);
  hex[12] = '4';                      /* the version */
  hex[16] = "89ab"[prng_below(c, 4)]; /* the variant */
  memcpy(out, hex, 8);
  memcpy(out + 9, hex + 8, 4);
  memcpy(out + 14, hex + 12, 4);
  memcpy(out + 19, hex + 16, 4);
  memcpy(out + 24, hex + 20, 13);
  out[8] = out[13] = out[18] = out[23] = '-';
}

static int is_hex (char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f')
         || (c >= 'A' && c <= 'F');
}

int uuid_valid (const char *text) {
  int i;
  for (i = 0; i < UUID_SIZE - 1; i++) {
    int dash = i == 8 || i == 13 || i == 18 || i == 23;
    if (dash ? text[i] != '-' : !is_hex(text[i]))
      return 0;
  }
  return text[i] == '\0';
}
