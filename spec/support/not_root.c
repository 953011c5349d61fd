/* SPDX-License-Identifier: MIT
**
** not_root: preloaded into VLC, which refuses to run as root, as a test in a
** container does.
*/

#include <unistd.h>

uid_t geteuid (void);

__attribute__((visibility("default"))) uid_t geteuid (void) {
  return 1000;
}
