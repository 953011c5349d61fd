/* SPDX-License-Identifier: MIT
**
** input_windows: input.h for Windows.
*/

#include "input.h"

#if defined(_WIN32)

#include <errno.h>
#include <io.h>
#include <string.h>

#include "platform_windows.h"


static void read_stamp (const BY_HANDLE_FILE_INFORMATION *info,
                        struct body_stamp *stamp) {
  const FILETIME *t = &info->ftLastWriteTime;
  uint64_t ticks = (uint64_t)t->dwHighDateTime << 32 | t->dwLowDateTime;
  memset(stamp, 0, sizeof(*stamp));
  stamp->device = info->dwVolumeSerialNumber;
  stamp->inode = (uint64_t)info->nFileIndexHigh << 32 | info->nFileIndexLow;
  stamp->size = (uint64_t)info->nFileSizeHigh << 32 | info->nFileSizeLow;
  stamp->seconds = (int64_t)(ticks / 10000000);
  stamp->nanoseconds = (long)(ticks % 10000000) * 100;
}


static enum body_status cannot_open (int *os_error) {
  *os_error = platform_errno(GetLastError());
  return *os_error == ENOENT || *os_error == ENOTDIR ? BODY_MISSING
                                                     : BODY_UNREADABLE;
}


/* Devices such as "nul" are no files, whatever folder they are said to be in.
*/
static enum body_status judge (int fd, struct body_stamp *stamp,
                               int *os_error) {
  BY_HANDLE_FILE_INFORMATION info;
  if (GetFileType(platform_handle(fd)) != FILE_TYPE_DISK)
    return BODY_SPECIAL;
  if (!GetFileInformationByHandle(platform_handle(fd), &info))
    return cannot_open(os_error);
  read_stamp(&info, stamp);
  return stamp->size == 0 ? BODY_EMPTY : BODY_OK;
}


/* One that may only be written fails with its first read. */
enum body_status input_open (const char *path, int fd, int *opened,
                             struct body_stamp *stamp, int *os_error) {
  if (path != NULL && platform_is_folder(path)) {
    *opened = -1;
    return BODY_FOLDER;
  }
  *opened = path != NULL ? platform_open(path, GENERIC_READ, OPEN_EXISTING)
                         : platform_duplicate(fd);
  return *opened < 0 ? cannot_open(os_error) : judge(*opened, stamp, os_error);
}


void input_close (int fd) {
  _close(fd);
}


int input_stamp (int fd, struct body_stamp *stamp) {
  int os_error;
  enum body_status status = judge(fd, stamp, &os_error);
  return status == BODY_OK || status == BODY_EMPTY;
}


enum body_status body_stamp (const char *path, struct body_stamp *stamp,
                             int *os_error) {
  int fd;
  enum body_status status = input_open(path, -1, &fd, stamp, os_error);
  if (fd >= 0)
    input_close(fd);
  return status;
}


enum body_status input_read (int fd, char *out, size_t n, uint64_t offset,
                             size_t *got, int *os_error) {
  if (platform_read(fd, out, n, offset, got))
    return *got > 0 ? BODY_OK : BODY_SHRANK;
  *os_error = platform_errno(GetLastError());
  return BODY_UNREAD;
}

#endif
