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


/* Headers of a request before those of its session. */
static void test_join (void) {
  struct curl_slist *own = NULL, *shared = NULL, *session = NULL;
  size_t n = 0;
  const struct curl_slist *line;
  CHECK(header_add(&session, "Accept", "a") == HTTP_ACCEPTED);
  CHECK(header_add(&session, NAME, VALUE) == HTTP_ACCEPTED);
  CHECK(header_add(&own, "X-Own", "b") == HTTP_ACCEPTED);
  CHECK(header_join(&own, session, &shared) == HTTP_ACCEPTED);
  for (line = own; line != NULL; line = line->next)
    n++;
  CHECK(n == 3 && shared == session);
  header_cut(own, shared);
  CHECK(own->next == NULL && session->next != NULL);
  CHECK(header_add(&own, "accept", "mine") == HTTP_ACCEPTED);
  CHECK(header_join(&own, session, &shared) == HTTP_ACCEPTED);
  CHECK(shared == NULL); /* the other is a copy */
  header_cut(own, shared);
  for (n = 0, line = own; line != NULL; line = line->next)
    n++;
  CHECK(n == 3);
  header_wipe(own);
  header_wipe(session);
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
  test_join();
  test_reserved();
  return check_end();
}
