/* SPDX-License-Identifier: MIT
**
** hook: malloc and realloc that fail on demand. A test renames these two and a
** source file's functions by macros and includes the file, so that this copy
** gets its memory from here.
*/

#ifndef lipsync_hook_h
#define lipsync_hook_h

#include <stdlib.h>

#define HOOK_ENDLESS (-1)

/* How many more allocations succeed. */
static int hook_left = HOOK_ENDLESS;

static int hook_allows (void) {
  if (hook_left == 0)
    return 0;
  if (hook_left > 0)
    hook_left--;
  return 1;
}

static inline void *hook_malloc (size_t size) {
  return hook_allows() ? malloc(size) : NULL;
}

static inline void *hook_realloc (void *block, size_t size) {
  return hook_allows() ? realloc(block, size) : NULL;
}

#endif
