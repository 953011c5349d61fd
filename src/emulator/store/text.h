/* SPDX-License-Identifier: MIT
**
** text: work on strings that several files need. A text that grows is an
** sqlite3_str, SQLite's string builder. Memory that one file hands to another
** is from SQLite's allocator too.
*/

#ifndef emulator_text_h
#define emulator_text_h

#include <sqlite3.h>
#include <stddef.h>

/* Copies 'length' bytes and adds a NUL; NULL when out of memory. */
char *text_copy (const char *text, size_t length);

/* The same in lower case, by ASCII and not by the locale. NULL gives NULL. */
char *text_lower (const char *text);

/* Ends a builder. Returns its text, NULL when out of memory, and its length. */
char *text_finish (sqlite3_str *s, size_t *length);

/* Appends a text as a JSON string, quotes included, or null for NULL. Bytes
** that are no UTF-8 are written as the characters U+0080 to U+00FF. */
void text_quote (sqlite3_str *s, const char *text);

/* Whether 'length' bytes are valid UTF-8 without NUL. */
int text_is_utf8 (const char *text, size_t length);

/* Decodes %XX in place, once, and "+" as a space if 'plus' is set. Returns 0 if
** a "%" has no two digits or stands for NUL; that one is left as it is. */
int text_unescape (char *text, int plus);

/* The names in a table: its rows have 'size' bytes and begin with a const
** char *, which in the last one is NULL. */
struct names {
  const void *rows;
  size_t size;
};

int text_is_known (const char *word, struct names known);

/* 'unknown <what> "<word>", did you mean "..."? Known: ...'. NULL when out of
** memory. */
char *text_unknown (const char *what, const char *word, struct names known);

#endif
