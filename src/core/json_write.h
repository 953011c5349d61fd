/* SPDX-License-Identifier: MIT
**
** json_write: JSON text of single values, into a buffer with a ceiling. What it
** accepts, the scanner accepts, and it reads as the same value. Knows nothing
** of Lua and does not depend on the locale of the process.
*/

#ifndef lipsync_json_write_h
#define lipsync_json_write_h

#include <stdint.h>

#include "buf.h"

/* After anything but JSON_W_OK, a part of the value may be in the buffer. */
enum json_written {
  JSON_W_OK,
  JSON_W_FULL,   /* the text would be longer than the buffer's ceiling */
  JSON_W_MEMORY, /* out of memory */
  JSON_W_UTF8,   /* the string is not UTF-8 */
  JSON_W_NUMBER  /* the number is NaN or infinite: JSON has neither */
};

/* Writes text that is JSON already. */
enum json_written json_write_text (struct buf *b, const char *text,
                                   size_t length);

/* Writes a string with its quotes. Escapes only what has to be: the quote, the
** backslash and control characters. */
enum json_written json_write_string (struct buf *b, const char *text,
                                     size_t length);

enum json_written json_write_integer (struct buf *b, int64_t n);

/* Writes a double with the fewest of 15, 16 or 17 digits that read as the same
** double. An integral one below 2^53 is written as an integer, and -0 as 0:
** where the VM has no integers, 3 is a double too, and one value must always
** give the same bytes. */
enum json_written json_write_number (struct buf *b, double x);

/* Copies scanned JSON text without the white space between its tokens. 'out'
** must have room for 'length' bytes and may be 'text'; returns how many were
** written. Other text gives a meaningless result, but is not read past its
** end. */
size_t json_compact (const char *text, size_t length, char *out);

#endif
