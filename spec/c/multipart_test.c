/* SPDX-License-Identifier: MIT
**
** Unit tests of the emulator's multipart reader: each body is fed whole and in
** pieces of every small size, and must give the same parts.
*/

#include "check.h"
#include "../../src/emulator/api/multipart.h"

#include <stdlib.h>
#include <string.h>

/* The parts as one text: "name|file|type|data;". */
struct seen {
  char text[4096];
  size_t length;
  int stop; /* after so many calls; 0: never */
};


static int add (struct seen *s, const char *text, size_t size) {
  if (s->length + size < sizeof(s->text)) {
    memcpy(s->text + s->length, text, size);
    s->length += size;
    s->text[s->length] = '\0';
  }
  return s->stop == 0 || --s->stop > 0;
}


static int begin (void *arg, const struct multipart_part *part) {
  const char *fields[3];
  struct seen *s = (struct seen *)arg;
  int i, stop = s->stop;
  fields[0] = part->name;
  fields[1] = part->file_name != NULL ? part->file_name : "-";
  fields[2] = part->type != NULL ? part->type : "-";
  s->stop = 0;
  for (i = 0; i < 3; i++) {
    add(s, fields[i], strlen(fields[i]));
    add(s, "|", 1);
  }
  s->stop = stop;
  return add(s, "", 0);
}


static int data (void *arg, const char *bytes, size_t size) {
  CHECK(size > 0);
  return add((struct seen *)arg, bytes, size);
}


static int end (void *arg) {
  return add((struct seen *)arg, ";", 1);
}


static const struct multipart_reader reader = {begin, data, end};


/* Feeds a body in pieces of so many bytes. */
static int read_in (const char *boundary, const char *body, size_t size,
                    size_t piece, struct seen *s, const char **why) {
  struct multipart m;
  size_t at;
  memset(s, 0, sizeof(*s));
  multipart_open(&m, boundary, &reader, s);
  for (at = 0; at < size; at += piece) {
    char *copy; /* so that a sanitizer sees each piece's end */
    size_t n = size - at < piece ? size - at : piece;
    copy = (char *)malloc(n);
    memcpy(copy, body + at, n);
    if (!multipart_feed(&m, copy, n)) {
      free(copy);
      break;
    }
    free(copy);
  }
  *why = "";
  if (multipart_finish(&m))
    return 1;
  *why = m.state == MULTIPART_BAD ? m.why : "stopped";
  return 0;
}


/* A body must give these parts; NULL: be refused for the reason 'why'. */
static void expect_of (const char *body, size_t size, const char *parts,
                       const char *why) {
  size_t piece;
  for (piece = 1; piece <= size; piece = piece < 9 ? piece + 1 : size + 1) {
    struct seen s;
    const char *said;
    int good = read_in("ab", body, size, piece, &s, &said);
    CHECK_SAYS(good == (parts != NULL), "piece %d: %s: %s", (int)piece, said,
               body);
    if (parts != NULL)
      CHECK_SAYS(strcmp(s.text, parts) == 0, "piece %d: %s, not %s", (int)piece,
                 s.text, parts);
    else
      CHECK_SAYS(strstr(said, why) != NULL, "%s, not %s", said, why);
  }
}


static void expect (const char *body, const char *parts) {
  expect_of(body, strlen(body), parts, "");
}


static void refuse (const char *body, const char *why) {
  expect_of(body, strlen(body), NULL, why);
}


#define FIELD(disposition)                                                     \
  "--ab\r\nContent-Disposition: " disposition "\r\n\r\nx\r\n--ab--"

static void reads_parts (void) {
  expect(FIELD("form-data; name=\"n\""), "n|-|-|x;");
  expect(
    "--ab\r\n"
    "Content-Disposition: form-data; name=\"a\"; filename=\"b.mp4\"\r\n"
    "Content-Type: video/mp4\r\n\r\n1\r\n--ab\r\n"
    "content-type:text/plain\r\n"
    "content-disposition:form-data;name=c\r\n\r\n2\r\n--ab--\r\n",
    "a|b.mp4|video/mp4|1;c|-|text/plain|2;");
  expect(
    "This is ignored.\r\n--a\r\n--ab \t\r\nContent-Disposition:\r\n"
    " form-data;\r\n\tname=\"n\"\r\n\r\nx\r\n--ab-- and this",
    "n|-|-|x;");
  expect("--ab--", "");
}


static void reads_names (void) {
  expect(FIELD("form-data; name=\"a;b=c\""), "a;b=c|-|-|x;");
  expect(FIELD("form-data; name=\"a\\\"b\\\\c\\d\""), "a\"b\\c\\d|-|-|x;");
  expect(FIELD("form-data; name=\"a%22b%0D%0ac%2e\""), "a\"b\r\nc%2e|-|-|x;");
  expect(FIELD("FORM-DATA ; NAME = n ; filename=\"\xc3\xa9%22\" ; x=1;"),
         "n|\xc3\xa9\"|-|x;");
  expect(FIELD("form-data; filename=\"\"; name=n"), "n||-|x;");
  expect(FIELD("form-data; name=n; filename*=UTF-8''a%20b"),
         "n|UTF-8''a%20b|-|x;");
  expect(FIELD("form-data; filename=\"name=no\"; name=\"yes\""),
         "yes|name=no|-|x;");
}


static void tells_data_from_delimiters (void) {
#define N "--ab\r\nContent-Disposition: form-data; name=n\r\n\r\n"
  expect(N "\r\n--ab--", "n|-|-|;");
  expect(N "--ab--", "n|-|-|;");
  expect(N "--a\r\n--ab--", "n|-|-|--a;");
  expect(N "\r\n\r\n--ab--", "n|-|-|\r\n;");
  expect(N "\r\r\n\r\n-\r\n--\r\n--a\r\n--aa\r\r\n--ab--",
         "n|-|-|\r\r\n\r\n-\r\n--\r\n--a\r\n--aa\r;");
  expect(N
         "--ab"
         "c\n--ab\r--ab--\r\n--ab--",
         NULL);
}


static void takes_any_bytes (void) {
  static const char body[] = N "\0\xff\0\r\n--ab--";
  struct seen s;
  const char *why;
  CHECK(read_in("ab", body, sizeof(body) - 1, 3, &s, &why));
  CHECK(s.length == 10 && memcmp(s.text, "n|-|-|\0\xff\0;", 10) == 0);
}


static void refuses (void) {
  refuse("", "ends before");
  refuse("--ab\r\n", "ends before");
  refuse(N "x\r\n--ab", "ends before");
  refuse(N "x\r\n--ab-", "ends before");
  refuse(N "x\r\n--abc\r\n", "end of its line");
  refuse(N "x\r\n--ab-x", "end of its line");
  refuse(N "x\r\n--ab\n", "end of its line");
  refuse("--ab\r\n\r\nx\r\n--ab--", "no Content-Disposition");
  refuse(FIELD("attachment; name=n"), "no Content-Disposition");
  refuse(FIELD("form-data"), "no name");
  refuse(FIELD("form-data; name=\"n"), "no name");
  refuse(FIELD("form-data; name=n; name=n"), "no name");
  refuse(FIELD("form-data; name=n; filename=\"x"), "no name");
  refuse(
    "--ab\r\nContent-Disposition: form-data; name=n\r\n"
    "Content-Transfer-Encoding: base64\r\n\r\nx\r\n--ab--",
    "Content-Transfer-Encoding");
}


static void keeps_to_its_memory (void) {
  struct seen s;
  const char *why;
  char *body = (char *)malloc(HEADERS_MAX + 100);
  memset(body, 'x', HEADERS_MAX + 100);
  memcpy(body, "--ab\r\n", 6);
  CHECK(!read_in("ab", body, HEADERS_MAX + 100, 7, &s, &why));
  CHECK(strstr(why, "too long") != NULL);
  free(body);
}


static void stops (void) {
  int calls;
  for (calls = 1; calls <= 3; calls++) {
    struct seen s;
    struct multipart m;
    memset(&s, 0, sizeof(s));
    s.stop = calls;
    multipart_open(&m, "ab", &reader, &s);
    CHECK(!multipart_feed(&m, FIELD("form-data; name=n"),
                          strlen(FIELD("form-data; name=n"))));
    CHECK(m.state == MULTIPART_STOPPED);
    CHECK(!multipart_feed(&m, "x", 1));
    CHECK(!multipart_finish(&m));
  }
}


static void finds_boundaries (void) {
  static const struct {
    const char *type, *boundary;
  } cases[] = {
    {"multipart/form-data; boundary=ab", "ab"},
    {"Multipart/Form-Data;BOUNDARY=\"a b\"", "a b"},
    {"multipart/form-data; boundary=ab; charset=utf-8", "ab"},
    {"multipart/form-data; charset=\"x;boundary=no\"; boundary=ab", "ab"},
    {"multipart/form-data; boundary=----=_Part_1.2", "----=_Part_1.2"},
    {"multipart/form-data", NULL},
    {"multipart/form-data; boundary=", NULL},
    {"multipart/form-data; boundary=\"a \"", NULL},
    {"multipart/form-data; boundary=\"a\\\"b\"", NULL},
    {"multipart/form-data; boundary=a*b", NULL},
    {"multipart/form-datax; boundary=ab", NULL},
    {"multipart/mixed; boundary=ab", NULL},
    {"application/json", NULL},
    {NULL, NULL},
  };
  char out[BOUNDARY_MAX + 1], longest[BOUNDARY_MAX + 60];
  const char *why;
  size_t i;
  for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
    int found = multipart_boundary(cases[i].type, out, &why);
    CHECK_SAYS(found == (cases[i].boundary != NULL), "%s", cases[i].type);
    if (found)
      CHECK_SAYS(strcmp(out, cases[i].boundary) == 0, "%s", out);
  }
  strcpy(longest, "multipart/form-data; boundary=");
  memset(longest + 30, 'x', BOUNDARY_MAX + 1);
  longest[30 + BOUNDARY_MAX] = '\0';
  CHECK(multipart_boundary(longest, out, &why));
  longest[30 + BOUNDARY_MAX] = 'x';
  longest[31 + BOUNDARY_MAX] = '\0';
  CHECK(!multipart_boundary(longest, out, &why) && why != NULL);
}


int main (void) {
  reads_parts();
  reads_names();
  tells_data_from_delimiters();
  takes_any_bytes();
  refuses();
  keeps_to_its_memory();
  stops();
  finds_boundaries();
  return check_end();
}
