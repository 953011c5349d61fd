/* SPDX-License-Identifier: MIT
**
** slow_disk: preloaded, makes fsync and fdatasync wait until the program does
** something else: each makes the file "asked" in the folder $SLOW_DISK, and
** waits for the file "go" there. After half a minute without that, or so many
** seconds as $SLOW_DISK_SECONDS says, it fails.
*/

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static void path_of (char *path, size_t room, const char *name) {
  const char *folder = getenv("SLOW_DISK");
  snprintf(path, room, "%s/%s", folder == NULL ? "." : folder, name);
}


static int wait_for_go (void) {
  const struct timespec nap = {0, 1000000}; /* a millisecond */
  const char *seconds = getenv("SLOW_DISK_SECONDS");
  int i, tries = 1000 * (seconds == NULL ? 30 : atoi(seconds));
  char asked[256], go[256];
  path_of(asked, sizeof(asked), "asked");
  path_of(go, sizeof(go), "go");
  close(open(asked, O_WRONLY | O_CREAT, 0600));
  for (i = 0; i < tries && access(go, F_OK) != 0; i++)
    nanosleep(&nap, NULL);
  unlink(asked);
  if (unlink(go) == 0)
    return 0;
  errno = EIO;
  return -1;
}


static int sync_slowly (const char *name, int fd) {
  union {
    void *pointer;
    int (*function)(int);
  } next;
  next.pointer = dlsym(RTLD_NEXT, name);
  return wait_for_go() == 0 ? next.function(fd) : -1;
}


__attribute__((visibility("default"))) int fsync (int fd) {
  return sync_slowly("fsync", fd);
}


__attribute__((visibility("default"))) int fdatasync (int fd) {
  return sync_slowly("fdatasync", fd);
}
