/* SPDX-License-Identifier: MIT
**
** scan FILE RUNS: the scanner alone, validating and indexing a listing that
** lies in memory, in the slices the client uses, beside one copy of the same
** bytes. Prints the median seconds of both.
*/

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "json.h"

#define SLICE    (64 * 1024)
#define RUNS_MAX 99

static double now (void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int compare (const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static double median (double *seconds, int runs) {
  qsort(seconds, (size_t)runs, sizeof(*seconds), compare);
  return seconds[runs / 2];
}

/* The whole file, as malloc gave it; NULL where that fails. */
static char *read_file (const char *path, size_t *length) {
  FILE *f = fopen(path, "rb");
  char *text = NULL;
  long size;
  if (f == NULL)
    return NULL;
  if (fseek(f, 0, SEEK_END) == 0 && (size = ftell(f)) > 0) {
    rewind(f);
    *length = (size_t)size;
    text = malloc(*length);
    if (text != NULL && fread(text, 1, *length, f) != *length) {
      free(text);
      text = NULL;
    }
  }
  fclose(f);
  return text;
}

/* How many elements the listing has; -1 where it is none. */
static long scan (const char *text, size_t length) {
  static const struct json_limits limits = {1u << 30, JSON_DEPTH_MAX,
                                            JSON_MEMBERS_MAX};
  struct json_scanner s;
  enum json_status status = JSON_MORE;
  long elements = 0;
  size_t at = 0;
  json_open(&s, JSON_LIST, &limits);
  while (at < length && status <= JSON_END) {
    size_t used, n = length - at < SLICE ? length - at : SLICE;
    status = json_feed(&s, text + at, n, &used);
    elements += status == JSON_ELEMENT;
    at += used;
  }
  status = json_finish(&s);
  json_close(&s);
  return status == JSON_END ? elements : -1;
}

int main (int argc, char **argv) {
  double scans[RUNS_MAX], copies[RUNS_MAX];
  size_t length = 0;
  long elements = 0;
  int i, runs = argc == 3 ? atoi(argv[2]) : 0;
  char *text = argc == 3 ? read_file(argv[1], &length) : NULL;
  char *copy = text != NULL ? malloc(length) : NULL;
  if (copy == NULL || runs < 1 || runs > RUNS_MAX)
    return 2;
  memset(copy, 1, length); /* the pages are there before they are timed */
  for (i = 0; i < runs && elements >= 0; i++) {
    double start = now();
    elements = scan(text, length);
    scans[i] = now() - start;
    start = now();
    memcpy(copy, text, length);
    copies[i] = now() - start;
  }
  printf("seconds %.6f\ncopy %.6f\n", median(scans, runs),
         median(copies, runs));
  if (memcmp(copy, text, length) != 0) /* so that the copy is made */
    elements = -1;
  free(copy);
  free(text);
  return elements < 0;
}
