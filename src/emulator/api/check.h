/* SPDX-License-Identifier: MIT
**
** check: whether a JSON body has what its operation may be given. Members that
** no rule knows are ignored, and null is as if absent.
*/

#ifndef emulator_check_h
#define emulator_check_h

#include "routes.h"

enum member_type {
  MEMBER_TEXT,   /* of 'least' to 'most' characters */
  MEMBER_NUMBER, /* from 'least' to 'most' */
  MEMBER_WHOLE,  /* likewise */
  MEMBER_FLAG,
  MEMBER_UUID,
  MEMBER_OBJECT,
  MEMBER_ARRAY
};

/* What the values at a path may be; a table ends with a NULL path. */
struct member_rule {
  const char *path; /* such as input[].url; "[]" stands for any element */
  enum member_type type;
  double least, most;
  const char *const *words; /* what a text may be; NULL: anything */
};

/* Refuses what is no JSON; returns 0 then. */
int check_json (struct call *c, const char *json, size_t length);

/* Checks each value by its rule, then by queries (NULL ends them), which give a
** row of status, code, field and message for what is wrong with the body (?1).
** Returns 0 where it has refused the request. */
int check_body (struct call *c, const char *json, size_t length,
                const struct member_rule *rules, const char *const *wrong_sql);

#endif
