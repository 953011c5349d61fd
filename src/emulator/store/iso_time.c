/* SPDX-License-Identifier: MIT
**
** iso_time: see iso_time.h. The calendar is the C library's; what is used of
** it depends on no time zone and no locale.
*/

#include "iso_time.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define YEAR_LAST 9999
#define DATE_SIZE 10 /* "2026-08-25" */
#define BOTH_SIZE 19 /* "2026-08-25T12:00:00" */

/* Reads ".123456", if it is there, as milliseconds; what is finer is cut off.
** Returns what follows, or NULL. */
static const char *read_fraction (const char *at, int *milliseconds) {
  int scale = 100;
  if (*at != '.')
    return at;
  if (at[1] < '0' || at[1] > '9')
    return NULL;
  for (at++; *at >= '0' && *at <= '9'; at++, scale /= 10)
    *milliseconds += (*at - '0') * scale;
  return at;
}

/* Reads "Z" or "+02:00", as minutes east of Greenwich. Returns what follows,
** or NULL. */
static const char *read_zone (const char *at, int *minutes) {
  struct tm t;
  const char *end;
  if (*at == 'Z')
    return at + 1;
  memset(&t, 0, sizeof(t));
  end = *at == '+' || *at == '-' ? strptime(at + 1, "%H:%M", &t) : NULL;
  *minutes = (*at == '-' ? -1 : 1) * (t.tm_hour * 60 + t.tm_min);
  return end == at + 6 ? end : NULL;
}

int time_parse (const char *text, int64_t *milliseconds) {
  struct tm t;
  char again[TIME_SIZE];
  int fraction = 0, zone = 0;
  size_t size = DATE_SIZE;
  const char *at;
  memset(&t, 0, sizeof(t));
  at = strptime(text, "%Y-%m-%d", &t);
  if (at != NULL && *at == 'T') {
    size = BOTH_SIZE;
    at = strptime(at, "T%H:%M:%S", &t);
    at = at != NULL ? read_fraction(at, &fraction) : NULL;
    at = at != NULL ? read_zone(at, &zone) : NULL;
  }
  if (at == NULL || *at != '\0')
    return 0;
  *milliseconds = (int64_t)timegm(&t) * 1000;
  /* strptime is lenient, and 30 February became a day in March */
  time_format(*milliseconds, again);
  *milliseconds += fraction - zone * 60000;
  return strncmp(again, text, size) == 0 && *milliseconds >= 0;
}

void time_format (int64_t milliseconds, char out[TIME_SIZE]) {
  time_t seconds = (time_t)(milliseconds / 1000);
  struct tm t;
  if (gmtime_r(&seconds, &t) == NULL || t.tm_year + 1900 > YEAR_LAST) {
    memcpy(out, "9999-12-31T23:59:59.999Z", TIME_SIZE);
    return;
  }
  /* the remainders tell the compiler what it cannot know: that it fits */
  snprintf(out, TIME_SIZE, "%04u-%02u-%02uT%02u:%02u:%02u.%03uZ",
           (unsigned)(t.tm_year + 1900) % 10000u,
           (unsigned)(t.tm_mon + 1) % 100u, (unsigned)t.tm_mday % 100u,
           (unsigned)t.tm_hour % 100u, (unsigned)t.tm_min % 100u,
           (unsigned)t.tm_sec % 100u, (unsigned)(milliseconds % 1000) % 1000u);
}

void time_format_http (int64_t milliseconds, char out[TIME_HTTP_SIZE]) {
  static const char days[] = "SunMonTueWedThuFriSat";
  static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
  time_t seconds = (time_t)(milliseconds / 1000);
  struct tm t;
  memset(&t, 0, sizeof(t));
  gmtime_r(&seconds, &t);
  snprintf(out, TIME_HTTP_SIZE, "%.3s, %02u %.3s %04u %02u:%02u:%02u GMT",
           days + 3 * t.tm_wday, (unsigned)t.tm_mday % 100u,
           months + 3 * t.tm_mon, (unsigned)(t.tm_year + 1900) % 10000u,
           (unsigned)t.tm_hour % 100u, (unsigned)t.tm_min % 100u,
           (unsigned)t.tm_sec % 100u);
}
