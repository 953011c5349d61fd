/* SPDX-License-Identifier: MIT
**
** json_guess: the keys of the element before, as guesses for those of the next
** one, for json.c. Elements of a list mostly have the same keys in the same
** order, and to compare a key with its guess takes a third of what it takes to
** look for its end. What is compared with has passed the scanner, so what is
** equal would pass it, too: a guess changes how fast a key is read, never how.
*/

#ifndef lipsync_json_guess_h
#define lipsync_json_guess_h

#include "json_bytes.h"

#define GUESSES      64 /* keys of one element, at all depths */
#define GUESS_LENGTH 32 /* bytes of a key with its second quote and its colon */
#define GUESS_AHEAD  4  /* how far to look where members are missing */

/* A key without its first quote, but with the other one and the colon. At first
** all are of an empty key, so that each can be compared with. */
struct json_guess {
  char text[GUESS_LENGTH];
  uint32_t length;         /* of that */
  uint32_t past;           /* a bit for each byte of 'text' after it */
  struct json_guess *next; /* that of the next key; the last one's own */
};

/* What there is of guesses in place of a table: it stays so. */
static struct json_guess no_guess = {"\":", 2, UINT32_MAX << 2, &no_guess};

/* Makes a table of 'n' empty guesses. */
static inline void guess_fill (struct json_guess *table, unsigned n) {
  unsigned i;
  for (i = 0; i < n; i++) {
    table[i] = no_guess;
    table[i].next = &table[i + 1 < n ? i + 1 : i];
  }
}

/* Whether the text at 'p', where GUESS_LENGTH bytes can be read, begins with
** the guess 'g'. */
static inline int guess_is (const struct json_guess *g, const char *p) {
#if defined(BLOCK_SSE2)
  uint32_t same = equal_16(p, g->text) | equal_16(p + 16, g->text + 16) << 16;
  return (same | g->past) == UINT32_MAX;
#else
  return memcmp(p, g->text, g->length) == 0;
#endif
}

/* The one of the few guesses after 'g' that is the text at 'p'; or NULL. */
static NOT_INLINE const struct json_guess *
guess_later (const struct json_guess *g, const char *p) {
  unsigned i;
  for (i = 0; i < GUESS_AHEAD; i++) {
    g = g->next;
    if (guess_is(g, p))
      return g;
  }
  return NULL;
}

/* Makes a key, the 'n' bytes at 'p' with its quote and colon, a guess in place
** of 'g', where it fits. Returns the one for the next key. */
static NOT_INLINE struct json_guess *guess_note (struct json_guess *g,
                                                 const char *p, size_t n) {
  if (n > GUESS_LENGTH || g->next == g)
    return g;
  memcpy(g->text, p, n);
  g->length = (uint32_t)n;
  g->past = n < 32 ? UINT32_MAX << n : 0;
  return g->next;
}

#endif
