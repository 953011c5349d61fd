/* SPDX-License-Identifier: MIT
**
** descriptor: see descriptor.h.
*/

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "descriptor.h"


int descriptor_keep (int fd) {
  int other, error;
  if (fd < 0 || fd >= DESCRIPTOR_FIRST)
    return fd;
  other = fcntl(fd, F_DUPFD_CLOEXEC, DESCRIPTOR_FIRST);
  error = errno;
  close(fd);
  errno = error;
  return other;
}


void descriptor_fill (int taken[DESCRIPTOR_FIRST]) {
  int i;
  for (i = 0; i < DESCRIPTOR_FIRST; i++) {
    int fd = fcntl(i, F_GETFD) < 0 ? open("/dev/null", O_RDWR | O_CLOEXEC) : -1;
    taken[i] = fd == i ? fd : -1;
    if (fd > i)
      close(fd);
  }
}


void descriptor_release (const int taken[DESCRIPTOR_FIRST]) {
  int i;
  for (i = 0; i < DESCRIPTOR_FIRST; i++)
    if (taken[i] >= 0)
      close(taken[i]);
}
