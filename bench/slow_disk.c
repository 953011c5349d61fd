/* SPDX-License-Identifier: MIT
**
** slow_disk: preloaded, makes fsync and fdatasync take 200 ms longer, as a disk
** does that others keep busy.
*/

#include <dlfcn.h>
#include <stddef.h>
#include <time.h>

static int sync_late (const char *name, int fd) {
  const struct timespec late = {0, 200000000};
  union {
    void *pointer;
    int (*function)(int);
  } next;
  next.pointer = dlsym(RTLD_NEXT, name);
  nanosleep(&late, NULL);
  return next.function(fd);
}


int fsync (int fd);
int fsync (int fd) {
  return sync_late("fsync", fd);
}


int fdatasync (int fd);
int fdatasync (int fd) {
  return sync_late("fdatasync", fd);
}
