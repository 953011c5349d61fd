/* SPDX-License-Identifier: MIT
**
** text: the small work on strings that several files need. A text that is
** built up is an sqlite3_str: SQLite's growable string, which the store needs
** anyhow; memory that goes from one file to another is SQLite's too.
*/

#ifndef emulator_text_h
#define emulator_text_h

#include <sqlite3.h>
#include <stddef.h>

/* Copies 'length' bytes and adds a NUL; NULL when out of memory. */
char *text_copy (const char *text, size_t length);

/* The same in lower case, by ASCII and not by the locale. NULL gives NULL. */
char *text_lower (const char *text);

/* Ends a builder: its text (never NULL but when out of memory) and length. */
char *text_finish (sqlite3_str *s, size_t *length);

/* Appends 'length' bytes as a JSON string, quotes included. Bytes that are no
** UTF-8 are written as the characters U+0080 to U+00FF. */
void text_quote (sqlite3_str *s, const char *text, size_t length);

/* The same for a NUL-terminated text; NULL appends null. */
void text_quote_null (sqlite3_str *s, const char *text);

/* Whether 'length' bytes are valid UTF-8 without NUL. */
int text_is_utf8 (const char *text, size_t length);

/* Decodes %XX in place, once, and "+" as a space where 'plus' is set. Returns
** 0 where a "%" has no two digits or stands for NUL: it is left as it is. */
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
