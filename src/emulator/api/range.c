/* SPDX-License-Identifier: MIT
**
** range: see range.h.
*/

#include "range.h"

#include <sqlite3.h>
#include <string.h>

#define DIGITS     "0123456789"
#define DIGITS_MAX 18 /* of a number that fits an int64_t */
#define UNIT       "bytes="

/* Reads a number, if there is one; -1 for none, -2 for one that is too long.
** Returns what follows. */
static const char *number (const char *text, int64_t *n) {
  size_t digits = strspn(text, DIGITS), i;
  *n = digits == 0 ? -1 : digits > DIGITS_MAX ? -2 : 0;
  for (i = 0; *n >= 0 && i < digits; i++)
    *n = *n * 10 + (text[i] - '0');
  return text + digits;
}

/* The last so many bytes. */
static enum range_code suffix (int64_t count, int64_t size, int64_t *first,
                               int64_t *length) {
  *length = count < size ? count : size;
  *first = size - *length;
  return *length > 0 ? RANGE_PART : RANGE_OUTSIDE;
}

enum range_code range_read (const char *header, int64_t size, int64_t *first,
                            int64_t *length) {
  int64_t from, to;
  *first = 0;
  *length = size;
  if (header == NULL || sqlite3_strnicmp(header, UNIT, strlen(UNIT)) != 0)
    return RANGE_WHOLE;
  header = number(header + strlen(UNIT), &from);
  if (*header++ != '-' || *number(header, &to) != '\0' || from == -2 || to == -2
      || (from < 0 && to < 0) || (from >= 0 && to >= 0 && to < from))
    return RANGE_WHOLE;
  if (from < 0)
    return suffix(to, size, first, length);
  if (from >= size)
    return RANGE_OUTSIDE;
  *first = from;
  *length = (to < 0 || to >= size ? size - 1 : to) - from + 1;
  return RANGE_PART;
}

int range_names_etag (const char *list, const char *etag) {
  size_t n = strlen(etag);
  while (list != NULL && *list != '\0') {
    size_t length;
    list += strspn(list, " \t,");
    length = strcspn(list, ",");
    while (length > 0 && (list[length - 1] == ' ' || list[length - 1] == '\t'))
      length--;
    if ((length == 1 && *list == '*')
        || (length == n && strncmp(list, etag, n) == 0))
      return 1;
    list += strcspn(list, ",");
  }
  return 0;
}
