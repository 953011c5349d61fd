/* SPDX-License-Identifier: MIT
**
** request: a request as the routes read it: its target taken apart, once.
** Knows nothing of the library that received it.
*/

#ifndef emulator_request_h
#define emulator_request_h

#include "../store/prng.h"

#include <stddef.h>

#define SEGMENTS_MAX 6
#define PARAMS_MAX   256

struct param {
  const char *name; /* without "[]" or "[0]" at its end */
  const char *value;
};

struct route;
struct intake;

struct request {
  const char *method;
  const char *target; /* as it came */
  const char *key;    /* of x-api-key, or NULL */
  int cookie;         /* whether a cookie came */
  int local;          /* from this machine, and not by a web page */
  const char *host;   /* of the header, or NULL */
  int host_is_ours;   /* it names this machine, or there is none */
  const char *body;
  size_t body_length;
  int body_too_long; /* for the route */
  int64_t length;    /* of the body, by Content-Length; -1: not told */
  void *intake;      /* what has taken the body as it came, or NULL */
  /* Give the value of a header, or all its values joined by commas, to be
  ** freed; NULL: it is missing. Themselves NULL where there is no header. */
  const char *(*header)(void *headers, const char *name);
  char *(*values)(void *headers, const char *name);
  void *headers;
  char id[UUID_SIZE];
  const struct route *route; /* NULL: there is none */
  /* made by request_parse */
  char *memory;
  const char *segments[SEGMENTS_MAX]; /* of the path, decoded */
  int segment_count; /* -1: the path has too many, or is no path */
  int bad_escape;    /* a "%" in the path stands for nothing */
  struct param params[PARAMS_MAX];
  int param_count; /* what is above PARAMS_MAX is left out */
};

/* Takes 'target' apart; 0 when out of memory. */
int request_parse (struct request *r);

void request_free (struct request *r);

/* The value of a header, or NULL. */
const char *request_header (const struct request *r, const char *name);

/* All its values, joined by commas, to be freed; NULL: it is missing. */
char *request_values (const struct request *r, const char *name);

/* The value of a parameter that is to come once; NULL where it is missing or
** empty. '*repeated' is set where it came more than once. */
const char *request_param (const struct request *r, const char *name,
                           int *repeated);

#endif
