/* SPDX-License-Identifier: MIT
**
** Fuzzing of the emulator's import: the input is the file that --import names.
** It is refused with a reason; or it is there: each generation is JSON to the
** strict scanner and is found by its id, and what is exported imports again
** and is then exported byte for byte.
*/

#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "emulated.h"
#include "api/resource.h"

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

/* A path to a file in memory. */
static const char *path_of (int fd) {
  static char path[40];
  snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
  return path;
}


/* ---- What is in it ---- */

struct count {
  struct service *s;
  int64_t rows;
};


/* One row of the listing is asked for by its id. */
static void look_up (void *arg, const struct json_scanner *j,
                     const char *text) {
  struct count *c = (struct count *)arg;
  const struct json_member *m = json_find(j->members, j->count, text, "id", 2);
  struct scope scope = {&generations.kind, NULL, NOW, {NULL}};
  struct document document;
  char *id, org[] = ORG;
  size_t n;
  expect(m != NULL && text[m->value] == '"');
  id = (char *)malloc(m->value_length);
  n = json_decode(text + m->value + 1, m->value_length - 2u, id);
  id[n] = '\0';
  scope.org = org;
  expect(store_get(c->s->store, &scope, id, &document) == STORE_OK);
  sqlite3_free(document.json);
  free(id);
  c->rows++;
}


/* What a listing is of, to be taken or closed. */
static struct scope all (void) {
  struct scope scope;
  memset(&scope, 0, sizeof(scope));
  scope.kind = &generations.kind;
  scope.org = sqlite3_mprintf("%s", ORG);
  scope.now = NOW;
  return scope;
}


static void list (struct service *s) {
  struct scope scope = all();
  struct count c = {s, 0};
  int64_t counted = -1;
  char *text;
  size_t length;
  text = read_whole(body_listing(s->store, &scope, service_now, s), &length);
  expect(is_json(JSON_LIST, text, length, look_up, &c));
  sqlite3_free(text);
  scope = all();
  expect(store_count(s->store, &scope, &counted) == STORE_OK);
  expect(c.rows <= counted);
  scope_close(&scope);
}


/* ---- Out and in again ---- */

static char *exported (struct service *s, size_t *length) {
  static char path[60];
  char *why = NULL, *text;
  FILE *file;
  if (path[0] == '\0')
    snprintf(path, sizeof(path), "/dev/shm/lipsync-fuzz-%d", (int)getpid());
  expect(store_export(s->store, path, NOW, &why) == STORE_OK);
  file = fopen(path, "rb");
  expect(file != NULL && fseek(file, 0, SEEK_END) == 0);
  *length = (size_t)ftell(file);
  rewind(file);
  text = (char *)malloc(*length);
  expect(fread(text, 1, *length, file) == *length);
  fclose(file);
  unlink(path);
  return text;
}


static int file_of (const void *data, size_t size) {
  int fd = memfd_create("fuzz", MFD_CLOEXEC);
  expect(fd >= 0 && write(fd, data, size) == (ssize_t)size);
  return fd;
}


static void export_and_import (struct service *s) {
  size_t length, again;
  char *text = exported(s, &length), *same;
  int fd = file_of(text, length);
  struct service *other = open_service(0, path_of(fd));
  expect(other != NULL);
  same = exported(other, &again);
  expect(again == length && memcmp(text, same, length) == 0);
  service_close(other);
  close(fd);
  free(text);
  free(same);
}


int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size) {
  int fd = file_of(data, size);
  struct service *s = open_service(0, path_of(fd));
  if (s != NULL) {
    list(s);
    export_and_import(s);
    service_close(s);
  }
  close(fd);
  return 0;
}
