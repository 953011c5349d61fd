/* SPDX-License-Identifier: MIT
**
** fault: answers that go wrong on purpose: which there are to come, and what
** is wrong with them. Knows nothing of how that is carried out.
*/

#ifndef emulator_fault_h
#define emulator_fault_h

#include "../store/text.h"

#include <pthread.h>
#include <stdint.h>

/* What becomes of a job. A failed one carries the fault's code, or a usual
** one. */
enum outcome { OUTCOME_USUAL, OUTCOME_FAILED, OUTCOME_REJECTED };

struct fault {
  char *route;     /* "list", "get"...; "*": all */
  int64_t status;  /* 0: the usual answer, else this one instead */
  char *body;      /* NULL: an error body as the service would send */
  char *code;      /* of that body; NULL: what is usual with the status */
  int64_t outcome; /* of the job that the request creates */
  char *headers;   /* lines "Name: value\n", or NULL */
  double delay;    /* seconds before the answer */
  double drip;     /* bytes a second; 0: no limit */
  int64_t cut;     /* bytes of body before the connection ends; -1: all */
  int64_t reset;   /* the connection is reset instead of an answer */
  int64_t perform; /* the request is carried out although its answer is
                      replaced or lost */
  int64_t early;   /* the answer comes before the request's body */
  int64_t tell_id; /* the error's body names what was made */
  int64_t skip;    /* matching requests that pass first */
  int64_t times;   /* how often it happens; 0: every time from then on */
  struct fault *next;
  int users; /* beyond its one owner: the list, or who took it last */
};

extern const char *const fault_outcomes[]; /* as statuses */

struct faults {
  pthread_mutex_t lock;
  struct names routes;
  struct fault *first;
};

/* 'routes' are the names that a fault's route may have beside "*". */
void faults_open (struct faults *f, struct names routes);

/* Forgets all that are still to come. */
void faults_clear (struct faults *f);

void faults_close (struct faults *f);

/* Adds one, described by a JSON object, after the others. Where it is refused,
** returns 0 and sets '*why' to the reason, to be freed; NULL: no memory. */
int faults_add (struct faults *f, const char *json, size_t length, char **why);

/* Takes the first fault for a request to 'route', if there is one: of the early
** ones before the body, else of the others. */
struct fault *faults_take (struct faults *f, const char *route, int early);

/* To be called when that is done with it. NULL is allowed. */
void faults_give_back (struct faults *f, struct fault *fault);

#endif
