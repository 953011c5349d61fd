/* SPDX-License-Identifier: MIT
**
** intake: a request's body that is taken as it comes, because it may be larger
** than memory, and what is refused before it comes.
*/

#ifndef emulator_intake_h
#define emulator_intake_h

#include "routes.h"

struct intake {
  void (*handle)(struct call *c); /* of the routes that take it so */
  /* Looks at the head; answers and returns 1 where that is enough to refuse. */
  int (*refuse)(struct call *c);
  /* Makes what takes the body; NULL: it is kept as usual, because it is of
  ** another type, or lost, because it is refused. */
  void *(*begin)(struct call *c);
  void (*add)(void *state, const char *data, size_t size);
  void (*close)(void *state);
};

/* The intake of a route (or NULL), or NULL: operations.c. */
const struct intake *intake_of (const struct route *route);

extern const struct intake form_intake;   /* form.c */
extern const struct intake assets_intake; /* assets.c */

#endif
