/* SPDX-License-Identifier: MIT
**
** chance: repeatable random numbers (SplitMix64) and the UUIDs made of them.
** The same seed gives the same data on every machine.
*/

#ifndef emulator_chance_h
#define emulator_chance_h

#include <stdint.h>

#define UUID_SIZE 37 /* 36 characters and the NUL */

struct chance {
  uint64_t state;
};

/* Starts a sequence of its own for item 'n' under 'seed'. */
void chance_open (struct chance *c, uint64_t seed, uint64_t n);

uint64_t chance_next (struct chance *c);

/* A number from 0 to n - 1. */
uint32_t chance_below (struct chance *c, uint32_t n);

/* Writes a UUID of version 4. */
void chance_uuid (struct chance *c, char out[UUID_SIZE]);

/* Writes 'n' hexadecimal digits and a NUL. */
void chance_hex (struct chance *c, char *out, int n);

/* Whether 'text' has the form of a UUID, of whatever version or case. */
int uuid_valid (const char *text);

#endif
