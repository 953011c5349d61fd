/* SPDX-License-Identifier: MIT
**
** text: see text.h.
*/

#include "text.h"

#include <string.h>

#define WORD_MAX 32 /* the longest word that is compared with names */
#define PART_MIN 3  /* the shortest part of a name that stands for it */

char *text_copy (const char *text, size_t length) {
  char *copy = sqlite3_malloc64(length + 1);
  if (copy != NULL) {
    memcpy(copy, text, length);
    copy[length] = '\0';
  }
  return copy;
}

char *text_lower (const char *text) {
  char *copy = text != NULL ? text_copy(text, strlen(text)) : NULL, *p;
  for (p = copy; p != NULL && *p != '\0'; p++)
    if (*p >= 'A' && *p <= 'Z')
      *p = (char)(*p | 0x20);
  return copy;
}

char *text_finish (sqlite3_str *s, size_t *length) {
  int failed = sqlite3_str_errcode(s) != SQLITE_OK;
  size_t n = (size_t)sqlite3_str_length(s);
  char *text = sqlite3_str_finish(s);
  if (length != NULL)
    *length = failed ? 0 : n;
  if (failed) {
    sqlite3_free(text);
    return NULL;
  }
  return text != NULL ? text : text_copy("", 0); /* SQLite: empty is NULL */
}

/* The length of the UTF-8 character at 'p', 0 where there is none. */
static size_t utf8_length (const unsigned char *p, size_t left) {
  size_t n, i;
  unsigned char low = 0x80, high = 0xBF; /* the range of the second byte */
  if (*p < 0x80)
    return 1;
  n = *p >= 0xF0 ? 4 : *p >= 0xE0 ? 3 : 2;
  if (*p < 0xC2 || *p > 0xF4 || left < n)
    return 0;
  if (*p == 0xE0)
    low = 0xA0;
  else if (*p == 0xED)
    high = 0x9F;
  else if (*p == 0xF0)
    low = 0x90;
  else if (*p == 0xF4)
    high = 0x8F;
  if (p[1] < low || p[1] > high)
    return 0;
  for (i = 2; i < n; i++)
    if ((p[i] & 0xC0) != 0x80)
      return 0;
  return n;
}

int text_is_utf8 (const char *text, size_t length) {
  const unsigned char *p = (const unsigned char *)text;
  size_t n;
  for (; length > 0; p += n, length -= n) {
    n = utf8_length(p, length);
    if (n == 0 || *p == '\0')
      return 0;
  }
  return 1;
}

/* Appends one character that has a short escape, or any one byte. */
static void quote_byte (sqlite3_str *s, unsigned char c) {
  static const char from[] = "\"\\\n\r\t\b\f";
  static const char to[] = "\"\\nrtbf";
  const char *at = c != '\0' ? strchr(from, c) : NULL;
  if (at != NULL)
    sqlite3_str_appendf(s, "\\%c", to[at - from]);
  else
    sqlite3_str_appendf(s, "\\u%04x", c);
}

void text_quote (sqlite3_str *s, const char *text) {
  const unsigned char *p = (const unsigned char *)text, *plain = p;
  size_t left = text != NULL ? strlen(text) : 0, n;
  if (text == NULL) {
    sqlite3_str_appendall(s, "null");
    return;
  }
  sqlite3_str_appendchar(s, 1, '"');
  for (; left > 0; p += n, left -= n) {
    n = utf8_length(p, left);
    if (n > 0 && *p >= 0x20 && *p != '"' && *p != '\\')
      continue;
    sqlite3_str_append(s, (const char *)plain, (int)(p - plain));
    quote_byte(s, *p);
    n = 1;
    plain = p + 1;
  }
  sqlite3_str_append(s, (const char *)plain, (int)(p - plain));
  sqlite3_str_appendchar(s, 1, '"');
}

static int hex_value (char c) {
  if (c >= '0' && c <= '9')
    return c - '0';
  c = (char)(c | 0x20);
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int text_unescape (char *text, int plus) {
  char *out = text;
  int whole = 1;
  for (; *text != '\0'; text++) {
    int high = *text == '%' ? hex_value(text[1]) : -1;
    int low = high >= 0 ? hex_value(text[2]) : -1;
    if (low >= 0 && high + low > 0) {
      *out++ = (char)(high * 16 + low);
      text += 2;
      continue;
    }
    if (*text == '%')
      whole = 0;
    *out++ = plus && *text == '+' ? ' ' : *text;
  }
  *out = '\0';
  return whole;
}

/* How many letters must change between two words (Levenshtein). */
static size_t distance (const char *a, const char *b) {
  size_t row[WORD_MAX + 1], n = strlen(b), i, j;
  for (j = 0; j <= n; j++)
    row[j] = j;
  for (i = 1; a[i - 1] != '\0'; i++) {
    size_t corner = row[0];
    row[0] = i;
    for (j = 1; j <= n; j++) {
      size_t best = corner + (a[i - 1] != b[j - 1]);
      corner = row[j];
      if (row[j] + 1 < best)
        best = row[j] + 1;
      if (row[j - 1] + 1 < best)
        best = row[j - 1] + 1;
      row[j] = best;
    }
  }
  return row[n];
}

/* The name in a row of a table, NULL in the last. */
static const char *name_at (struct names names, size_t row) {
  const char *name;
  memcpy(&name, (const char *)names.rows + row * names.size, sizeof(name));
  return name;
}

int text_is_known (const char *word, struct names known) {
  size_t i;
  for (i = 0; name_at(known, i) != NULL; i++)
    if (strcmp(name_at(known, i), word) == 0)
      return 1;
  return 0;
}

/* The name nearest to 'word', NULL where none is near enough to be meant. Of
** a name that holds the word only a part was written. */
static const char *nearest (const char *word, struct names known) {
  const char *found = NULL, *name;
  size_t length = strlen(word), best = length / 3 + 2, i;
  if (length > WORD_MAX)
    return NULL;
  for (i = 0; (name = name_at(known, i)) != NULL; i++) {
    size_t d = strlen(name) <= WORD_MAX ? distance(word, name) : best;
    if (length >= PART_MIN && strstr(name, word) != NULL && d > 1)
      d = 1;
    if (d < best) {
      best = d;
      found = name;
    }
  }
  return found;
}

char *text_unknown (const char *what, const char *word, struct names known) {
  const char *meant = nearest(word, known), *name, *last = "";
  sqlite3_str *s = sqlite3_str_new(NULL);
  size_t i;
  sqlite3_str_appendf(s, "unknown %s \"%s\"", what, word);
  if (meant != NULL)
    sqlite3_str_appendf(s, ", did you mean \"%s\"?", meant);
  else
    sqlite3_str_appendall(s, ".");
  sqlite3_str_appendall(s, " Known:");
  for (i = 0; (name = name_at(known, i)) != NULL; i++, last = name)
    if (strcmp(name, last) != 0) /* two routes may share a name */
      sqlite3_str_appendf(s, "%s %s", i > 0 ? "," : "", name);
  return text_finish(s, NULL);
}
