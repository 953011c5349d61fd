/* SPDX-License-Identifier: MIT
**
** file: regular files that have to outlive a crash: written, synced, locked,
** and put in their places. Knows nothing of Lua. Nothing here waits for another
** process, not even for the writer of a pipe.
*/

#ifndef lipsync_file_h
#define lipsync_file_h

#include <stddef.h>
#include <stdint.h>

enum file_status {
  FILE_OK,
  FILE_MISSING,    /* no such file, or no folder for it */
  FILE_EXISTS,     /* it is there already */
  FILE_FOLDER,     /* a folder */
  FILE_SPECIAL,    /* neither file nor folder */
  FILE_LOCKED,     /* by another one who has opened it */
  FILE_UNREADABLE, /* not opened: 'os_error', as for those that follow */
  FILE_UNREAD,     /* not read */
  FILE_UNWRITTEN   /* not written, or not put in its place */
};

enum file_mode {
  FILE_NEW,  /* for writing; must not be there */
  FILE_EDIT, /* for both; made if it is not there */
  FILE_READ
};

enum file_type { FILE_IS_FILE, FILE_IS_FOLDER, FILE_IS_OTHER };

struct file {
  int fd;          /* -1 once closed */
  uint64_t offset; /* where it is read and written */
  int os_error;    /* of the last failure */
  int is_locked;   /* noted where the system would refuse a second lock */
};

/* Opens a regular file, with 'permissions' where it is made. The descriptor is
** closed on exec, and none of 0, 1 and 2. */
enum file_status file_open (struct file *f, const char *path,
                            enum file_mode mode, unsigned permissions);

/* Idempotent. A lock ends with the last descriptor, a forked child's too. */
void file_close (struct file *f);

/* Another descriptor of the same file, for another thread, or -1; and its end.
*/
int file_share (int fd);
void file_drop (int fd);

/* Reads at most 'max' bytes; 0 at the end. */
enum file_status file_read (struct file *f, char *out, size_t max, size_t *n);

/* Writes all of it, or fails. */
enum file_status file_write (struct file *f, const char *data, size_t n);

enum file_status file_size (struct file *f, uint64_t *size);
enum file_status file_truncate (struct file *f, uint64_t size);

/* Waits until the disk has the bytes; with 'all', whatever describes them. */
enum file_status file_sync (struct file *f, int all);

/* Locks it against all who lock it. 'holder' is the process that has it, 0
** where that is not known. */
enum file_status file_lock (struct file *f, int *holder);

/* Whether 'path' still leads to this file. */
int file_is_at (const struct file *f, const char *path);

/* Makes 'path' a file with exactly these bytes: after a crash it has the old
** ones or the new ones. */
enum file_status file_replace (const char *path, const char *data, size_t n,
                               int *os_error);

/* Renames a file, over another one only if that is wanted, so that it survives
** a crash. */
enum file_status file_place (const char *from, const char *to, int overwrite,
                             int *os_error);

enum file_status file_info (const char *path, enum file_type *type,
                            uint64_t *size, int *os_error);

/* Writes the names of what is in a folder, each with its NUL, as far as there
** is room; '*size' is how many bytes they take. */
enum file_status file_names (const char *path, char *out, size_t room,
                             size_t *size, int *os_error);

/* It is no failure that there is no such file. */
enum file_status file_remove (const char *path, int *os_error);

/* What differs after each start of the machine, or "". */
#define FILE_BOOT_ID 37
void file_boot_id (char id[FILE_BOOT_ID]);

#endif
