/* SPDX-License-Identifier: MIT
**
** not_root: preloaded into VLC, which refuses to run as root, as a test in a
** container does. Qt refuses to run where the two ids differ.
*/

#include <unistd.h>

uid_t geteuid (void);
uid_t getuid (void);

__attribute__((visibility("default"))) uid_t geteuid (void) {
  return 65534; /* nobody */
}

__attribute__((visibility("default"))) uid_t getuid (void) {
  return 65534; /* nobody */
}
