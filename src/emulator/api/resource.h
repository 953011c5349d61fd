/* SPDX-License-Identifier: MIT
**
** resource: what the API says of a kind of documents, and the handlers that
** serve any such kind. Each expects a resource as its route's subject and, if
** it is about one document, its id as the third segment of the path.
*/

#ifndef emulator_resource_h
#define emulator_resource_h

#include "routes.h"

struct resource {
  struct kind kind;
  const char *invalid_id; /* codes of the catalog */
  const char *not_found;
  const char *running;  /* deleting one whose status is not terminal */
  int waits;            /* getting one takes wait, timeout and include */
  const char *download; /* the path of the member that gives its URL */
  const char *costs;    /* SQL that makes its costs of its JSON (?1) */
};

void resource_list (struct call *c);
void resource_count (struct call *c);
void resource_get (struct call *c);
void resource_delete (struct call *c);
void resource_download (struct call *c);
void resource_costs (struct call *c);

extern const struct resource generations; /* generations.c */

#endif
