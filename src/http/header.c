/* SPDX-License-Identifier: MIT
**
** header: see header.h.
*/

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "header.h"


int header_is_name (const char *s) {
  const char *p = s;
  while ((*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z')
         || (*p >= '0' && *p <= '9')
         || (*p != '\0' && strchr("!#$%&'*+-.^_`|~", *p) != NULL))
    p++;
  return p > s && *p == '\0';
}


int header_is_value (const char *s) {
  for (; *s != '\0'; s++)
    if (((unsigned char)*s < ' ' && *s != '\t') || *s == '\177')
      return 0;
  return 1;
}


int header_is_key (const char *name) {
  return curl_strequal(name, "x-api-key");
}


int header_is_reserved (const char *name) {
  static const char *const reserved[] = {
    "accept-encoding",
    "connection",
    "content-length",
    "expect",
    "host",
    "keep-alive",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
  };
  size_t i;
  if (header_is_key(name))
    return 1;
  for (i = 0; i < sizeof(reserved) / sizeof(reserved[0]); i++)
    if (curl_strequal(name, reserved[i]))
      return 1;
  return 0;
}


/* Whether a line of ours ("name: value" or "name;") is of header 'name'. */
static int line_is (const char *line, const char *name, size_t n) {
  return curl_strnequal(line, name, n) && (line[n] == ':' || line[n] == ';');
}


static int list_has (const struct curl_slist *list, const char *name,
                     size_t n) {
  for (; list != NULL; list = list->next)
    if (line_is(list->data, name, n))
      return 1;
  return 0;
}


static enum http_refusal add_line (struct curl_slist **list, const char *line) {
  struct curl_slist *longer = curl_slist_append(*list, line);
  if (longer == NULL)
    return HTTP_NO_MEMORY;
  *list = longer;
  return HTTP_ACCEPTED;
}


/* Overwrites 'n' bytes; the compiler cannot remove it. */
static void wipe (void *p, size_t n) {
  volatile char *bytes = (volatile char *)p;
  while (n-- > 0)
    *bytes++ = '\0';
}


enum http_refusal header_add (struct curl_slist **list, const char *name,
                              const char *value) {
  size_t n = strlen(name), v = strlen(value);
  enum http_refusal refusal;
  char *line;
  if (!header_is_name(name) || !header_is_value(value))
    return HTTP_HEADER_MALFORMED;
  if (list_has(*list, name, n))
    return HTTP_ACCEPTED;
  line = (char *)malloc(n + v + 3);
  if (line == NULL)
    return HTTP_NO_MEMORY;
  memcpy(line, name, n);
  if (v == 0)
    memcpy(line + n, ";", 2); /* libcurl's way to write an empty header */
  else {
    memcpy(line + n, ": ", 2);
    memcpy(line + n + 2, value, v + 1);
  }
  refusal = add_line(list, line);
  wipe(line, strlen(line));
  free(line);
  return refusal;
}


enum http_refusal header_suppress (struct curl_slist **list, const char *name) {
  char line[32];
  if (list_has(*list, name, strlen(name)))
    return HTTP_ACCEPTED;
  snprintf(line, sizeof(line), "%s:", name);
  return add_line(list, line);
}


enum http_refusal header_add_all (struct curl_slist **list,
                                  const struct curl_slist *more) {
  for (; more != NULL; more = more->next) {
    enum http_refusal refusal = HTTP_ACCEPTED;
    if (!list_has(*list, more->data, strcspn(more->data, ":;")))
      refusal = add_line(list, more->data);
    if (refusal != HTTP_ACCEPTED)
      return refusal;
  }
  return HTTP_ACCEPTED;
}


static int has_in_common (const struct curl_slist *list,
                          const struct curl_slist *more) {
  while (more != NULL && !list_has(list, more->data, strcspn(more->data, ":;")))
    more = more->next;
  return more != NULL;
}


enum http_refusal header_join (struct curl_slist **list,
                               struct curl_slist *more,
                               struct curl_slist **shared) {
  struct curl_slist *last = *list;
  *shared = NULL;
  if (last == NULL || has_in_common(last, more))
    return header_add_all(list, more);
  while (last->next != NULL)
    last = last->next;
  last->next = *shared = more;
  return HTTP_ACCEPTED;
}


void header_cut (struct curl_slist *list, const struct curl_slist *shared) {
  for (; list != NULL && shared != NULL; list = list->next)
    if (list->next == shared)
      list->next = NULL;
}


void header_wipe (struct curl_slist *list) {
  struct curl_slist *node;
  for (node = list; node != NULL; node = node->next)
    wipe(node->data, strlen(node->data));
  curl_slist_free_all(list);
}


/* Cuts white space off both ends of 's'. */
static const char *trim (const char *s, size_t *length) {
  size_t n = *length;
  while (n > 0 && strchr(" \t\r\n", s[n - 1]) != NULL)
    n--;
  while (n > 0 && (*s == ' ' || *s == '\t')) {
    s++;
    n--;
  }
  *length = n;
  return s;
}


/* Takes the first line off the text, with the white space around its value.
** False for one that is no header, such as the status line. */
static int take_line (const char **lines, size_t *size,
                      struct header_field *field) {
  const char *feed = (const char *)memchr(*lines, '\n', *size), *colon;
  size_t line = feed == NULL ? *size : (size_t)(feed - *lines) + 1;
  field->name = *lines;
  *lines += line;
  *size -= line;
  colon = (const char *)memchr(field->name, ':', line);
  if (colon == NULL)
    return 0;
  field->name_length = (size_t)(colon - field->name);
  field->value_length = line - field->name_length - 1;
  field->value = colon + 1;
  return memchr(field->name, ' ', field->name_length) == NULL;
}


int header_next (const char **lines, size_t *size, struct header_field *field) {
  while (*size > 0)
    if (take_line(lines, size, field)) {
      field->value = trim(field->value, &field->value_length);
      return 1;
    }
  return 0;
}


const char *header_find (const char *lines, size_t size, const char *name,
                         size_t *length) {
  size_t n = strlen(name);
  struct header_field field;
  while (size > 0)
    if (take_line(&lines, &size, &field) && field.name_length == n
        && curl_strnequal(field.name, name, n)) {
      *length = field.value_length;
      return trim(field.value, length);
    }
  return NULL;
}
