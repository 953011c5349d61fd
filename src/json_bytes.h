/* SPDX-License-Identifier: MIT
**
** json_bytes: what single bytes mean in JSON, and the skipping of runs of
** them, for json.c and json_value.c. The bytes of strings are skipped 16 at a
** time where SSE2 or NEON exist; -DJSON_NO_SIMD chooses the plain C path,
** which is the only one elsewhere. Loads may be unaligned; none goes past the
** end it was given.
*/

#ifndef lipsync_json_bytes_h
#define lipsync_json_bytes_h

#include <stdint.h>
#include <string.h>

#if !defined(JSON_NO_SIMD) && defined(__GNUC__)
#if defined(__SSE2__)
#include <emmintrin.h>
#define BLOCK_SSE2
#elif defined(__ARM_NEON) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#include <arm_neon.h>
#define BLOCK_NEON
#endif
#endif

#if defined(__GNUC__)
#define UNLIKELY(condition)  __builtin_expect((condition) != 0, 0)
#else
#define UNLIKELY(condition)  (condition)
#endif

static inline int is_space (char c) {
  return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

static inline int is_digit (char c) {
  return c >= '0' && c <= '9';
}

static inline int is_hex (char c) {
  return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static inline int is_short_escape (char c) {
  return c == '"' || c == '\\' || c == '/' || c == 'b' || c == 'f' ||
         c == 'n' || c == 'r' || c == 't';
}

/* Whether a string's byte stands for itself: no quote, backslash, control
** character or part of a longer UTF-8 sequence. */
static inline int is_plain (char c) {
  return c != '"' && c != '\\' && (unsigned char)c - 0x20u < 0x60u;
}

static inline const char *skip_space (const char *p, const char *stop) {
  while (p < stop && is_space(*p))
    p++;
  return p;
}

static inline const char *skip_digits (const char *p, const char *stop) {
  while (p < stop && is_digit(*p))
    p++;
  return p;
}

static inline int is_of_number (char c) {
  return is_digit(c) || c == '.' || c == 'e' || c == 'E' || c == '+' ||
         c == '-';
}

static inline int begins_value (char c) {
  return c == '{' || c == '[' || c == '"' || c == '-' || is_digit(c) ||
         c == 't' || c == 'f' || c == 'n';
}

#if defined(BLOCK_SSE2)

#define BLOCK  16

/* How many plain bytes the BLOCK bytes at 'p' begin with. The quote has a
** mask of its own: it is what mostly comes, and where the next string begins
** waits for nothing else. */
static inline unsigned plain_prefix (const char *p) {
  __m128i x = _mm_loadu_si128((const __m128i *)(const void *)p);
  __m128i quotes = _mm_cmpeq_epi8(x, _mm_set1_epi8('"'));
  /* signed: bytes from 0x80 on are below 0x20 as well */
  __m128i others = _mm_or_si128(_mm_cmplt_epi8(x, _mm_set1_epi8(0x20)),
                                _mm_cmpeq_epi8(x, _mm_set1_epi8('\\')));
  unsigned quote = (unsigned)_mm_movemask_epi8(quotes);
  unsigned other = (unsigned)_mm_movemask_epi8(others);
  if (UNLIKELY((other & (quote ^ (quote - 1))) != 0))  /* one before it */
    return (unsigned)__builtin_ctz(other);
  return quote == 0 ? BLOCK : (unsigned)__builtin_ctz(quote);
}

#elif defined(BLOCK_NEON)

#define BLOCK  16

/* How many plain bytes the BLOCK bytes at 'p' begin with. */
static inline unsigned plain_prefix (const char *p) {
  uint8x16_t x = vld1q_u8((const uint8_t *)p);
  uint8x16_t odd = vcltq_s8(vreinterpretq_s8_u8(x), vdupq_n_s8(0x20));
  uint64_t mask;
  odd = vorrq_u8(odd, vceqq_u8(x, vdupq_n_u8('"')));
  odd = vorrq_u8(odd, vceqq_u8(x, vdupq_n_u8('\\')));
  /* four bits of the mask for each byte */
  mask = vget_lane_u64(vreinterpret_u64_u8(
           vshrn_n_u16(vreinterpretq_u16_u8(odd), 4)), 0);
  return mask == 0 ? BLOCK : (unsigned)__builtin_ctzll(mask) / 4;
}

#else

#define BLOCK  8

/* BLOCK if all bytes at 'p' are plain, else how many it begins with. */
static inline unsigned plain_prefix (const char *p) {
  const uint64_t ones = UINT64_C(0x0101010101010101);
  unsigned n = 0;
  uint64_t x, quote, backslash;
  memcpy(&x, p, sizeof x);
  quote = x ^ (ones * '"');
  backslash = x ^ (ones * '\\');
  /* a borrow shows in the top bit of a byte that is zero, or below 0x20 */
  if ((((quote - ones) | (backslash - ones) | (x - ones * 0x20) | x)
       & (ones * 0x80)) == 0)
    return BLOCK;
  while (n < BLOCK && is_plain(p[n]))
    n++;
  return n;
}

#endif

/* The first byte from 'p' on that is not plain, or 'stop'. */
static inline const char *skip_plain (const char *p, const char *stop) {
  while (stop - p >= BLOCK) {
    unsigned n = plain_prefix(p);
    p += n;
    if (n < BLOCK)
      return p;
  }
  while (p < stop && is_plain(*p))
    p++;
  return p;
}

#endif
