/* SPDX-License-Identifier: MIT
**
** file: what of file.h is made of the rest of it, for all systems.
*/

#include "file.h"

#include <errno.h>
#include <string.h>

#define PRIVATE   0600
#define PATH_SIZE 4096 /* the systems take no longer path */


/* Writes a new file next to a path. What a crash has left there is of no use to
** anyone. */
static enum file_status write_beside (const char *beside, const char *data,
                                      size_t n, int *os_error) {
  struct file f;
  enum file_status status = file_open(&f, beside, FILE_NEW, PRIVATE);
  if (status == FILE_EXISTS && file_remove(beside, os_error) == FILE_OK)
    status = file_open(&f, beside, FILE_NEW, PRIVATE);
  if (status == FILE_OK)
    status = file_write(&f, data, n);
  if (status == FILE_OK)
    status = file_sync(&f, 1);
  *os_error = f.os_error;
  file_close(&f);
  return status;
}


enum file_status file_replace (const char *path, const char *data, size_t n,
                               int *os_error) {
  static const char ending[] = ".new";
  size_t length = strlen(path);
  char beside[PATH_SIZE];
  enum file_status status;
  int ignored;
  if (length + sizeof(ending) > sizeof(beside)) {
    *os_error = ENAMETOOLONG;
    return FILE_UNWRITTEN;
  }
  memcpy(beside, path, length);
  memcpy(beside + length, ending, sizeof(ending));
  status = write_beside(beside, data, n, os_error);
  if (status == FILE_OK)
    status = file_place(beside, path, 1, os_error);
  if (status != FILE_OK)
    (void)file_remove(beside, &ignored);
  return status;
}
