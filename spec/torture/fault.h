/* SPDX-License-Identifier: MIT
**
** fault: allocations that fail on demand, and the count of bytes held. All
** memory of the program under torture comes from here: Lua's by a lua_Alloc,
** ours, libcurl's and zlib's because the linker wraps their functions or they
** are given ours.
*/

#ifndef torture_fault_h
#define torture_fault_h

#include <stddef.h>

enum fault_kind {
  FAULT_LUA,    /* lua_Alloc */
  FAULT_C,      /* malloc and its like */
  FAULT_SYSTEM, /* descriptors: socket, open, epoll_create1, epoll_ctl */
  FAULT_KINDS
};

/* From now on the 'at'th allocation of a kind fails; and where 'lasting', all
** that follow it. */
void fault_arm (enum fault_kind kind, unsigned long at, int lasting);

/* Nothing fails any more. Returns how many allocations had failed. */
unsigned long fault_disarm (void);

/* Bytes that are held now. */
long fault_held (enum fault_kind kind);

/* A lua_Alloc. */
void *fault_lua (void *unused, void *block, size_t old, size_t size);

/* Gives libcurl our functions; before anything else uses it. */
int fault_hook_curl (void);

#endif
