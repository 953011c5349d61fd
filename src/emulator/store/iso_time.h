/* SPDX-License-Identifier: MIT
**
** iso_time: the ISO 8601 texts that the service writes times as. A time is a
** number of milliseconds since 1970 UTC.
*/

#ifndef emulator_iso_time_h
#define emulator_iso_time_h

#include <stdint.h>

#define TIME_HTTP_SIZE 30

#define TIME_SIZE 25 /* "2026-08-25T12:00:00.123Z" and its NUL */

/* Reads "2026-08-25", "2026-08-25T12:00:00Z", fractions and offsets such as
** "+02:00" included. Returns 0 where the text is no such time. */
int time_parse (const char *text, int64_t *milliseconds);

/* Writes a time with three digits of fraction and "Z". */
void time_format (int64_t milliseconds, char out[TIME_SIZE]);

/* Writes a time as HTTP has it: "Tue, 25 Aug 2026 12:00:00 GMT". */
void time_format_http (int64_t milliseconds, char out[TIME_HTTP_SIZE]);

#endif
