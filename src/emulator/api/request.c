/* SPDX-License-Identifier: MIT
**
** request: see request.h.
*/

#include "request.h"
#include "../store/text.h"

#include <string.h>

/* Splits at '/' before decoding, so an encoded slash stays in its segment.
** One slash at the end is allowed, as the service allows it. */
static void parse_path (struct request *r, char *path) {
  if (*path++ != '/') {
    r->segment_count = -1;
    return;
  }
  while (path != NULL && *path != '\0') {
    char *slash = strchr(path, '/');
    if (slash != NULL)
      *slash++ = '\0';
    if (r->segment_count == SEGMENTS_MAX) {
      r->segment_count = -1;
      return;
    }
    if (!text_unescape(path, 0))
      r->bad_escape = 1;
    r->segments[r->segment_count++] = path;
    path = slash;
  }
}

/* "status[]" and "status[0]" are ways to write a repeated "status". */
static void cut_brackets (char *name) {
  char *open = strchr(name, '[');
  if (open != NULL && open != name && name[strlen(name) - 1] == ']')
    *open = '\0';
}

static void parse_query (struct request *r, char *query) {
  while (query != NULL && r->param_count < PARAMS_MAX) {
    char *next = strchr(query, '&'), *value;
    if (next != NULL)
      *next++ = '\0';
    value = strchr(query, '=');
    if (value != NULL)
      *value++ = '\0';
    else
      value = query + strlen(query);
    text_unescape(query, 1);
    if (*value != '\0')
      text_unescape(value, 1);
    cut_brackets(query);
    r->params[r->param_count].name = query;
    r->params[r->param_count++].value = value;
    query = next;
  }
}

/* Where the path begins: a proxy may ask for "http://host/path". */
static const char *skip_origin (const char *target) {
  const char *path;
  if (strncmp(target, "http://", 7) != 0)
    return target;
  path = strpbrk(target + 7, "/?");
  return path != NULL && *path == '/' ? path : "/";
}

int request_parse (struct request *r) {
  const char *path = skip_origin(r->target);
  char *query;
  r->memory = text_copy(path, strlen(path));
  if (r->memory == NULL)
    return 0;
  query = strchr(r->memory, '?');
  if (query != NULL)
    *query++ = '\0';
  parse_path(r, r->memory);
  parse_query(r, query);
  return 1;
}

void request_free (struct request *r) {
  sqlite3_free(r->memory);
  r->memory = NULL;
}

const char *request_header (const struct request *r, const char *name) {
  return r->header != NULL ? r->header(r->headers, name) : NULL;
}

char *request_values (const struct request *r, const char *name) {
  return r->values != NULL ? r->values(r->headers, name) : NULL;
}

const char *request_param (const struct request *r, const char *name,
                           int *repeated) {
  const char *value = NULL;
  int i;
  *repeated = 0;
  for (i = 0; i < r->param_count; i++) {
    if (strcmp(r->params[i].name, name) != 0 || *r->params[i].value == '\0')
      continue;
    *repeated = value != NULL;
    value = r->params[i].value;
  }
  return value;
}
