/* SPDX-License-Identifier: MIT
**
** query: reads query parameters by the service's rules. Where one is refused,
** these return 0 and have answered with 400, naming the parameter.
*/

#ifndef emulator_query_h
#define emulator_query_h

#include "routes.h"

/* Reads a kind's filters, for the caller's organization and this moment. The
** scope is to be closed in either case. */
int query_scope (struct call *c, const struct kind *kind, struct scope *scope);

/* Reads a parameter that may come once; NULL where it is missing or empty. */
int query_text (struct call *c, const char *name, const char **text);

/* Reads a whole number from 'least' to 'most' into '*number', which is left
** as it is where the parameter is missing. */
int query_number (struct call *c, const char *name, int least, int most,
                  int *number);

/* Answers with 400 and the message, which it frees; returns 0. */
int query_refuse (struct call *c, const char *name, char *message);

#endif
