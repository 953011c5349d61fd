/* SPDX-License-Identifier: MIT
**
** interrupted_disk: preloaded, a signal seems to interrupt each second call on
** files that the client makes, from the first one on.
*/

#define _FILE_OFFSET_BITS 64

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <sys/file.h>
#include <unistd.h>

#if defined(__GLIBC__)
#define LARGE(name) name "64" /* what the library calls it */
#else
#define LARGE(name) name
#endif

#define EXPORT __attribute__((visibility("default")))

static int is_interrupted (unsigned *calls) {
  if (++*calls % 2 == 0)
    return 0;
  errno = EINTR;
  return 1;
}


EXPORT int open (const char *path, int flags, ...) {
  static unsigned calls;
  int (*real)(const char *, int, ...);
  va_list arguments;
  mode_t mode;
  if (is_interrupted(&calls))
    return -1;
  *(void **)&real = dlsym(RTLD_NEXT, LARGE("open"));
  va_start(arguments, flags);
  mode = (mode_t)va_arg(arguments, unsigned);
  va_end(arguments);
  return real(path, flags, mode);
}


EXPORT ssize_t pread (int fd, void *out, size_t n, off_t offset) {
  static unsigned calls;
  ssize_t (*real)(int, void *, size_t, off_t);
  if (is_interrupted(&calls))
    return -1;
  *(void **)&real = dlsym(RTLD_NEXT, LARGE("pread"));
  return real(fd, out, n, offset);
}


EXPORT ssize_t pwrite (int fd, const void *data, size_t n, off_t offset) {
  static unsigned calls;
  ssize_t (*real)(int, const void *, size_t, off_t);
  if (is_interrupted(&calls))
    return -1;
  *(void **)&real = dlsym(RTLD_NEXT, LARGE("pwrite"));
  return real(fd, data, n, offset);
}


EXPORT int ftruncate (int fd, off_t size) {
  static unsigned calls;
  int (*real)(int, off_t);
  if (is_interrupted(&calls))
    return -1;
  *(void **)&real = dlsym(RTLD_NEXT, LARGE("ftruncate"));
  return real(fd, size);
}


static int call (unsigned *calls, const char *name, int fd) {
  int (*real)(int);
  if (is_interrupted(calls))
    return -1;
  *(void **)&real = dlsym(RTLD_NEXT, name);
  return real(fd);
}


EXPORT int fsync (int fd) {
  static unsigned calls;
  return call(&calls, "fsync", fd);
}


EXPORT int fdatasync (int fd) {
  static unsigned calls;
  return call(&calls, "fdatasync", fd);
}


EXPORT int flock (int fd, int operation) {
  static unsigned calls;
  int (*real)(int, int);
  if (is_interrupted(&calls))
    return -1;
  *(void **)&real = dlsym(RTLD_NEXT, "flock");
  return real(fd, operation);
}
