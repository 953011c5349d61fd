/* SPDX-License-Identifier: MIT
**
** Unit tests of src/http/body.c: multipart to the byte, whatever the names; the
** same bytes however they are read; paths that are no file; files that shrink,
** grow or are replaced; and bytes that are held back.
*/

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "body.h"
#include "check.h"

static char folder[] = "/tmp/lipsync-body-XXXXXX";
static char path[100];
static int os_error;


static void write_file (const char *text, size_t n) {
  int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
  CHECK(fd >= 0 && write(fd, text, n) == (ssize_t)n);
  close(fd);
}


/* All that can be read, in pieces of 'room'; '*n' is how much. */
static char *read_all (struct body *b, size_t room, size_t *n) {
  static char all[100000];
  struct body_reader r;
  size_t got;
  *n = 0;
  body_open(&r, b, 0);
  do {
    CHECK(body_read(&r, all + *n, room, &got) == BODY_OK);
    *n += got;
  } while (got > 0);
  CHECK(r.given == b->length && *n == b->length);
  body_close(&r);
  return all;
}


static void check_is (struct body *b, const char *text) {
  size_t n, room, length = strlen(text);
  for (room = 1; room < 40; room++) {
    const char *all = read_all(b, room, &n);
    CHECK_SAYS(n == length && memcmp(all, text, n) == 0,
               "in pieces of %lu:\n%.*s\n-- but wanted\n%s",
               (unsigned long)room, (int)n, all, text);
  }
}


/* ---- Bytes and files ---- */

static void test_bytes (void) {
  struct body *b = body_new();
  check_is(b, "");
  CHECK(body_add_bytes(b, "", 0) == BODY_OK && b->length == 0);
  CHECK(body_add_bytes(b, "{\"a\"", 4) == BODY_OK);
  CHECK(body_add_bytes(b, ":1}", 3) == BODY_OK);
  CHECK(b->count == 1 && !b->has_files && body_changed(b) == 0);
  check_is(b, "{\"a\":1}");
  body_retain(b);
  body_release(b);
  check_is(b, "{\"a\":1}");
  body_release(b);
  body_release(NULL);
}


static void test_ranges (void) {
  static const struct {
    uint64_t offset, length;
    const char *text; /* NULL: refused */
  } cases[] = {
    {0, BODY_REST, "0123456789"},
    {0, 10, "0123456789"},
    {3, 4, "3456"},
    {9, BODY_REST, "9"},
    {9, 1, "9"},
    {10, BODY_REST, NULL},
    {0, 11, NULL},
    {9, 2, NULL},
    {0, 0, NULL},
    {UINT64_MAX - 1, 1, NULL},
    {5, UINT64_MAX - 1, NULL},
  };
  size_t i;
  write_file("0123456789", 10);
  for (i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct body *b = body_new();
    enum body_status status = body_add_file(b, path, -1, cases[i].offset,
                                            cases[i].length, &os_error);
    CHECK_SAYS(status == (cases[i].text == NULL ? BODY_RANGE : BODY_OK),
               "case %lu: %d", (unsigned long)i, (int)status);
    check_is(b, cases[i].text == NULL ? "" : cases[i].text);
    body_release(b);
  }
}


/* The caller's descriptor stays open, and where it was. */
static void test_descriptor (void) {
  int fd, ends[2];
  struct body *b = body_new();
  const char *of;
  struct body_stamp stamp;
  write_file("0123456789", 10);
  fd = open(path, O_RDONLY);
  CHECK(lseek(fd, 7, SEEK_SET) == 7);
  CHECK(body_add_file(b, NULL, fd, 2, 3, &os_error) == BODY_OK);
  CHECK(body_file_of(b, 1, &of, &stamp) && of == NULL && stamp.size == 10);
  CHECK(!body_file_of(b, 2, &of, &stamp));
  check_is(b, "234");
  CHECK(lseek(fd, 0, SEEK_CUR) == 7);
  close(fd);
  check_is(b, "234");
  CHECK(body_changed(b) == 0);
  CHECK(body_add_file(b, NULL, fd, 0, 1, &os_error) == BODY_UNREADABLE);
  CHECK(pipe(ends) == 0);
  CHECK(body_add_file(b, NULL, ends[0], 0, 1, &os_error) == BODY_SPECIAL);
  close(ends[0]);
  close(ends[1]);
  fd = open(path, O_WRONLY);
  CHECK(body_add_file(b, NULL, fd, 0, 1, &os_error) == BODY_UNREADABLE);
  close(fd);
  body_release(b);
}


static void test_no_files (void) {
  char other[120];
  struct body *b = body_new();
  struct body_stamp stamp;
  int before = dup(0), after;
  close(before);
#define CHECK_REFUSED(name, status_)                                           \
  CHECK(body_add_file(b, name, -1, 0, BODY_REST, &os_error) == (status_)       \
        && body_stamp(name, &stamp, &os_error) == (status_))
  snprintf(other, sizeof other, "%s/none", folder);
  CHECK_REFUSED(other, BODY_MISSING);
  snprintf(other, sizeof other, "%s/x", path);
  write_file("", 0);
  CHECK_REFUSED(other, BODY_MISSING);
  CHECK_REFUSED(path, BODY_EMPTY);
  CHECK_REFUSED(folder, BODY_FOLDER);
  CHECK_REFUSED("/dev/null", BODY_SPECIAL);
  snprintf(other, sizeof other, "%s/pipe", folder);
  CHECK(mkfifo(other, 0600) == 0);
  CHECK_REFUSED(other, BODY_SPECIAL);
  unlink(other);
  write_file("x", 1);
  chmod(path, 0);
  if (geteuid() != 0)
    CHECK(body_add_file(b, path, -1, 0, 1, &os_error) == BODY_UNREADABLE
          && os_error == EACCES);
  chmod(path, 0600);
  CHECK(b->length == 0 && b->count == 0);
  body_release(b);
  after = dup(0); /* what was refused was closed */
  close(after);
  CHECK(before == after);
}


/* ---- Files that change ---- */

static void test_changes (void) {
  struct body *b = body_new();
  struct body_reader r;
  char out[20], other[120];
  size_t n;
  write_file("0123456789", 10);
  CHECK(body_add_file(b, path, -1, 0, BODY_REST, &os_error) == BODY_OK);
  CHECK(body_changed(b) == 0);

  body_open(&r, b, 0); /* it grows: cut at its size */
  CHECK(body_read(&r, out, 4, &n) == BODY_OK && n == 4);
  CHECK(truncate(path, 15) == 0);
  CHECK(body_changed(b) == 1);
  CHECK(body_read(&r, out, 20, &n) == BODY_OK && n == 6);
  CHECK(memcmp(out, "456789", 6) == 0);
  CHECK(body_read(&r, out, 20, &n) == BODY_OK && n == 0);
  body_close(&r);

  body_open(&r, b, 0); /* it shrinks */
  CHECK(truncate(path, 5) == 0);
  CHECK(body_read(&r, out, 4, &n) == BODY_OK && n == 4);
  CHECK(body_read(&r, out, 4, &n) == BODY_SHRANK && r.part == 1);
  body_close(&r);
  body_release(b);

  b = body_new(); /* it is replaced: the old one is read, but reported */
  CHECK(body_add_file(b, path, -1, 0, BODY_REST, &os_error) == BODY_OK);
  snprintf(other, sizeof other, "%s/other", folder);
  CHECK(rename(path, other) == 0);
  CHECK(body_changed(b) == 1);
  write_file("other", 5);
  CHECK(body_changed(b) == 1);
  check_is(b, "01234");
  CHECK(rename(other, path) == 0);
  CHECK(body_changed(b) == 0);
  body_release(b);
}


/* ---- Multipart ---- */

static void add_part (struct body *b, const char *name, const char *filename,
                      const char *type, const char *content) {
  CHECK(body_begin_part(b, name, strlen(name), filename,
                        filename == NULL ? 0 : strlen(filename), type)
        == BODY_OK);
  CHECK(body_add_bytes(b, content, strlen(content)) == BODY_OK);
}


static void test_multipart (void) {
  struct body *b = body_new();
  const char *of;
  struct body_stamp stamp;
  write_file("0123456789", 10);
  CHECK(body_set_boundary(b, "abc-1_Z") == BODY_OK);
  add_part(b, "model", NULL, NULL, "lipsync-2");
  CHECK(body_begin_part(b, "video", 5, "clip.mp4", 8, "video/mp4") == BODY_OK);
  CHECK(body_add_file(b, path, -1, 2, 3, &os_error) == BODY_OK);
  add_part(b, "empty", NULL, NULL, "");
  CHECK(body_end_parts(b) == BODY_OK);
  check_is(b,
           "--abc-1_Z\r\n"
           "Content-Disposition: form-data; name=\"model\"\r\n\r\n"
           "lipsync-2\r\n"
           "--abc-1_Z\r\n"
           "Content-Disposition: form-data; name=\"video\"; "
           "filename=\"clip.mp4\"\r\n"
           "Content-Type: video/mp4\r\n\r\n"
           "234\r\n"
           "--abc-1_Z\r\n"
           "Content-Disposition: form-data; name=\"empty\"\r\n\r\n"
           "\r\n"
           "--abc-1_Z--\r\n");
  CHECK(body_file_of(b, 2, &of, &stamp) && strcmp(of, path) == 0);
  CHECK(!body_file_of(b, 1, &of, &stamp) && !body_file_of(b, 3, &of, &stamp));
  CHECK(truncate(path, 11) == 0);
  CHECK(body_changed(b) == 2);
  CHECK(b->has_files);
  body_release(b);

  b = body_new(); /* no parts at all */
  CHECK(body_set_boundary(b, "x") == BODY_OK && body_end_parts(b) == BODY_OK);
  check_is(b, "--x--\r\n");
  body_release(b);
}


static const struct {
  const char *given, *name, *filename;
} names[] = {
  {"plain", "plain", "plain"},
  {"", "", ""},
  {"a\"b", "a%22b", "a%22b"},
  {"a\r\nb", "a%0D%0Ab", "a%0D%0Ab"},
  {"\n", "%0D%0A", "%0A"},
  {"\r", "%0D%0A", "%0D"},
  {"\n\r", "%0D%0A%0D%0A", "%0A%0D"},
  {"\r\n", "%0D%0A", "%0D%0A"},
  {"\r\n\r\na", "%0D%0A%0D%0Aa", "%0D%0A%0D%0Aa"},
  {"\ra\n", "%0D%0Aa%0D%0A", "%0Da%0A"},
  {"100%22 \\ ;", "100%22 \\ ;", "100%22 \\ ;"},
  {"\xC3\xA4\xF0\x9F\x98\x80", "\xC3\xA4\xF0\x9F\x98\x80",
   "\xC3\xA4\xF0\x9F\x98\x80"},
};

static void test_names (void) {
  size_t i;
  for (i = 0; i < sizeof names / sizeof *names; i++) {
    struct body *b = body_new();
    char wanted[200];
    CHECK(body_set_boundary(b, "x") == BODY_OK);
    add_part(b, names[i].given, names[i].given, NULL, "");
    snprintf(wanted, sizeof wanted,
             "--x\r\nContent-Disposition: form-data; name=\"%s\"; "
             "filename=\"%s\"\r\n\r\n",
             names[i].name, names[i].filename);
    check_is(b, wanted);
    body_release(b);
  }
}


/* The line break that ends a name is not looked for after it. */
static void test_cut_name (void) {
  struct body *b = body_new();
  CHECK(body_set_boundary(b, "x") == BODY_OK);
  CHECK(body_begin_part(b, "a\r\nb", 2, "\"", 0, NULL) == BODY_OK);
  check_is(b,
           "--x\r\nContent-Disposition: form-data; name=\"a%0D%0A\"; "
           "filename=\"\"\r\n\r\n");
  body_release(b);
}


static void test_malformed (void) {
  struct body *b = body_new();
  char text[72];
  memset(text, 'x', 71);
  text[71] = '\0';
  CHECK(body_set_boundary(b, text) == BODY_MALFORMED);
  CHECK(body_set_boundary(b, text + 1) == BODY_OK);
  CHECK(body_set_boundary(b, "") == BODY_MALFORMED);
  CHECK(body_set_boundary(b, "a b") == BODY_MALFORMED);
  CHECK(body_set_boundary(b, "a\r\n") == BODY_MALFORMED);
  CHECK(body_set_boundary(b, "x") == BODY_OK);
  CHECK(body_begin_part(b, "a\0b", 3, NULL, 0, NULL) == BODY_MALFORMED);
  CHECK(body_begin_part(b, "a", 1, "\0", 1, NULL) == BODY_MALFORMED);
  CHECK(body_begin_part(b, "a", 1, NULL, 0, "text/plain\r\nX: y")
        == BODY_MALFORMED);
  body_release(b);
}


/* ---- Reading ---- */

static void test_hold (void) {
  struct body *b = body_new();
  struct body_reader r;
  char out[20];
  size_t n;
  CHECK(body_add_bytes(b, "0123456789", 10) == BODY_OK);
  body_open(&r, b, 3);
  CHECK(!body_is_held(&r));
  CHECK(body_read(&r, out, 20, &n) == BODY_OK && n == 7);
  CHECK(body_is_held(&r));
  CHECK(body_read(&r, out, 20, &n) == BODY_OK && n == 0);
  r.hold = 0;
  CHECK(!body_is_held(&r));
  CHECK(body_read(&r, out, 20, &n) == BODY_OK && n == 3);
  CHECK(memcmp(out, "789", 3) == 0 && r.given == 10 && !body_is_held(&r));
  body_close(&r);
  body_open(&r, b, 11); /* all of it */
  body_release(b);      /* the reader still has it */
  CHECK(body_is_held(&r) && r.hold == 10);
  body_close(&r);
}


/* A read gives no more than a slice, over as many pieces as that takes. */
static void test_slice (void) {
  static char text[BODY_SLICE];
  static char out[2 * BODY_SLICE];
  struct body *b = body_new();
  struct body_reader r;
  size_t n;
  int i;
  memset(text, 'a', sizeof text);
  write_file(text, sizeof text);
  CHECK(body_add_bytes(b, "b", 1) == BODY_OK);
  for (i = 0; i < 2; i++)
    CHECK(body_add_file(b, path, -1, 0, BODY_REST, &os_error) == BODY_OK);
  body_open(&r, b, 0);
  CHECK(body_read(&r, out, sizeof out, &n) == BODY_OK && n == BODY_SLICE);
  CHECK(out[0] == 'b' && out[1] == 'a');
  CHECK(body_read(&r, out, sizeof out, &n) == BODY_OK && n == BODY_SLICE);
  CHECK(body_read(&r, out, sizeof out, &n) == BODY_OK && n == 1);
  CHECK(body_read(&r, out, sizeof out, &n) == BODY_OK && n == 0);
  body_close(&r);
  body_release(b);
}


/* A short body of bytes alone can be had at once, and then counts as read. */
static void test_whole (void) {
  static char text[BODY_SLICE];
  struct body *b = body_new();
  struct body_reader r;
  body_open(&r, NULL, 0);
  CHECK(body_whole(&r) == NULL);
  body_open(&r, b, 0);
  CHECK(body_whole(&r) == NULL); /* it is empty */
  CHECK(body_add_bytes(b, "012", 3) == BODY_OK);
  CHECK(body_add_bytes(b, "345", 3) == BODY_OK);
  CHECK(memcmp(body_whole(&r), "012345", 6) == 0 && r.given == 0);
  body_take_whole(&r);
  CHECK(r.given == 6);
  body_close(&r);
  body_open(&r, b, 1); /* a byte is held back */
  CHECK(body_whole(&r) == NULL);
  body_close(&r);
  body_open(&r, b, 0);
  CHECK(body_add_bytes(b, text, sizeof text - 6) == BODY_OK);
  CHECK(body_whole(&r) != NULL);
  CHECK(body_add_bytes(b, "x", 1) == BODY_OK);
  CHECK(body_whole(&r) == NULL); /* it is long */
  body_close(&r);
  body_release(b);
  b = body_new();
  write_file("6789", 4);
  CHECK(body_add_bytes(b, "x", 1) == BODY_OK);
  CHECK(body_add_file(b, path, -1, 0, BODY_REST, &os_error) == BODY_OK);
  body_open(&r, b, 0);
  CHECK(body_whole(&r) == NULL);
  body_close(&r);
  body_release(b);
}


int main (void) {
  if (!CHECK(mkdtemp(folder) != NULL))
    return check_end();
  snprintf(path, sizeof path, "%s/file", folder);
  test_bytes();
  test_ranges();
  test_descriptor();
  test_no_files();
  test_changes();
  test_multipart();
  test_names();
  test_cut_name();
  test_malformed();
  test_hold();
  test_slice();
  test_whole();
  unlink(path);
  rmdir(folder);
  return check_end();
}
