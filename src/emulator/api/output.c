/* SPDX-License-Identifier: MIT
**
** output: see output.h. A film is drawn out by a box of no meaning at its end,
** a tone by sounding longer.
*/

#include "output.h"
#include "../../digest/sha256.h"
#include "../store/text.h"

#include <string.h>

#define TONE_HEAD 44
#define TONE_RATE 8000 /* samples a second, of a byte each */
#define WIDE_BOX  16   /* bytes of the head of a box of 4 GiB or more */

static void put (uint8_t *out, int bytes, uint64_t n) {
  while (bytes-- > 0) {
    out[bytes] = (uint8_t)n;
    n >>= 8;
  }
}

static void put_little (uint8_t *out, int bytes, uint64_t n) {
  for (; bytes-- > 0; n >>= 8)
    *out++ = (uint8_t)n;
}

/* The film, and the head of the box that takes the rest. */
static void make_film (struct output *o, const uint8_t digest[SHA256_SIZE]) {
  uint8_t color[3], *box;
  int64_t rest;
  int i;
  for (i = 0; i < 3; i++)
    color[i] = (uint8_t)(64 + digest[i] / 2);
  o->head_length = film_make(o->head, color);
  box = o->head + o->head_length;
  rest = o->size - (int64_t)o->head_length;
  put(box, 4, rest > UINT32_MAX ? 1 : (uint64_t)rest);
  memcpy(box + 4, "free", 4);
  if (rest > UINT32_MAX)
    put(box + 8, 8, (uint64_t)rest);
  if (rest >= 8)
    o->head_length += rest > UINT32_MAX ? WIDE_BOX : 8;
}

/* The head of a WAV file: its format has no sizes of 4 GiB or more. */
static void make_tone (struct output *o) {
  uint64_t rest = o->size < TONE_HEAD ? 0 : (uint64_t)(o->size - TONE_HEAD);
  uint8_t *h = o->head;
  if (rest > UINT32_MAX - TONE_HEAD)
    rest = UINT32_MAX - TONE_HEAD;
  memcpy(h, "RIFF____WAVEfmt ____", 20);
  put_little(h + 4, 4, rest + TONE_HEAD - 8);
  put_little(h + 16, 4, 16);
  put_little(h + 20, 2, 1); /* plain samples */
  put_little(h + 22, 2, 1); /* one channel */
  put_little(h + 24, 4, TONE_RATE);
  put_little(h + 28, 4, TONE_RATE);
  put_little(h + 32, 2, 1);
  put_little(h + 34, 2, 8);
  memcpy(h + 36, "data", 4);
  put_little(h + 40, 4, rest);
  o->head_length = TONE_HEAD;
}

void output_open (struct output *o, const char *name, int64_t size,
                  int64_t version) {
  uint8_t digest[SHA256_SIZE];
  char text[300], hex[SHA256_HEX];
  memset(o, 0, sizeof(*o));
  sqlite3_snprintf(sizeof(text), text, "%lld %lld %s", (long long)size,
                   (long long)version, name);
  sha256_of(text, strlen(text), digest);
  sha256_hex(digest, hex);
  memcpy(&o->seed, digest, sizeof(o->seed));
  sqlite3_snprintf(sizeof(o->etag), o->etag, "\"%.32s\"", hex);
  o->size = size;
  o->is_tone = sqlite3_strlike("%.wav", name, 0) == 0;
  o->type = o->is_tone ? "audio/wav" : "video/mp4";
  if (o->is_tone)
    make_tone(o);
  else
    make_film(o, digest);
}

/* Eight bytes that look like chance: the mixer of SplitMix64. */
static uint64_t chance (uint64_t seed, uint64_t n) {
  uint64_t x = seed + (n + 1) * UINT64_C(0x9E3779B97F4A7C15);
  x = (x ^ x >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
  x = (x ^ x >> 27) * UINT64_C(0x94D049BB133111EB);
  return x ^ x >> 31;
}

/* A sawtooth of 250 Hz, and noise. */
static uint8_t sound (uint64_t at, uint8_t noise) {
  return (uint8_t)(64 + at % (TONE_RATE / 250) * 4 + noise % 8);
}

static uint8_t byte_at (const struct output *o, uint64_t at) {
  uint8_t byte = (uint8_t)(chance(o->seed, at / 8) >> (at % 8 * 8));
  if (at < o->head_length)
    return o->head[at];
  return o->is_tone ? sound(at, byte) : byte;
}

/* Gives 'length' bytes from 'offset' on. */
static void read_bytes (const struct output *o, int64_t offset, char *out,
                        size_t length) {
  uint64_t at = (uint64_t)offset, end = at + length;
  while (at < end) {
    if (at % 8 > 0 || end - at < 8 || at < o->head_length || o->is_tone) {
      *out++ = (char)byte_at(o, at++);
      continue;
    }
    put_little((uint8_t *)out, 8, chance(o->seed, at / 8)); /* the same, fast */
    out += 8;
    at += 8;
  }
}

struct output_body {
  struct body body;
  struct output output;
  int64_t at, end;
};

static ssize_t read_output (struct body *b, char *out, size_t size) {
  struct output_body *o = (struct output_body *)b;
  if (o->end - o->at < (int64_t)size)
    size = (size_t)(o->end - o->at);
  read_bytes(&o->output, o->at, out, size);
  o->at += (int64_t)size;
  return (ssize_t)size;
}

static void close_output (struct body *b) {
  (void)b;
}

struct body *output_body (const struct output *o, int64_t offset,
                          int64_t length) {
  struct output_body *b = body_new(sizeof(*b), read_output, close_output,
                                   length);
  if (b == NULL)
    return NULL;
  b->output = *o;
  b->at = offset;
  b->end = offset + length;
  return &b->body;
}
