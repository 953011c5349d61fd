/* SPDX-License-Identifier: MIT
**
** luafile: lipsync.file, the module that the client works on disks with. What
** fails returns nil and a failure with path and os_error; its words are in
** lua/lipsync/error/failure.lua.
*/

#include <string.h>

#include "luafile.h"
#include "platform.h"

/* For every enum file_status but FILE_OK. */
static const char *const codes[] = {
  [FILE_MISSING] = "file_missing", [FILE_EXISTS] = "file_exists",
  [FILE_FOLDER] = "file_folder",   [FILE_SPECIAL] = "file_special",
  [FILE_LOCKED] = "file_locked",   [FILE_UNREADABLE] = "file_unreadable",
  [FILE_UNREAD] = "file_unread",   [FILE_UNWRITTEN] = "file_unwritten",
};


/* Pushes nil and a failure. */
static int push_failure (lua_State *L, enum file_status status, int os_error,
                         const char *path) {
  error_push(L, codes[status]);
  error_set_string(L, "path", path);
  error_set_os_error(L, os_error);
  return 2;
}


int luafile_push_result (lua_State *L, enum file_status status, int os_error,
                         const char *path) {
  if (status != FILE_OK)
    return push_failure(L, status, os_error, path);
  lua_pushboolean(L, 1);
  return 1;
}


/* The path at 'i'. One with a NUL would be another one to C. */
static const char *check_path (lua_State *L, int i) {
  size_t n;
  const char *path = luaL_checklstring(L, i, &n);
  luaL_argcheck(L, strlen(path) == n, i, "a path has no NUL");
  return path;
}


/* A number of bytes. */
static uint64_t check_count (lua_State *L, int i) {
  lua_Number n = luaL_checknumber(L, i);
  luaL_argcheck(L, n >= 0 && n < 9e15, i, "not a number of bytes");
  return (uint64_t)n;
}


/* ---- Files ---- */

static struct luafile *to_file (lua_State *L) {
  return (struct luafile *)type_self(L, FILE_TYPE);
}


static struct luafile *check_open (lua_State *L, struct luafile *f) {
  if (f->file.fd < 0)
    luaL_error(L, "the file is closed");
  return f;
}


struct luafile *luafile_check (lua_State *L, int i) {
  return check_open(L, (struct luafile *)luaL_checkudata(L, i, FILE_TYPE));
}


static struct luafile *check_file (lua_State *L) {
  return check_open(L, to_file(L));
}


static size_t sink_write (struct sink *s, const char *data, size_t n) {
  struct luafile *f = (struct luafile *)(void *)s;
  uint64_t from = f->file.offset;
  f->written = file_write(&f->file, data, n);
  return (size_t)(f->file.offset - from);
}


static void sink_push_failure (lua_State *L, const struct sink *s) {
  const struct luafile *f = (const struct luafile *)(const void *)s;
  push_failure(L, f->written, f->file.os_error, f->path);
  lua_remove(L, -2);
}


/* file.open(path, mode [, permissions]): a file; default permissions 0600. */
static int open_file (lua_State *L) {
  static const char *const modes[] = {"new", "edit", "read", NULL};
  const char *path = check_path(L, 1);
  int mode = luaL_checkoption(L, 2, NULL, modes);
  unsigned permissions = (unsigned)luaL_optinteger(L, 3, 0600);
  size_t n = strlen(path);
  struct luafile *f = (struct luafile *)compat_newuserdata(L, sizeof(*f) + n);
  enum file_status status;
  f->sink.write = sink_write;
  f->sink.push_failure = sink_push_failure;
  f->written = FILE_OK;
  f->file.fd = -1;
  memcpy(f->path, path, n + 1);
  luaL_getmetatable(L, FILE_TYPE);
  lua_setmetatable(L, -2);
  status = file_open(&f->file, path, (enum file_mode)mode, permissions);
  return status == FILE_OK ? 1
                           : push_failure(L, status, f->file.os_error, path);
}


/* What a method returns that has nothing else to say. */
static int push_done (lua_State *L, struct luafile *f,
                      enum file_status status) {
  return luafile_push_result(L, status, f->file.os_error, f->path);
}


/* file:write(bytes): all of them, at its offset. */
static int method_write (lua_State *L) {
  struct luafile *f = check_file(L);
  size_t n;
  const char *bytes = luaL_checklstring(L, 2, &n);
  return push_done(L, f, file_write(&f->file, bytes, n));
}


/* file:read(max): from its offset on; "" at the end. The block is made first,
** because that may run a finalizer that closes the file. */
static int method_read (lua_State *L) {
  uint64_t max = check_count(L, 2);
  size_t n = 0, room = max < 1 ? 1 : (size_t)max;
  char *out = (char *)compat_newuserdata(L, room);
  struct luafile *f = check_file(L);
  enum file_status status = file_read(&f->file, out, (size_t)max, &n);
  if (status != FILE_OK)
    return push_done(L, f, status);
  lua_pushlstring(L, out, n);
  return 1;
}


/* file:seek(offset). */
static int method_seek (lua_State *L) {
  check_file(L)->file.offset = check_count(L, 2);
  lua_pushboolean(L, 1);
  return 1;
}


/* file:size(): in bytes. */
static int method_size (lua_State *L) {
  struct luafile *f = check_file(L);
  uint64_t size = 0;
  enum file_status status = file_size(&f->file, &size);
  if (status != FILE_OK)
    return push_done(L, f, status);
  compat_pushint64(L, (int64_t)size);
  return 1;
}


/* file:truncate(size). */
static int method_truncate (lua_State *L) {
  struct luafile *f = check_file(L);
  return push_done(L, f, file_truncate(&f->file, check_count(L, 2)));
}


/* file:lock(): true; or false, and the process that has the lock if that is
** known; or nil and a failure. */
static int method_lock (lua_State *L) {
  struct luafile *f = check_file(L);
  int holder;
  enum file_status status = file_lock(&f->file, &holder);
  if (status != FILE_LOCKED)
    return push_done(L, f, status);
  lua_pushboolean(L, 0);
  if (holder == 0)
    return 1;
  lua_pushinteger(L, holder);
  return 2;
}


/* file:is_at(path): whether the path still leads to this file. */
static int method_is_at (lua_State *L) {
  struct luafile *f = check_file(L);
  lua_pushboolean(L, file_is_at(&f->file, check_path(L, 2)));
  return 1;
}


/* close and __close. */
static int method_close (lua_State *L) {
  file_close(&to_file(L)->file);
  return 0;
}


static int method_gc (lua_State *L) {
  struct luafile *f = (struct luafile *)type_self_or_null(L);
  if (f != NULL)
    file_close(&f->file);
  return 0;
}


static int method_tostring (lua_State *L) {
  struct luafile *f = to_file(L);
  lua_pushfstring(L, "File (%s)", f->file.fd < 0 ? "closed" : f->path);
  return 1;
}


/* ---- The module ---- */

/* file.replace(path, bytes): old or new content, whatever happens. */
static int replace (lua_State *L) {
  const char *path = check_path(L, 1);
  size_t n;
  const char *bytes = luaL_checklstring(L, 2, &n);
  int os_error = 0;
  enum file_status status = file_replace(path, bytes, n, &os_error);
  return luafile_push_result(L, status, os_error, path);
}


/* file.info(path): { type = "file", "folder" or "other", size }. */
static int info (lua_State *L) {
  static const char *const types[] = {"file", "folder", "other"};
  const char *path = check_path(L, 1);
  int os_error = 0;
  enum file_type type;
  uint64_t size;
  enum file_status status = file_info(path, &type, &size, &os_error);
  if (status != FILE_OK)
    return push_failure(L, status, os_error, path);
  lua_createtable(L, 0, 2);
  error_set_string(L, "type", types[type]);
  error_set_number(L, "size", (int64_t)size);
  return 1;
}


/* Pushes an array of the 'size' bytes of names at 'at'. */
static int push_names (lua_State *L, const char *at, size_t size) {
  const char *end = at + size;
  lua_Integer n = 0;
  lua_newtable(L);
  for (; at < end; at += strlen(at) + 1) {
    lua_pushstring(L, at);
    lua_rawseti(L, -2, (int)++n);
  }
  return 1;
}


/* file.names(path): of what is in a folder, in no order. The block is Lua's, so
** that running out of memory leaves nothing behind. */
static int names (lua_State *L) {
  const char *path = check_path(L, 1);
  size_t room = 4096, size = 0;
  for (;;) {
    char *block = (char *)compat_newuserdata(L, room);
    int os_error = 0;
    enum file_status status = file_names(path, block, room, &size, &os_error);
    if (status != FILE_OK)
      return push_failure(L, status, os_error, path);
    if (size <= room)
      return push_names(L, block, size);
    room = 2 * size; /* some may come in the meantime */
  }
}


/* file.remove(path): true also where there is none. */
static int remove_file (lua_State *L) {
  const char *path = check_path(L, 1);
  int os_error = 0;
  enum file_status status = file_remove(path, &os_error);
  return luafile_push_result(L, status, os_error, path);
}


/* file.boot_id(): a text that differs after each start of the machine, or nil
** where that is not known. */
static int boot_id (lua_State *L) {
  char id[FILE_BOOT_ID];
  file_boot_id(id);
  lua_pushstring(L, *id == '\0' ? NULL : id);
  return 1;
}


static const luaL_Reg methods[] = {
  {"write", method_write},
  {"read", method_read},
  {"seek", method_seek},
  {"size", method_size},
  {"truncate", method_truncate},
  {"lock", method_lock},
  {"is_at", method_is_at},
  {"close", method_close},
  {"__gc", method_gc},
  {"__close", method_close},
  {"__tostring", method_tostring},
  {NULL, NULL},
};

static const luaL_Reg functions[] = {
  {"open", open_file},  {"replace", replace}, {"job", luajob_new},
  {"names", names},     {"info", info},       {"remove", remove_file},
  {"boot_id", boot_id}, {NULL, NULL},
};


COMPAT_EXPORT int luaopen_lipsync_file (lua_State *L);

COMPAT_EXPORT int luaopen_lipsync_file (lua_State *L) {
  platform_pin();
  luaL_newmetatable(L, FILE_TYPE); /* by its name: http looks for it, too */
  type_fill(L, FILE_TYPE, methods);
  lua_pop(L, 1);
  luajob_register(L);
  luaL_newlib(L, functions);
  return 1;
}
