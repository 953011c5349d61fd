/* SPDX-License-Identifier: MIT
**
** clock: see clock.h. The calendar is the C library's (timegm, gmtime_r), so
** no time zone and no locale takes part.
*/

#include "clock.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define YEAR_LAST 9999

void clock_open (struct clock *c) {
  pthread_mutex_init(&c->lock, NULL);
  c->offset = 0;
  c->still = -1;
}

void clock_close (struct clock *c) {
  pthread_mutex_destroy(&c->lock);
}

void clock_set (struct clock *c, int64_t still) {
  pthread_mutex_lock(&c->lock);
  c->offset = 0;
  c->still = still;
  pthread_mutex_unlock(&c->lock);
}

static int64_t machine_now (void) {
  struct timespec t;
  clock_gettime(CLOCK_REALTIME, &t);
  return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

int64_t clock_now (struct clock *c) {
  int64_t now;
  pthread_mutex_lock(&c->lock);
  now = (c->still >= 0 ? c->still : machine_now()) + c->offset;
  pthread_mutex_unlock(&c->lock);
  return now;
}

void clock_advance (struct clock *c, int64_t milliseconds) {
  pthread_mutex_lock(&c->lock);
  c->offset += milliseconds;
  pthread_mutex_unlock(&c->lock);
}

/* Reads exactly 'digits' digits at '*at' and moves behind them; -1 if there
** are fewer. */
static int read_digits (const char **at, int digits) {
  int value = 0;
  for (; digits > 0; digits--, (*at)++) {
    if (**at < '0' || **at > '9')
      return -1;
    value = value * 10 + (**at - '0');
  }
  return value;
}

/* Reads a number that must follow the byte 'before' and be in a range. */
static int read_part (const char **at, char before, int least, int most,
                      int *value) {
  if (**at != before)
    return 0;
  (*at)++;
  *value = read_digits(at, 2);
  return *value >= least && *value <= most;
}

/* Reads ".123456" as milliseconds; what is finer is cut off. */
static int read_fraction (const char **at, int *milliseconds) {
  int scale = 100;
  *milliseconds = 0;
  if (**at != '.')
    return 1;
  (*at)++;
  if (**at < '0' || **at > '9')
    return 0;
  for (; **at >= '0' && **at <= '9'; (*at)++, scale /= 10)
    *milliseconds += (**at - '0') * scale;
  return 1;
}

/* Reads "Z" or "+02:00", as minutes east of Greenwich. */
static int read_zone (const char **at, int *minutes) {
  int hours, rest, sign = **at == '-' ? -1 : 1;
  *minutes = 0;
  if (**at == 'Z') {
    (*at)++;
    return 1;
  }
  if (!read_part(at, sign < 0 ? '-' : '+', 0, 23, &hours)
      || !read_part(at, ':', 0, 59, &rest))
    return 0;
  *minutes = sign * (hours * 60 + rest);
  return 1;
}

/* Reads what follows the date, if anything does. */
static int read_time (const char **at, struct tm *t, int *fraction, int *zone) {
  *fraction = *zone = 0;
  if (**at == '\0')
    return 1;
  return read_part(at, 'T', 0, 23, &t->tm_hour)
         && read_part(at, ':', 0, 59, &t->tm_min)
         && read_part(at, ':', 0, 60, &t->tm_sec) && read_fraction(at, fraction)
         && read_zone(at, zone);
}

int time_parse (const char *text, int64_t *milliseconds) {
  struct tm t, check;
  int fraction, zone;
  time_t seconds;
  memset(&t, 0, sizeof(t));
  t.tm_year = read_digits(&text, 4) - 1900;
  if (t.tm_year < 70 || !read_part(&text, '-', 1, 12, &t.tm_mon)
      || !read_part(&text, '-', 1, 31, &t.tm_mday)
      || !read_time(&text, &t, &fraction, &zone) || *text != '\0')
    return 0;
  t.tm_mon--;
  check = t;
  seconds = timegm(&check);
  if (check.tm_mday != t.tm_mday) /* 30 February became a day in March */
    return 0;
  *milliseconds = ((int64_t)seconds - zone * 60) * 1000 + fraction;
  return *milliseconds >= 0;
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
