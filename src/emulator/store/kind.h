/* SPDX-License-Identifier: MIT
**
** kind: describes a kind of documents to the store, which lists, reads, adds
** and deletes all kinds alike.
*/

#ifndef emulator_kind_h
#define emulator_kind_h

#include "prng.h"

#include <sqlite3.h>
#include <stdint.h>

#define FILTERS_MAX 8

/* The members that any document may have when it is added. */
#define COMMON_MEMBERS "id", "createdAt", "kind", "organization", "source"

/* The stretches of a life whose length can be set, see store_pace. */
enum step { STEP_QUEUE, STEP_WORK, STEPS };

/* A change of status that time brings. Of the rows with the same 'from' the
** first whose condition holds applies. */
struct transition {
  const char *from;
  const char *to;
  enum step step;   /* how long 'from' lasts; the same for all its rows */
  const char *when; /* an SQL condition, or NULL */
  const char *set;  /* more arguments for json_set(body, ...), or "" */
};

/* A query parameter that restricts a listing. */
struct filter_rule {
  const char *parameter;
  const char *column;       /* or an SQL expression */
  const char *const *words; /* what it may be; NULL: anything */
  int is_uuid;              /* it is a UUID and given once, else it is a list */
};

struct kind {
  const char *name;
  const char *const *members;  /* that a document may have */
  const char *const *required; /* made up where they are missing */
  const char *status;          /* likewise; NULL: it has none */
  const char *const *terminal; /* statuses in which it can be deleted */
  const struct transition *transitions; /* in the order of time */
  const struct filter_rule *filters;
  /* Appends the JSON of a required member. */
  void (*make_up)(const char *member, struct prng *r, sqlite3_str *json);
};

#endif
