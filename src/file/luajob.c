/* SPDX-License-Identifier: MIT
**
** luajob: work on files that waits for the disk, done by a thread while the
** program goes on.
*/

#include <string.h>

#include "job.h"
#include "luafile.h"

static const char job_type[] = "lipsync.Job";

struct luajob {
  struct job *job; /* NULL once closed */
};


static struct luajob *to_job (lua_State *L) {
  return (struct luajob *)type_self(L, job_type);
}


/* The string field 'name' of the table at 1, which keeps it; or NULL. */
static const char *text_field (lua_State *L, const char *name, size_t *n) {
  const char *text = NULL;
  lua_getfield(L, 1, name);
  if (lua_type(L, -1) == LUA_TSTRING)
    text = lua_tolstring(L, -1, n);
  lua_pop(L, 1);
  return text;
}


/* The same for a path: one with a NUL would be another one to C. */
static const char *path_field (lua_State *L, const char *name) {
  size_t n = 0;
  const char *path = text_field(L, name, &n);
  if (path != NULL && strlen(path) != n)
    luaL_argerror(L, 1, "a path has no NUL");
  return path;
}


static int flag_field (lua_State *L, const char *name) {
  int value;
  lua_getfield(L, 1, name);
  value = lua_toboolean(L, -1);
  lua_pop(L, 1);
  return value;
}


static void read_plan (lua_State *L, struct job_plan *plan) {
  plan->all = flag_field(L, "all");
  plan->replace = path_field(L, "replace");
  plan->bytes = text_field(L, "bytes", &plan->length);
  plan->remove = path_field(L, "remove");
  plan->from = path_field(L, "from");
  plan->to = path_field(L, "to");
  plan->overwrite = flag_field(L, "overwrite");
  luaL_argcheck(L, (plan->replace == NULL) == (plan->bytes == NULL), 1,
                "replace goes with bytes");
  luaL_argcheck(L, (plan->from == NULL) == (plan->to == NULL), 1,
                "from goes with to");
  plan->fd = -1;
  lua_getfield(L, 1, "sync"); /* stays, for as long as it is looked at */
  if (!lua_isnil(L, -1)) {
    const struct luafile *f = luafile_check(L, -1);
    plan->fd = f->file.fd;
    plan->path = f->path;
  }
}


/* file.job { sync = file, all, replace = path, bytes, remove = path, from =
** path, to = path, overwrite, here }: begins what is given, in this order:
** waits for the disk to have the file's bytes (with 'all', whatever describes
** them), replaces one file, removes one, renames one. By a thread, unless it
** is to be done 'here'. */
int luajob_new (lua_State *L) {
  struct job_plan plan;
  struct luajob *own;
  int here;
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_settop(L, 1);
  own = (struct luajob *)compat_newuserdata(L, sizeof(*own)); /* at 2 */
  own->job = NULL;
  type_set(L, job_type);
  memset(&plan, 0, sizeof(plan));
  here = flag_field(L, "here");
  read_plan(L, &plan);
  own->job = job_new(&plan); /* from here on nothing raises: it has to begin */
  if (own->job == NULL)
    return error_no_memory(L);
  job_begin(own->job, here);
  lua_settop(L, 2);
  return 1;
}


/* Pushes how a job went. */
static int push_result (lua_State *L, struct luajob *own) {
  int os_error;
  const char *path;
  enum file_status status = job_result(own->job, &os_error, &path);
  return luafile_push_result(L, status, os_error, path);
}


static int push_state (lua_State *L, struct luajob *own, enum job_state state) {
  switch (state) {
    case JOB_OVER: return push_result(L, own);
    case JOB_FORKED: return error_push(L, "forked");
    default: lua_pushboolean(L, 0); return 1;
  }
}


static struct luajob *check_job (lua_State *L) {
  struct luajob *own = to_job(L);
  if (own->job == NULL)
    luaL_error(L, "the job is closed");
  return own;
}


/* job:done(): true, false (not yet), or nil and a failure. */
static int method_done (lua_State *L) {
  struct luajob *own = check_job(L);
  return push_state(L, own, job_state(own->job));
}


/* job:stop(): takes it back and returns false, if it has not begun; else waits
** for its end. */
static int method_stop (lua_State *L) {
  struct luajob *own = check_job(L);
  return push_state(L, own, job_stop(own->job));
}


/* As stop, so that no work, and no lock of a file that it syncs, outlives its
** owner. */
static void release (struct luajob *own) {
  if (own->job != NULL) {
    (void)job_stop(own->job);
    job_release(own->job);
  }
  own->job = NULL;
}


/* close and __close. */
static int method_close (lua_State *L) {
  release(to_job(L));
  return 0;
}


static int method_gc (lua_State *L) {
  struct luajob *own = (struct luajob *)type_self_or_null(L);
  if (own != NULL)
    release(own);
  return 0;
}


static const luaL_Reg methods[] = {
  {"done", method_done}, {"stop", method_stop},     {"close", method_close},
  {"__gc", method_gc},   {"__close", method_close}, {NULL, NULL},
};


void luajob_register (lua_State *L) {
  type_register(L, job_type, methods);
}
