/* SPDX-License-Identifier: MIT
**
** pin: keeps a module in memory, because libcurl's resolver threads and the
** fork handler may return to it after the last Lua state has closed, and the
** program's finalizers may run after Lua has unloaded it.
*/

#include <dlfcn.h>
#include <stddef.h>

#include "capi.h"


/* Where this fails, as in a static program, it is not needed. */
void pin_module (void) {
#if defined(RTLD_NODELETE)
  static const char here = 0;
  Dl_info info;
  if (dladdr(&here, &info) != 0 && info.dli_fname != NULL)
    (void)dlopen(info.dli_fname, RTLD_NOW | RTLD_NOLOAD | RTLD_NODELETE);
#endif
}
