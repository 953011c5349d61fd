/* SPDX-License-Identifier: MIT
**
** uploads: see uploads.h.
*/

#include "uploads.h"
#include "../store/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- Receiving ---- */

/* Opens a file that nobody else can find; -1 where that fails. */
static int open_nameless (void) {
  const char *folder = getenv("TMPDIR");
  char *path;
  int fd;
  if (folder == NULL || *folder == '\0')
    folder = "/tmp";
  path = sqlite3_mprintf("%s/lipsync-emulator-XXXXXX", folder);
  fd = path != NULL ? mkostemp(path, O_CLOEXEC) : -1;
  if (fd >= 0)
    unlink(path);
  sqlite3_free(path);
  return fd;
}

void incoming_open (struct incoming *f) {
  f->fd = open_nameless();
  f->size = 0;
  sha256_open(&f->sha256);
}

static int write_all (int fd, const char *data, size_t size) {
  while (size > 0) {
    ssize_t n = write(fd, data, size);
    if (n < 0 && errno != EINTR)
      return 0;
    if (n > 0) {
      data += n;
      size -= (size_t)n;
    }
  }
  return 1;
}

void incoming_add (struct incoming *f, const void *data, size_t size) {
  sha256_add(&f->sha256, data, size);
  f->size += (int64_t)size;
  if (f->fd >= 0 && (f->size > UPLOAD_SPACE || !write_all(f->fd, data, size)))
    incoming_close(f); /* too large, or the disk is full */
}

void incoming_end (struct incoming *f, char digest[SHA256_HEX]) {
  struct sha256 copy = f->sha256;
  uint8_t bytes[SHA256_SIZE];
  sha256_end(&copy, bytes);
  sha256_hex(bytes, digest);
}

void incoming_close (struct incoming *f) {
  if (f->fd >= 0)
    close(f->fd);
  f->fd = -1;
}

/* ---- Keeping ---- */

void uploads_open (struct uploads *all) {
  pthread_mutex_init(&all->lock, NULL);
  all->first = NULL;
  all->kept = 0;
  all->open = 0;
}

void upload_close (struct upload *u) {
  if (u->fd >= 0)
    close(u->fd);
  sqlite3_free(u->name);
  sqlite3_free(u->org);
  sqlite3_free(u->type);
}

/* Forgets the bytes of one. The lock is held. */
static void forget (struct uploads *all, struct upload *u) {
  if (u->fd < 0)
    return;
  close(u->fd);
  u->fd = -1;
  all->kept -= u->size;
  all->open--;
}

/* Takes one out of the list. The lock is held. */
static void drop (struct uploads *all, struct upload **at) {
  struct upload *u = *at;
  *at = u->next;
  forget(all, u);
  upload_close(u);
  free(u);
}

void uploads_clear (struct uploads *all) {
  pthread_mutex_lock(&all->lock);
  while (all->first != NULL)
    drop(all, &all->first);
  pthread_mutex_unlock(&all->lock);
}

void uploads_close (struct uploads *all) {
  uploads_clear(all);
  pthread_mutex_destroy(&all->lock);
}

/* Where a file is in the list; at its end: nowhere. The lock is held. */
static struct upload **find (struct uploads *all, const char *name,
                             const char *org) {
  struct upload **at = &all->first;
  while (*at != NULL
         && (strcmp((*at)->name, name) != 0
             || (org != NULL && strcmp((*at)->org, org) != 0)))
    at = &(*at)->next;
  return at;
}

/* Forgets the oldest until those that are left fit. The lock is held. */
static void make_room (struct uploads *all) {
  while (all->kept > UPLOAD_SPACE || all->open > UPLOAD_FILES) {
    struct upload *u = all->first, *oldest = NULL;
    for (; u != NULL; u = u->next)
      if (u->fd >= 0)
        oldest = u;
    forget(all, oldest);
  }
}

int uploads_add (struct uploads *all, const char *name, const char *org,
                 const char *type, struct incoming *f) {
  struct upload *u = calloc(1, sizeof(*u)), **old;
  if (u == NULL)
    return 0;
  u->name = text_copy(name, strlen(name));
  u->org = text_copy(org, strlen(org));
  u->type = text_copy(type, strlen(type));
  u->size = f->size;
  u->fd = f->fd;
  f->fd = -1;
  incoming_end(f, u->digest);
  if (u->name == NULL || u->org == NULL || u->type == NULL) {
    upload_close(u);
    free(u);
    return 0;
  }
  pthread_mutex_lock(&all->lock);
  old = find(all, name, org);
  if (*old != NULL)
    drop(all, old);
  u->next = all->first;
  all->first = u;
  if (u->fd >= 0) {
    all->kept += u->size;
    all->open++;
  }
  make_room(all);
  pthread_mutex_unlock(&all->lock);
  return 1;
}

int uploads_expect (struct uploads *all, const char *name, const char *org,
                    const char *type) {
  struct incoming none;
  sha256_open(&none.sha256);
  none.fd = -1;
  none.size = -1;
  return uploads_add(all, name, org, type, &none);
}

int uploads_find (struct uploads *all, const char *name, const char *org,
                  struct upload *out) {
  struct upload *u;
  pthread_mutex_lock(&all->lock);
  u = *find(all, name, org);
  if (u != NULL) {
    *out = *u;
    out->name = text_copy(u->name, strlen(u->name));
    out->org = text_copy(u->org, strlen(u->org));
    out->type = text_copy(u->type, strlen(u->type));
    if (u->fd >= 0)
      out->fd = fcntl(u->fd, F_DUPFD_CLOEXEC, 3);
  }
  pthread_mutex_unlock(&all->lock);
  return u != NULL;
}
