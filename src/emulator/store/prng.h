/* SPDX-License-Identifier: MIT
**
** prng: repeatable random numbers (SplitMix64) and the UUIDs made of them.
** The same seed gives the same data on every machine.
*/

#ifndef emulator_prng_h
#define emulator_prng_h

#include <stdint.h>

#define UUID_SIZE 37 /* 36 characters and the NUL */

struct prng {
  uint64_t state;
};

/* Starts a sequence of its own for item 'n' under 'seed'. */
void prng_open (struct prng *c, uint64_t seed, uint64_t n);

uint64_t prng_next (struct prng *c);

/* A number from 0 to n - 1. */
uint32_t prng_below (struct prng *c, uint32_t n);

/* Writes a UUID of version 4. */
void prng_uuid (struct prng *c, char out[UUID_SIZE]);

/* Writes 'n' hexadecimal digits and a NUL. */
void prng_hex (struct prng *c, char *out, int n);

/* Whether 'text' has the form of a UUID, of any version and case. */
int uuid_valid (const char *text);

#endif
