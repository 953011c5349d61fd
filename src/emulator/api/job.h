/* SPDX-License-Identifier: MIT
**
** job: work that a request begins and time ends, other than generations. A
** descriptor says what a kind of jobs is; the handlers serve any of them.
*/

#ifndef emulator_job_h
#define emulator_job_h

#include "check.h"
#include "resource.h"

struct job {
  struct resource resource; /* first: what takes that takes a job, too */
  const struct member_rule *rules;
  const char *const *wrong_sql; /* see check_body */
  const char *document_sql;     /* makes the document of the body (?1) */
  /* Gives, of the body (?1) and the header Idempotency-Key (?2): the key under
  ** which a repeat finds the same job, what the two must have in common, and
  ** whether the key is refused. NULL: each request makes a job. */
  const char *key_sql;
  int status; /* of the response to the request that begins it */
  int pause;  /* the seconds after which to look again; 0: it does not say */
};

/* POST: begins one. */
void job_create (struct call *c);

/* GET of one by its id. */
void job_get (struct call *c);

#endif
