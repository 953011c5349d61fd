/* SPDX-License-Identifier: MIT
**
** luafile: what the files of lipsync.file share. luafile.c holds the files and
** the module, luajob.c the jobs.
*/

#ifndef lipsync_luafile_h
#define lipsync_luafile_h

#include "capi.h"
#include "file.h"

struct luafile {
  struct sink sink; /* first: what lipsync.http sees */
  struct file file;
  enum file_status written; /* by the sink */
  char path[1];             /* as it was opened, for failures */
};

/* The open file at 'i'. */
struct luafile *luafile_check (lua_State *L, int i);

/* Pushes true, or nil and a failure. */
int luafile_push_result (lua_State *L, enum file_status status, int os_error,
                         const char *path);

/* ---- luajob.c ---- */

void luajob_register (lua_State *L);

/* file.job(plan): a job that has begun, see luajob.c. */
int luajob_new (lua_State *L);

#endif
