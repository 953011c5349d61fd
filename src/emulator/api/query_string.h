/* SPDX-License-Identifier: MIT
**
** query_string: reads a listing's query parameters into what the store takes,
** by the service's rules.
*/

#ifndef emulator_query_string_h
#define emulator_query_string_h

#include "request.h"
#include "../store/store.h"

/* Why a parameter was refused. */
struct refusal {
  const char *field;
  char *message; /* freed with sqlite3_free */
};

struct page {
  int limit;          /* 0: all */
  const char *cursor; /* NULL: from the newest */
};

/* Reads status, ids, source and projectId. 0 where one is refused. The
** filter is to be closed in either case. */
int query_filter (struct store *s, const struct request *r, struct filter *f,
                  struct refusal *why);

/* Reads limit and cursor. */
int query_page (const struct request *r, struct page *page,
                struct refusal *why);

/* Reads a whole number from 'least' to 'most' into '*number', which is left
** as it is where the parameter is missing. */
int query_number (const struct request *r, const char *name, int least,
                  int most, int *number, struct refusal *why);

/* Notes a refusal; returns 0. Takes 'message'. */
int query_refuse (struct refusal *why, const char *field, char *message);

#endif
