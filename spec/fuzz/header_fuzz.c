/* SPDX-License-Identifier: MIT
**
** Fuzzing of header lines: those that came, in which a name is looked for,
** and those to be sent, which must never become two. The input is a name, a
** line feed, a value, a line feed, and the lines.
*/

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "header.h"

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);


static void expect (int condition) {
  if (!condition)
    abort();
}


/* Up to a line feed, as a string of its own. */
static char *take_line (const uint8_t **data, size_t *size) {
  const uint8_t *feed = (const uint8_t *)memchr(*data, '\n', *size);
  size_t n = feed == NULL ? *size : (size_t)(feed - *data);
  char *line = (char *)malloc(n + 1);
  memcpy(line, *data, n);
  line[n] = '\0';
  *data += n;
  *size -= n;
  if (*size > 0) {
    (*data)++;
    (*size)--;
  }
  return line;
}


static void send_one (const char *name, const char *value) {
  struct curl_slist *list = NULL, *copy = NULL;
  enum http_refusal refusal = header_add(&list, name, value);
  const struct curl_slist *line;
  expect(refusal == HTTP_ACCEPTED || refusal == HTTP_HEADER_MALFORMED);
  expect((refusal == HTTP_ACCEPTED) == (list != NULL));
  (void)header_is_reserved(name);
  for (line = list; line != NULL; line = line->next)
    expect(strpbrk(line->data, "\r\n") == NULL);
  /* the first one of a name counts */
  if (list != NULL) {
    expect(header_add(&list, name, "other") == HTTP_ACCEPTED);
    expect(list->next == NULL);
    expect(header_add_all(&copy, list) == HTTP_ACCEPTED);
    expect(copy != NULL && copy->next == NULL);
  }
  header_wipe(list);
  header_wipe(copy);
}


static void find_one (const char *name, const uint8_t *data, size_t size) {
  char *lines = (char *)malloc(size + 1);
  size_t length = 0;
  const char *value;
  memcpy(lines, data, size);
  value = header_find(lines, size, name, &length);
  if (value != NULL) {
    expect(value >= lines && length <= size);
    expect(value + length <= lines + size);
    expect(memchr(value, '\n', length) == NULL);
  }
  free(lines);
}


int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size) {
  char *name = take_line(&data, &size);
  char *value = take_line(&data, &size);
  send_one(name, value);
  find_one(name, data, size);
  find_one("retry-after", data, size);
  free(name);
  free(value);
  return 0;
}
