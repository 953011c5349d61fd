/* SPDX-License-Identifier: MIT
**
** header: request headers, as libcurl's lists, and response headers, as text.
*/

#ifndef lipsync_header_h
#define lipsync_header_h

#include <curl/curl.h>

#include "buf.h"
#include "http.h"

/* Appends "name: value" to '*list' (which it replaces), unless the list has
** a header of that name already. */
enum http_refusal header_add (struct curl_slist **list, const char *name,
                              const char *value);

/* Appends copies of all of 'more' whose names '*list' does not have. */
enum http_refusal header_add_all (struct curl_slist **list,
                                  const struct curl_slist *more);

/* Ends '*list' with 'more' itself, if they have no name in common: then that is
** '*shared', to be cut off before the list is freed. Else as header_add_all. */
enum http_refusal header_join (struct curl_slist **list,
                               struct curl_slist *more,
                               struct curl_slist **shared);

/* Cuts that off; NULL: nothing was shared. */
void header_cut (struct curl_slist *list, const struct curl_slist *shared);

/* Whether 's' can be a header's name: a token of RFC 9110. */
int header_is_name (const char *s);

/* Keeps libcurl from sending a header 'name' that '*list' does not have. */
enum http_refusal header_suppress (struct curl_slist **list, const char *name);

/* Whether 's' can be a header's value: a line break in it would begin another
** header, or the body. */
int header_is_value (const char *s);

/* Whether only the client may set a header: the key's, and those that frame or
** encode the message. */
int header_is_reserved (const char *name);

/* Whether it is the header of the API key. */
int header_is_key (const char *name);

/* Overwrites every line with zeros, then frees the list. */
void header_wipe (struct curl_slist *list);

/* A header of a response, as it is in the text. */
struct header_field {
  const char *name;
  const char *value; /* white space around it left out */
  size_t name_length;
  size_t value_length;
};

/* Takes the next header off 'lines', each ending in a line feed. False when
** there is none. */
int header_next (const char **lines, size_t *size, struct header_field *field);

/* The value of the first header 'name' among 'lines', each ending in a line
** feed; white space around it left out. NULL when there is none. */
const char *header_find (const char *lines, size_t size, const char *name,
                         size_t *length);

#endif
