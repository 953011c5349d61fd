/* SPDX-License-Identifier: MIT
**
** input_posix: input.h for Linux, macOS and the like.
*/

#define _FILE_OFFSET_BITS 64

#include "input.h"

#if !defined(_WIN32)

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "platform.h"


static void read_stamp (const struct stat *s, struct body_stamp *stamp) {
  memset(stamp, 0, sizeof(*stamp));
  stamp->device = (uint64_t)s->st_dev;
  stamp->inode = (uint64_t)s->st_ino;
  stamp->size = (uint64_t)s->st_size;
#if defined(__APPLE__)
  stamp->seconds = (int64_t)s->st_mtimespec.tv_sec;
  stamp->nanoseconds = s->st_mtimespec.tv_nsec;
#else
  stamp->seconds = (int64_t)s->st_mtim.tv_sec;
  stamp->nanoseconds = s->st_mtim.tv_nsec;
#endif
}


static enum body_status judge (const struct stat *s) {
  if (S_ISDIR(s->st_mode))
    return BODY_FOLDER;
  if (!S_ISREG(s->st_mode))
    return BODY_SPECIAL;
  return s->st_size <= 0 ? BODY_EMPTY : BODY_OK;
}


static enum body_status cannot_open (int *os_error) {
  *os_error = errno;
  return errno == ENOENT || errno == ENOTDIR ? BODY_MISSING : BODY_UNREADABLE;
}


enum body_status body_stamp (const char *path, struct body_stamp *stamp,
                             int *os_error) {
  struct stat s;
  if (stat(path, &s) != 0)
    return cannot_open(os_error);
  read_stamp(&s, stamp);
  return judge(&s);
}


static int open_path (const char *path) {
  int fd;
  do
    fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  while (fd < 0 && errno == EINTR);
  return fd;
}


enum body_status input_open (const char *path, int fd, int *opened,
                             struct body_stamp *stamp, int *os_error) {
  struct stat s;
  *opened = platform_keep(path != NULL ? open_path(path)
                                       : fcntl(fd, F_DUPFD_CLOEXEC, 0));
  if (*opened < 0 || fstat(*opened, &s) != 0)
    return cannot_open(os_error);
  if ((fcntl(*opened, F_GETFL) & O_ACCMODE) == O_WRONLY) {
    *os_error = EBADF;
    return BODY_UNREADABLE;
  }
  read_stamp(&s, stamp);
  return judge(&s);
}


void input_close (int fd) {
  close(fd);
}


int input_stamp (int fd, struct body_stamp *stamp) {
  struct stat s;
  if (fstat(fd, &s) != 0)
    return 0;
  read_stamp(&s, stamp);
  return 1;
}


enum body_status input_read (int fd, char *out, size_t n, uint64_t offset,
                             size_t *got, int *os_error) {
  ssize_t count;
  do
    count = pread(fd, out, n, (off_t)offset);
  while (count < 0 && errno == EINTR);
  *got = count > 0 ? (size_t)count : 0;
  if (count > 0)
    return BODY_OK;
  *os_error = count < 0 ? errno : 0;
  return count < 0 ? BODY_UNREAD : BODY_SHRANK;
}

#endif
