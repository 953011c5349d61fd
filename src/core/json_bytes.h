/* SPDX-License-Identifier: MIT
**
** json_bytes: what single bytes mean in JSON, and how to skip runs of them, for
** json.c and json_value.c. Strings are read 64 bytes at a time with SSE2, 16
** with NEON, else by plain C, which -DJSON_NO_SIMD forces. Loads may be
** unaligned; none goes past the given end.
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
#define LIKELY(condition)   __builtin_expect((condition) != 0, 1)
#define UNLIKELY(condition) __builtin_expect((condition) != 0, 0)
#define NOT_INLINE          __attribute__((noinline)) /* saves registers */
#else
#define LIKELY(condition)   (condition)
#define UNLIKELY(condition) (condition)
#define NOT_INLINE
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
  return c == '"' || c == '\\' || c == '/' || c == 'b' || c == 'f' || c == 'n'
         || c == 'r' || c == 't';
}

/* Whether a string's byte stands for itself: no quote, backslash, control
** character or part of a longer UTF-8 sequence. */
static inline int is_plain (char c) {
  return c != '"' && c != '\\' && (unsigned char)c - 0x20u < 0x60u;
}

/* The length, 2 to 4, of the UTF-8 sequence at 'p', where there are 4 bytes. 0
** for ASCII, wrong bytes, overlong forms, surrogates and above U+10FFFF. */
static inline unsigned utf8_length (const char *p) {
  const unsigned char *c = (const unsigned char *)p;
  uint32_t x = (uint32_t)c[0] << 24 | (uint32_t)c[1] << 16 | (uint32_t)c[2] << 8
               | c[3];
  if ((x & 0xF0C0C000) == 0xE0808000)
    return x >= 0xE0A00000 && (x < 0xEDA00000 || x >= 0xEE000000) ? 3 : 0;
  if ((x & 0xE0C00000) == 0xC0800000)
    return x >= 0xC2000000 ? 2 : 0;
  if ((x & 0xF8C0C0C0) == 0xF0808080)
    return x >= 0xF0900000 && x < 0xF4900000 ? 4 : 0;
  return 0;
}

/* The same near the end of the text. */
static inline unsigned utf8_length_before (const char *p, const char *end) {
  char bytes[4] = {0};
  size_t left = (size_t)(end - p);
  memcpy(bytes, p, left < sizeof bytes ? left : sizeof bytes);
  return utf8_length(bytes);
}

/* Skips valid UTF-8 that is not ASCII; leaves what may go past 'stop'. */
static inline const char *skip_utf8 (const char *p, const char *stop) {
  unsigned n = 1;
  for (; n > 0 && stop - p >= 4; p += n)
    n = utf8_length(p);
  return p;
}

/* The same for escapes. */
static inline const char *skip_escapes (const char *p, const char *stop) {
  while (stop - p >= 6 && *p == '\\') {
    if (p[1] == 'u') {
      if (!is_hex(p[2]) || !is_hex(p[3]) || !is_hex(p[4]) || !is_hex(p[5]))
        break;
      p += 6;
    }
    else if (is_short_escape(p[1]))
      p += 2;
    else
      break;
  }
  return p;
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
  return is_digit(c) || c == '.' || c == 'e' || c == 'E' || c == '+'
         || c == '-';
}

static inline int begins_value (char c) {
  return c == '{' || c == '[' || c == '"' || c == '-' || is_digit(c) || c == 't'
         || c == 'f' || c == 'n';
}

/* BLOCK bytes are tested together: 'not_plain' gives a word with BITS bits per
** byte, the first byte's lowest; one is set where the byte is not plain. One
** comparison finds control characters and the quote, because only they are
** below 0x21 after the bit of 2 is flipped. */

#if defined(BLOCK_SSE2)

#define BLOCK 64
#define BITS  1

static inline uint64_t plain_16 (const char *p) {
  __m128i x = _mm_loadu_si128((const __m128i *)(const void *)p);
  __m128i turned = _mm_xor_si128(x, _mm_set1_epi8(2));
  /* signed: bytes from 0x80 on are below 0x21, too */
  __m128i high = _mm_cmpgt_epi8(turned, _mm_set1_epi8(0x20));
  __m128i backslash = _mm_cmpeq_epi8(x, _mm_set1_epi8('\\'));
  return (unsigned)_mm_movemask_epi8(_mm_andnot_si128(backslash, high));
}

static inline uint64_t not_plain (const char *p) {
  return ~(plain_16(p) | plain_16(p + 16) << 16 | plain_16(p + 32) << 32
           | plain_16(p + 48) << 48);
}

/* A bit for each of 16 bytes in which the two texts are equal. */
static inline uint32_t equal_16 (const char *a, const char *b) {
  __m128i x = _mm_loadu_si128((const __m128i *)(const void *)a);
  __m128i y = _mm_loadu_si128((const __m128i *)(const void *)b);
  return (uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(x, y));
}

#elif defined(BLOCK_NEON)

#define BLOCK 16
#define BITS  4

static inline uint64_t not_plain (const char *p) {
  uint8x16_t x = vld1q_u8((const uint8_t *)p);
  uint8x16_t turned = veorq_u8(x, vdupq_n_u8(2));
  /* signed: bytes from 0x80 on are below 0x21, too */
  uint8x16_t odd = vcltq_s8(vreinterpretq_s8_u8(turned), vdupq_n_s8(0x21));
  odd = vorrq_u8(odd, vceqq_u8(x, vdupq_n_u8('\\')));
  return vget_lane_u64(
           vreinterpret_u64_u8(vshrn_n_u16(vreinterpretq_u16_u8(odd), 4)), 0)
         & UINT64_C(0x1111111111111111);
}

#else

#define BLOCK 8
#define BITS  8

static inline uint64_t not_plain (const char *p) {
  const uint64_t ones = UINT64_C(0x0101010101010101);
  const uint64_t low = ones * 0x7F;
  const unsigned char *c = (const unsigned char *)p;
  uint64_t x = (uint64_t)c[0] | (uint64_t)c[1] << 8 | (uint64_t)c[2] << 16
               | (uint64_t)c[3] << 24 | (uint64_t)c[4] << 32
               | (uint64_t)c[5] << 40 | (uint64_t)c[6] << 48
               | (uint64_t)c[7] << 56;
  /* a sum's top bit stays zero only where the byte is below 0x21, or is the
  ** backslash; nothing carries into the next byte */
  uint64_t plain = (((x & low) ^ ones * 2) + ones * 0x5F)
                   & (((x & low) ^ ones * '\\') + low);
  return (~plain | x) & ones * 0x80;
}

#endif

/* The number of the lowest bit that is set in 'word', which has one. */
static inline unsigned lowest_bit (uint64_t word) {
#if defined(__GNUC__)
  return (unsigned)__builtin_ctzll(word);
#else
  unsigned n = 0;
  for (; (word & 1) == 0; word >>= 1)
    n++;
  return n;
#endif
}

/* The last block tested: where it ends, and which bytes are not plain. Most
** strings end in the block they begin in, which then needs no second load. */
struct block {
  const char *end;
  uint64_t odd;
};

/* The same as skip_plain, from the next block on. */
static NOT_INLINE const char *skip_blocks (struct block *b, const char *p,
                                           const char *stop) {
  const char *at;
  for (at = b->end; stop - at >= BLOCK; at += BLOCK) {
    uint64_t odd = not_plain(at);
    b->end = at + BLOCK;
    b->odd = odd;
    if (p < at)
      p = at;
    if (p - at < BLOCK) {
      odd >>= (p - at) * BITS;
      if (odd != 0)
        return p + lowest_bit(odd) / BITS;
    }
  }
  if (p < at)
    p = at;
  while (p < stop && is_plain(*p))
    p++;
  return p;
}

/* The first byte from 'p' on that is not plain, or 'stop'. Neither may ever be
** lower than in an earlier call. */
static inline const char *skip_plain (struct block *b, const char *p,
                                      const char *stop) {
  if (LIKELY(p < b->end)) {
    uint64_t odd = b->odd >> ((BLOCK - (b->end - p)) * BITS);
    if (LIKELY(odd != 0))
      return p + lowest_bit(odd) / BITS;
  }
  return skip_blocks(b, p, stop);
}

#endif
