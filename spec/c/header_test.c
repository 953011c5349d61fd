/* SPDX-License-Identifier: MIT
**
** Unit test of src/http/header.c, on lists of its own in place of libcurl's:
** no copy of the key is left in what is freed; which headers can be sent, and
** which are there already; what is found in a response's lines.
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


static void test_texts (void) {
  static const char *const names[] = {"a", "Z9", "zA0", "!#$%&'*+-.^_`|~"};
  static const char *const no_names[] = {
    "", "a b", "a:", "a@", "[", "/", "{", "\"", "(", "\177", "\303\244"};
  static const char *const values[] = {"", " ", "a\tb", "~", "\200\377"};
  static const char *const no_values[] = {"a\n", "\r", "\037", "\177", "\1"};
  size_t i;
  for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
    CHECK_SAYS(header_is_name(names[i]), "%s is refused", names[i]);
  for (i = 0; i < sizeof(no_names) / sizeof(no_names[0]); i++)
    CHECK_SAYS(!header_is_name(no_names[i]), "%s is taken", no_names[i]);
  for (i = 0; i < sizeof(values) / sizeof(values[0]); i++)
    CHECK_SAYS(header_is_value(values[i]), "value %lu", (unsigned long)i);
  for (i = 0; i < sizeof(no_values) / sizeof(no_values[0]); i++)
    CHECK_SAYS(!header_is_value(no_values[i]), "no value %lu",
               (unsigned long)i);
  CHECK(header_is_key("X-API-KEY") && !header_is_key("x-api-keys"));
}


/* The first of a name counts, also an empty one, and one that is suppressed. */
static void test_add (void) {
  struct curl_slist *list = NULL;
  CHECK(header_add(&list, "a b", "c") == HTTP_HEADER_MALFORMED);
  CHECK(header_add(&list, "a", "\n") == HTTP_HEADER_MALFORMED);
  CHECK(list == NULL);
  CHECK(header_add(&list, "X-A", "") == HTTP_ACCEPTED);
  CHECK(strcmp(list->data, "X-A;") == 0);
  CHECK(header_add(&list, "x-a", "1") == HTTP_ACCEPTED && list->next == NULL);
  CHECK(header_add(&list, "X-Ab", "2") == HTTP_ACCEPTED);
  CHECK(strcmp(list->data, "X-Ab: 2") == 0);
  CHECK(header_add(&list, "X", "3") == HTTP_ACCEPTED);
  CHECK(strcmp(list->data, "X: 3") == 0);
  CHECK(header_suppress(&list, "Expect") == HTTP_ACCEPTED);
  CHECK(strcmp(list->data, "Expect:") == 0);
  CHECK(header_add(&list, "expect", "4") == HTTP_ACCEPTED);
  CHECK(header_suppress(&list, "x-ab") == HTTP_ACCEPTED);
  CHECK(strcmp(list->data, "Expect:") == 0);
  header_wipe(list);
}


static const char lines[] =
  "HTTP/1.1 200 OK: well\r\n"
  "X-A: 1\r\n"
  "x-bc:\t 2 3\t \r\n"
  "X-A: 4\r\n"
  "none\r\n"
  "sp ace: 5\r\n"
  "Empty:\r\n"
  "Last: 6";

static void test_find (void) {
  static const struct {
    const char *name, *value;
  } cases[] = {
    {"x-a", "1"},   {"X-BC", "2 3"},  {"empty", ""},
    {"last", "6"},  {"x-b", NULL},    {"x-bcd", NULL},
    {"none", NULL}, {"sp ace", NULL}, {"http/1.1 200 ok", NULL},
    {"x-a:", NULL}, {"", NULL},
  };
  size_t i, n = 99;
  for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
    const char *found = header_find(lines, strlen(lines), cases[i].name, &n);
    CHECK_SAYS((found == NULL) == (cases[i].value == NULL), "%s",
               cases[i].name);
    if (found != NULL && cases[i].value != NULL)
      CHECK_SAYS(n == strlen(cases[i].value)
                   && memcmp(found, cases[i].value, n) == 0,
                 "%s: %.*s", cases[i].name, (int)n, found);
  }
}


static void test_next (void) {
  static const char *const names[] = {"X-A", "x-bc", "X-A", "Empty", "Last"};
  const char *at = lines;
  size_t size = strlen(lines), i;
  struct header_field field;
  for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
    CHECK_SAYS(header_next(&at, &size, &field)
                 && field.name_length == strlen(names[i])
                 && memcmp(field.name, names[i], field.name_length) == 0,
               "%s", names[i]);
  CHECK(field.value_length == 1 && *field.value == '6');
  CHECK(!header_next(&at, &size, &field) && size == 0);
}


int main (void) {
  test_wipe();
  test_join();
  test_reserved();
  test_texts();
  test_add();
  test_find();
  test_next();
  return check_end();
}
