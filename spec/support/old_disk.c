/* SPDX-License-Identifier: MIT
**
** old_disk: preloaded, the system cannot rename a file only to a name that is
** free, as before Linux 3.15; and with $NO_LINKS, as on FAT, no file has links.
*/

#include <dlfcn.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#define ARGUMENTS 6 /* of any system call */

__attribute__((visibility("default"))) long syscall (long number, ...) {
  long (*real)(long, ...);
  long a[ARGUMENTS];
  va_list arguments;
  int i;
  if (number == SYS_renameat2) {
    errno = ENOSYS;
    return -1;
  }
  *(void **)&real = dlsym(RTLD_NEXT, "syscall");
  va_start(arguments, number);
  for (i = 0; i < ARGUMENTS; i++)
    a[i] = va_arg(arguments, long);
  va_end(arguments);
  return real(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}


__attribute__((visibility("default"))) int link (const char *from,
                                                 const char *to) {
  int (*real)(const char *, const char *);
  if (getenv("NO_LINKS") != NULL) {
    errno = EPERM;
    return -1;
  }
  *(void **)&real = dlsym(RTLD_NEXT, "link");
  return real(from, to);
}
