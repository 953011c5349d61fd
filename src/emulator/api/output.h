/* SPDX-License-Identifier: MIT
**
** output: the bytes of an output file, which are computed and not stored: a
** film or a tone, drawn out to any size by bytes that its format lets players
** skip. The same name, size and version give the same bytes; no two names do.
*/

#ifndef emulator_output_h
#define emulator_output_h

#include "body.h"
#include "film.h"

struct output {
  uint64_t seed;
  int64_t size;
  int is_tone;
  const char *type; /* of its content */
  char etag[35];    /* strong: in its quotes */
  uint8_t head[FILM_SIZE + 16];
  size_t head_length; /* computed bytes follow */
};

/* Describes an output. Its name ends in ".wav" or is that of a film. */
void output_open (struct output *o, const char *name, int64_t size,
                  int64_t version);

/* A body of its bytes from 'offset' on; NULL when out of memory. */
struct body *output_body (const struct output *o, int64_t offset,
                          int64_t length);

#endif
