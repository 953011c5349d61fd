/* SPDX-License-Identifier: MIT
**
** slow_dns: preloaded, makes the lookup of a name that begins with "slow"
** take two seconds and fail. No server of names is asked.
*/

#include <dlfcn.h>
#include <netdb.h>
#include <string.h>
#include <time.h>

typedef int lookup (const char *, const char *, const struct addrinfo *,
                    struct addrinfo **);

__attribute__((visibility("default"))) int
getaddrinfo (const char *name, const char *service,
             const struct addrinfo *hints, struct addrinfo **found) {
  const struct timespec two_seconds = {2, 0};
  union {
    void *pointer;
    lookup *function;
  } next;
  if (name != NULL && strncmp(name, "slow", 4) == 0) {
    nanosleep(&two_seconds, NULL);
    return EAI_NONAME;
  }
  next.pointer = dlsym(RTLD_NEXT, "getaddrinfo");
  return next.function(name, service, hints, found);
}
