/* SPDX-License-Identifier: MIT
**
** routes: which request is answered by what. Knows nothing of the library
** that receives requests and sends responses.
*/

#ifndef emulator_routes_h
#define emulator_routes_h

#include "request.h"
#include "response.h"
#include "../service/service.h"

/* A request that is being answered. */
struct call {
  struct service *service;
  const struct request *request;
  char *org;                 /* of the key; NULL where the route needs none */
  const struct fault *fault; /* that spoils the answer, or NULL */
  struct response *response;
};

struct route {
  const char *name; /* as faults call it */
  const char *method;
  const char *path; /* "*" stands for any one segment */
  void (*handle)(struct call *c);
  const void *subject; /* what the handler is about; it knows the type */
  int open;            /* needs no key */
  size_t body_max;     /* bytes of a request's body; 0: it is not read */
};

/* The routes of the service (operations.c) and those of /_emulator
** (control.c); each table ends with a row without a name. */
extern const struct route api_routes[];
extern const struct route control_routes[];

/* What the service offers by these routes (operations.c). */
extern const struct offer api_offer;

/* Finds the route of a request, NULL where there is none. */
void routes_find (struct request *r);

/* Answers a request before its body, where that has to be. 'waits': its client
** sends the body only if asked to, or it is so large that nobody wants to read
** it. Sets '*fault' as routes_answer returns it. */
int routes_answer_early (struct service *s, struct request *r, int waits,
                         struct response *response, struct fault **fault);

/* Lets the route take the body as it comes, if it does. */
void routes_begin_body (struct service *s, struct request *r);

/* Answers a request. Returns the fault that goes with the response, or NULL.
** The caller carries it out and gives it back. */
struct fault *routes_answer (struct service *s, struct request *r,
                             struct response *response);

/* Whether a request is to /_emulator, which is kept out of the log. */
int routes_is_control (const struct request *r);

#endif
