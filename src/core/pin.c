/* SPDX-License-Identifier: MIT
**
** pin: keeps a module in memory. libcurl's resolver threads and the fork
** handler may come back to it after the last Lua state has closed; a program's
** own finalizers may use what Lua has unloaded before.
*/

#include <dlfcn.h>
#include <stddef.h>

#include "capi.h"


/* Where it cannot be done, as in a static program, it need not be. */
void pin_module (void) {
#if defined(RTLD_NODELETE)
  static const char here = 0;
  Dl_info info;
  if (dladdr(&here, &info) != 0 && info.dli_fname != NULL)
    (void)dlopen(info.dli_fname, RTLD_NOW | RTLD_NOLOAD | RTLD_NODELETE);
#endif
}
