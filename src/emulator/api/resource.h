/* SPDX-License-Identifier: MIT
**
** resource: what the API says of a kind of documents, and the handlers that
** serve any such kind. Each expects a resource as its route's subject and, if
** it is about one document, its id where the first "*" of the path is.
*/

#ifndef emulator_resource_h
#define emulator_resource_h

#include "check.h"

/* A value of "sortBy", and the SQL that orders documents ("value") by it. */
struct order {
  const char *name;
  const char *sql;
};

/* What is NULL or 0, the kind has not. */
struct resource {
  struct kind kind;
  /* codes of the catalog */
  const char *invalid_id;
  const char *not_found;
  const char *running; /* deleting one whose status is not terminal */
  const char *no_file; /* there is nothing to download; may be NULL */
  /* SQL that makes the answer to a delete of the JSON (?1) of what is gone;
  ** NULL: the JSON itself */
  const char *deleted;
  int waits;                  /* getting one takes wait, timeout and include */
  const char *download;       /* the path of the member that gives its URL */
  const char *costs;          /* SQL that makes its costs of its JSON (?1) */
  const struct order *orders; /* of a page; the first one is usual */
  /* a creation: its body, and queries about that as of check_body */
  const struct member_rule *takes;
  const char *const *wrong;
  const char *defaults;              /* JSON: members where the body has none */
  int created;                       /* status; 0: 201 */
  const struct member_rule *changes; /* the body of a change */
};

/* resource.c: lists without a form of their own, and single documents. */
void resource_list (struct call *c);
void resource_count (struct call *c);
void resource_get (struct call *c);
void resource_delete (struct call *c);
void resource_download (struct call *c);
void resource_costs (struct call *c);

/* page.c: a list as {items, nextCursor, totalCount}, with limit, cursor,
** searchQuery (in names) and sortBy. */
void resource_page (struct call *c);

/* edit.c: from a JSON body, of which members that no rule names are ignored.
** A creation whose body has the id of a document gives that. */
void resource_create (struct call *c);
void resource_change (struct call *c);

/* ---- For handlers of a resource's own ---- */

/* The id in the path: what the route's first "*" stands for. */
const char *resource_id (const struct call *c);

/* Its documents, as they are now. Not to be closed. */
struct scope resource_scope (const struct call *c, const struct resource *r);

/* Answers that an operation on the document with that id was not done. */
void resource_refuse (struct call *c, const struct resource *r, const char *id,
                      enum store_code code);

/* Adds a document, of whose kind 'r' is, and answers with it. */
void resource_add (struct call *c, const struct resource *r,
                   const char *document);

/* How queries of 'wrong' begin: SQL for the member and the message follows. */
#define WRONG "SELECT 400, 'generation_input_validation_failed', "

/* The one that refuses where a member is missing. */
#define MISSING(name)                                                          \
  WRONG "'" name "', '" name " is missing' WHERE json_extract(?1, '$." name    \
        "') IS NULL"

extern const struct resource generations; /* generations.c */
extern const struct resource projects;    /* projects.c */

/* projects.c: PUTs an asset into a project, and takes it out. */
void projects_attach (struct call *c);
void projects_detach (struct call *c);

#endif
