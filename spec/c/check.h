/* SPDX-License-Identifier: MIT
**
** check: all that the unit tests need of a framework. Each test program is
** one file that includes this one, calls CHECK, and ends its main with
** `return check_end();`.
*/

#ifndef lipsync_check_h
#define lipsync_check_h

#include <stdarg.h>
#include <stdio.h>

static unsigned check_passed;
static unsigned check_failed;

#if defined(__GNUC__)
__attribute__((format(printf, 4, 5)))
#endif
static int
check_that (int ok, const char *file, int line, const char *format, ...) {
  va_list arguments;
  if (ok) {
    check_passed++;
    return 1;
  }
  check_failed++;
  fprintf(stderr, "%s:%d: ", file, line);
  va_start(arguments, format);
  vfprintf(stderr, format, arguments);
  va_end(arguments);
  fputc('\n', stderr);
  return 0;
}

/* Counts whether 'condition' holds; says where and what when it does not.
** Gives the condition, so that a test can stop where going on is pointless. */
#define CHECK(condition)                                                       \
  check_that((condition) != 0, __FILE__, __LINE__, "%s", #condition)

/* The same with words of one's own, for conditions tested in a loop. */
#define CHECK_SAYS(condition, ...)                                             \
  check_that((condition) != 0, __FILE__, __LINE__, __VA_ARGS__)

/* Prints the counts; gives what main has to return. */
static int check_end (void) {
  printf("%u passed, %u failed\n", check_passed, check_failed);
  return check_failed == 0 ? 0 : 1;
}

#endif
