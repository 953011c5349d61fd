/* SPDX-License-Identifier: MIT
**
** Unit test of src/http/header.c, on lists of its own in place of libcurl's:
** no copy of the key is left in what is freed.
*/

#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "check.h"

#define NAME  "x-api-key"
#define VALUE "kkkkkkkkkkkk"
#define SIZE  (sizeof(NAME ": " VALUE) - 1) /* of each text that is freed */

static unsigned freed, leaks;


static void own_free (void *text) {
  freed++;
  leaks += memchr(text, 'k', SIZE) != NULL;
  free(text);
}


static struct curl_slist *own_append (struct curl_slist *list,
                                      const char *line) {
  struct curl_slist *node = (struct curl_slist *)malloc(sizeof(*node));
  node->data = strdup(line);
  node->next = list;
  return node;
}


static void own_free_all (struct curl_slist *list) {
  while (list != NULL) {
    struct curl_slist *next = list->next;
    own_free(list->data);
    free(list);
    list = next;
  }
}

#define curl_slist_append   own_append
#define curl_slist_free_all own_free_all
#define free                own_free
#include "../../src/http/header.c"
#undef free


static void test_wipe (void) {
  struct curl_slist *list = NULL, *copy = NULL;
  CHECK(header_add(&list, NAME, VALUE) == HTTP_ACCEPTED);
  CHECK(freed == 1); /* the line was copied */
  CHECK(header_add_all(&copy, list) == HTTP_ACCEPTED);
  header_wipe(list);
  header_wipe(copy);
  CHECK(freed == 3);
  CHECK(leaks == 0);
}


static void test_reserved (void) {
  static const char *const names[] = {"X-API-Key",  "Accept-Encoding",
                                      "connection", "Content-Length",
                                      "EXPECT",     "host",
                                      "Keep-Alive", "TE",
                                      "Trailer",    "Transfer-Encoding",
                                      "upgrade"};
  size_t i;
  for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
    CHECK_SAYS(header_is_reserved(names[i]), "%s is free", names[i]);
  CHECK(!header_is_reserved("T"));
  CHECK(!header_is_reserved("TEE"));
  CHECK(!header_is_reserved("Accept"));
}


int main (void) {
  test_wipe();
  test_reserved();
  return check_end();
}
