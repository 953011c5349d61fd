/* SPDX-License-Identifier: MIT
**
** range: which bytes of a file a request wants, by RFC 9110 as S3 reads it:
** one range only; more than one, or what is no range, gets the whole file.
*/

#ifndef emulator_range_h
#define emulator_range_h

#include <stdint.h>

enum range_code {
  RANGE_WHOLE,
  RANGE_PART,
  RANGE_OUTSIDE /* no byte of it exists */
};

/* Reads a Range header (or NULL) for a file of 'size' bytes. Sets the first
** byte and how many. */
enum range_code range_read (const char *header, int64_t size, int64_t *first,
                            int64_t *length);

/* Whether a list of entity tags (If-Match: or NULL) names 'etag', which is in
** its quotes, or is "*". Weak ones never match. */
int range_names_etag (const char *list, const char *etag);

#endif
