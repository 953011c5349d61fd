/* SPDX-License-Identifier: MIT
**
** routes: which request is answered by what. Knows nothing of the library
** that receives requests and sends answers.
*/

#ifndef emulator_routes_h
#define emulator_routes_h

#include "response.h"
#include "request.h"
#include "../service/service.h"

typedef void (*handler)(struct service *s, const struct request *r,
                        const char *org, struct response *response);

struct route {
  const char *name; /* as faults call it; NULL: not open to faults */
  const char *method;
  const char *path; /* "*" stands for any one segment */
  int open;         /* needs no key */
  handler handle;
};

/* The service's own (api.c) and those of /_emulator (control.c); each ends
** with an entry without a method. */
extern const struct route api_routes[];
extern const struct route control_routes[];

/* The names of the service's own. */
extern const struct names routes_names;

/* Answers a request. Returns the fault that goes with the answer, which the
** caller carries out and frees, or NULL. */
struct fault *routes_answer (struct service *s, struct request *r,
                             struct response *response);

/* Whether a request is to /_emulator, which is kept out of the request log. */
int routes_is_control (const struct request *r);

#endif
