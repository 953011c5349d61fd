/* SPDX-License-Identifier: MIT
**
** file_windows: file.h for Windows. There are no permissions and no folders to
** sync; and what somebody else has open can neither be replaced nor removed, so
** that is tried for a moment.
*/

#include "file.h"

#if defined(_WIN32)

#include <errno.h>
#include <io.h>
#include <string.h>

#include "platform_windows.h"

#define TRIES 20 /* of what a virus scanner, say, has open */
#define PAUSE 10 /* milliseconds */

/* Where the byte is that a lock is of: after all that a file may have, because
** nobody can read what is locked. */
#define LOCK_HIGH 0x7ffffffe


/* ---- Opening ---- */

static enum file_status to_status (int os_error, enum file_status otherwise) {
  switch (os_error) {
    case ENOENT:
    case ENOTDIR: return FILE_MISSING;
    case EEXIST: return FILE_EXISTS;
    default: return otherwise;
  }
}


static enum file_status note (int *os_error, enum file_status status) {
  *os_error = platform_errno(GetLastError());
  return to_status(*os_error, status);
}


static enum file_status fail (struct file *f, enum file_status status) {
  f->os_error = platform_errno(GetLastError());
  return status;
}


/* Devices such as "nul" are no files, whatever folder they are said to be in.
*/
enum file_status file_open (struct file *f, const char *path,
                            enum file_mode mode, unsigned permissions) {
  static const struct {
    DWORD access, creation;
  } modes[] = {
    [FILE_NEW] = {GENERIC_WRITE, CREATE_NEW},
    [FILE_EDIT] = {GENERIC_READ | GENERIC_WRITE, OPEN_ALWAYS},
    [FILE_READ] = {GENERIC_READ, OPEN_EXISTING},
  };
  (void)permissions;
  f->offset = 0;
  f->os_error = 0;
  f->is_locked = 0;
  f->fd = -1;
  if (mode != FILE_NEW && platform_is_folder(path))
    return FILE_FOLDER;
  f->fd = platform_open(path, modes[mode].access, modes[mode].creation);
  if (f->fd < 0)
    return note(&f->os_error, FILE_UNREADABLE);
  if (GetFileType(platform_handle(f->fd)) == FILE_TYPE_DISK)
    return FILE_OK;
  file_close(f);
  return FILE_SPECIAL;
}


void file_close (struct file *f) {
  if (f->fd >= 0)
    _close(f->fd);
  f->fd = -1;
}


int file_share (int fd) {
  return platform_duplicate(fd);
}


void file_drop (int fd) {
  _close(fd);
}


/* ---- Bytes ---- */

enum file_status file_read (struct file *f, char *out, size_t max, size_t *n) {
  if (!platform_read(f->fd, out, max, f->offset, n))
    return fail(f, FILE_UNREAD);
  f->offset += *n;
  return FILE_OK;
}


enum file_status file_write (struct file *f, const char *data, size_t n) {
  while (n > 0) {
    DWORD done = 0, part = n > 0x40000000 ? 0x40000000 : (DWORD)n;
    OVERLAPPED at;
    memset(&at, 0, sizeof(at));
    at.Offset = (DWORD)f->offset;
    at.OffsetHigh = (DWORD)(f->offset >> 32);
    if (!WriteFile(platform_handle(f->fd), data, part, &done, &at) || done == 0)
      return fail(f, FILE_UNWRITTEN);
    data += done;
    n -= done;
    f->offset += done;
  }
  return FILE_OK;
}


enum file_status file_size (struct file *f, uint64_t *size) {
  LARGE_INTEGER n;
  if (!GetFileSizeEx(platform_handle(f->fd), &n))
    return fail(f, FILE_UNREAD);
  *size = (uint64_t)n.QuadPart;
  return FILE_OK;
}


enum file_status file_truncate (struct file *f, uint64_t size) {
  LARGE_INTEGER n;
  HANDLE handle = platform_handle(f->fd);
  n.QuadPart = (LONGLONG)size;
  return SetFilePointerEx(handle, n, NULL, FILE_BEGIN) && SetEndOfFile(handle)
           ? FILE_OK
           : fail(f, FILE_UNWRITTEN);
}


/* A file that may only be read has nothing to sync. */
enum file_status file_sync (struct file *f, int all) {
  (void)all;
  if (FlushFileBuffers(platform_handle(f->fd))
      || GetLastError() == ERROR_ACCESS_DENIED)
    return FILE_OK;
  return fail(f, FILE_UNWRITTEN);
}


/* ---- Locks ---- */

enum file_status file_lock (struct file *f, int *holder) {
  OVERLAPPED at;
  DWORD error;
  memset(&at, 0, sizeof(at));
  at.OffsetHigh = LOCK_HIGH;
  *holder = 0;
  if (f->is_locked
      || LockFileEx(platform_handle(f->fd),
                    LOCKFILE_EXCLUSIVE_LOCK | LOCKFILE_FAIL_IMMEDIATELY, 0, 1,
                    0, &at)) {
    f->is_locked = 1;
    return FILE_OK;
  }
  error = GetLastError();
  return error == ERROR_LOCK_VIOLATION || error == ERROR_IO_PENDING
           ? FILE_LOCKED
           : fail(f, FILE_UNREADABLE);
}


int file_is_at (const struct file *f, const char *path) {
  BY_HANDLE_FILE_INFORMATION own, there;
  int fd = platform_open(path, 0, OPEN_EXISTING);
  int is = fd >= 0 && GetFileInformationByHandle(platform_handle(f->fd), &own)
           && GetFileInformationByHandle(platform_handle(fd), &there)
           && own.dwVolumeSerialNumber == there.dwVolumeSerialNumber
           && own.nFileIndexHigh == there.nFileIndexHigh
           && own.nFileIndexLow == there.nFileIndexLow;
  if (fd >= 0)
    _close(fd);
  return is;
}


/* ---- Places ---- */

static int is_in_use (void) {
  DWORD error = GetLastError();
  return error == ERROR_SHARING_VIOLATION || error == ERROR_ACCESS_DENIED;
}


/* As MoveFileExW, which waits for the disk. */
static int move (const char *from, const char *to, int overwrite) {
  wchar_t wide_from[PLATFORM_PATH], wide_to[PLATFORM_PATH];
  DWORD flags = MOVEFILE_WRITE_THROUGH
                | (overwrite ? (DWORD)MOVEFILE_REPLACE_EXISTING : 0);
  int i;
  if (!platform_wide(from, wide_from) || !platform_wide(to, wide_to))
    return 0;
  for (i = 0; !MoveFileExW(wide_from, wide_to, flags); i++) {
    if (!is_in_use() || i == TRIES)
      return 0;
    Sleep(PAUSE);
  }
  return 1;
}


enum file_status file_remove (const char *path, int *os_error) {
  wchar_t wide[PLATFORM_PATH];
  int i;
  if (!platform_wide(path, wide))
    return note(os_error, FILE_UNWRITTEN);
  for (i = 0; !DeleteFileW(wide); i++) {
    enum file_status status = note(os_error, FILE_UNWRITTEN);
    if (status == FILE_MISSING)
      return FILE_OK;
    if (!is_in_use() || platform_is_folder(path) || i == TRIES)
      return status;
    Sleep(PAUSE);
  }
  return FILE_OK;
}


enum file_status file_place (const char *from, const char *to, int overwrite,
                             int *os_error) {
  if (overwrite && platform_is_folder(to)) {
    *os_error = EISDIR;
    return FILE_FOLDER;
  }
  return move(from, to, overwrite) ? FILE_OK : note(os_error, FILE_UNWRITTEN);
}


enum file_status file_info (const char *path, enum file_type *type,
                            uint64_t *size, int *os_error) {
  wchar_t wide[PLATFORM_PATH];
  WIN32_FILE_ATTRIBUTE_DATA data;
  if (!platform_wide(path, wide)
      || !GetFileAttributesExW(wide, GetFileExInfoStandard, &data))
    return note(os_error, FILE_UNREADABLE);
  *type = (data.dwFileAttributes & FILE_ATTRIBUTE_DIRECTORY) != 0
            ? FILE_IS_FOLDER
          : (data.dwFileAttributes & FILE_ATTRIBUTE_DEVICE) != 0 ? FILE_IS_OTHER
                                                                 : FILE_IS_FILE;
  *size = (uint64_t)data.nFileSizeHigh << 32 | data.nFileSizeLow;
  return FILE_OK;
}


/* Adds a name and its NUL, in UTF-8, where there is room. */
static void add_name (const wchar_t *name, char *out, size_t room,
                      size_t *size) {
  char text[3 * MAX_PATH + 1];
  int n = WideCharToMultiByte(CP_UTF8, 0, name, -1, text, sizeof(text), NULL,
                              NULL);
  if (n <= 0 || strcmp(text, ".") == 0 || strcmp(text, "..") == 0)
    return;
  if (*size + (size_t)n <= room)
    memcpy(out + *size, text, (size_t)n);
  *size += (size_t)n;
}


enum file_status file_names (const char *path, char *out, size_t room,
                             size_t *size, int *os_error) {
  wchar_t wide[PLATFORM_PATH + 2];
  WIN32_FIND_DATAW entry;
  HANDLE find;
  *size = 0;
  if (!platform_wide(path, wide))
    return note(os_error, FILE_UNREADABLE);
  wcscat(wide, L"/*");
  find = FindFirstFileW(wide, &entry);
  if (find == INVALID_HANDLE_VALUE)
    return note(os_error, FILE_UNREADABLE);
  do
    add_name(entry.cFileName, out, room, size);
  while (FindNextFileW(find, &entry));
  FindClose(find);
  return FILE_OK;
}


/* The system has no such thing. */
void file_boot_id (char id[FILE_BOOT_ID]) {
  id[0] = '\0';
}

#endif
