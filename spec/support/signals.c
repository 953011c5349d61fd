/* SPDX-License-Identifier: MIT
**
** signals: preloaded, says on standard error whenever the process changes how
** it handles SIGPIPE or SIGALRM, which belong to the host.
*/

#include <dlfcn.h>
#include <signal.h>
#include <stddef.h>
#include <unistd.h>

typedef int changer (int, const struct sigaction *, struct sigaction *);


__attribute__((visibility("default"))) int
sigaction (int number, const struct sigaction *now, struct sigaction *before) {
  static const char said[] = "sigaction\n";
  union {
    void *pointer;
    changer *function;
  } next;
  if (now != NULL && (number == SIGPIPE || number == SIGALRM))
    (void)!write(2, said, sizeof(said) - 1);
  next.pointer = dlsym(RTLD_NEXT, "sigaction");
  return next.function(number, now, before);
}
