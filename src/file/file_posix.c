/* SPDX-License-Identifier: MIT
**
** file_posix: file.h for Linux, macOS and the like.
*/

#define _FILE_OFFSET_BITS 64

#include "file.h"

#if !defined(_WIN32)

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#endif

#include "platform.h"

#define PATH_SIZE 4096 /* the system takes no longer path */


/* ---- Opening ---- */

static enum file_status to_status (int os_error, enum file_status otherwise) {
  switch (os_error) {
    case ENOENT:
    case ENOTDIR: return FILE_MISSING;
    case EEXIST: return FILE_EXISTS;
    case EISDIR: return FILE_FOLDER;
    case ENXIO: return FILE_SPECIAL; /* a pipe without a reader, a socket */
    default: return otherwise;
  }
}


static int open_path (const char *path, int flags, unsigned permissions) {
  int fd;
  do
    fd = open(path, flags | O_CLOEXEC | O_NOCTTY | O_NONBLOCK,
              (mode_t)permissions);
  while (fd < 0 && errno == EINTR);
  return platform_keep(fd);
}


static enum file_status fail (struct file *f, enum file_status status) {
  f->os_error = errno;
  return status;
}


static enum file_status judge (struct file *f) {
  struct stat s;
  if (fstat(f->fd, &s) != 0)
    return fail(f, FILE_UNREADABLE);
  if (S_ISDIR(s.st_mode))
    return FILE_FOLDER;
  return S_ISREG(s.st_mode) ? FILE_OK : FILE_SPECIAL;
}


enum file_status file_open (struct file *f, const char *path,
                            enum file_mode mode, unsigned permissions) {
  static const int flags[] = {
    [FILE_NEW] = O_WRONLY | O_CREAT | O_EXCL,
    [FILE_EDIT] = O_RDWR | O_CREAT,
    [FILE_READ] = O_RDONLY,
  };
  enum file_status status;
  f->offset = 0;
  f->os_error = 0;
  f->fd = open_path(path, flags[mode], permissions);
  if (f->fd < 0)
    return fail(f, to_status(errno, FILE_UNREADABLE));
  status = judge(f);
  if (status != FILE_OK)
    file_close(f);
  return status;
}


void file_close (struct file *f) {
  if (f->fd >= 0)
    close(f->fd);
  f->fd = -1;
}


int file_share (int fd) {
  return fcntl(fd, F_DUPFD_CLOEXEC, PLATFORM_FIRST);
}


void file_drop (int fd) {
  close(fd);
}


/* ---- Bytes ---- */

enum file_status file_read (struct file *f, char *out, size_t max, size_t *n) {
  ssize_t got;
  do
    got = pread(f->fd, out, max, (off_t)f->offset);
  while (got < 0 && errno == EINTR);
  if (got < 0)
    return fail(f, FILE_UNREAD);
  *n = (size_t)got;
  f->offset += (uint64_t)got;
  return FILE_OK;
}


enum file_status file_write (struct file *f, const char *data, size_t n) {
  while (n > 0) {
    ssize_t done = pwrite(f->fd, data, n, (off_t)f->offset);
    if (done < 0 && errno == EINTR)
      continue;
    if (done <= 0)
      return fail(f, FILE_UNWRITTEN);
    data += done;
    n -= (size_t)done;
    f->offset += (uint64_t)done;
  }
  return FILE_OK;
}


enum file_status file_size (struct file *f, uint64_t *size) {
  struct stat s;
  if (fstat(f->fd, &s) != 0)
    return fail(f, FILE_UNREAD);
  *size = (uint64_t)s.st_size;
  return FILE_OK;
}


enum file_status file_truncate (struct file *f, uint64_t size) {
  int status;
  do
    status = ftruncate(f->fd, (off_t)size);
  while (status != 0 && errno == EINTR);
  return status == 0 ? FILE_OK : fail(f, FILE_UNWRITTEN);
}


/* A file system that cannot sync says EINVAL, and nothing more can be done. */
static int sync_fd (int fd, int all) {
  int status;
  do
#if defined(_POSIX_SYNCHRONIZED_IO) && _POSIX_SYNCHRONIZED_IO > 0
    status = all ? fsync(fd) : fdatasync(fd);
#else
    status = fsync(fd);
#endif
  while (status != 0 && errno == EINTR);
  (void)all;
  return status == 0 || errno == EINVAL;
}


enum file_status file_sync (struct file *f, int all) {
  return sync_fd(f->fd, all) ? FILE_OK : fail(f, FILE_UNWRITTEN);
}


/* ---- Locks ---- */

#ifdef __linux__

/* Which process has the lock, by the kernel's list; 0: it does not say. */
static int find_holder (const struct file *f) {
  char line[200];
  struct stat s;
  int pid = 0;
  FILE *list = fopen("/proc/locks", "re");
  if (list == NULL)
    return 0;
  while (pid == 0 && fstat(f->fd, &s) == 0
         && fgets(line, sizeof(line), list) != NULL) {
    unsigned major_number, minor_number;
    unsigned long inode;
    int owner;
    if (sscanf(line, "%*s FLOCK %*s %*s %d %x:%x:%lu", &owner, &major_number,
               &minor_number, &inode)
          == 4
        && inode == s.st_ino && major_number == major(s.st_dev)
        && minor_number == minor(s.st_dev))
      pid = owner;
  }
  fclose(list);
  return pid;
}

#else

static int find_holder (const struct file *f) {
  (void)f;
  return 0;
}

#endif


enum file_status file_lock (struct file *f, int *holder) {
  int status;
  *holder = 0;
  do
    status = flock(f->fd, LOCK_EX | LOCK_NB);
  while (status != 0 && errno == EINTR);
  if (status == 0)
    return FILE_OK;
  if (errno != EWOULDBLOCK)
    return fail(f, FILE_UNREADABLE);
  *holder = find_holder(f);
  return FILE_LOCKED;
}


int file_is_at (const struct file *f, const char *path) {
  struct stat own, there;
  return fstat(f->fd, &own) == 0 && stat(path, &there) == 0
         && own.st_dev == there.st_dev && own.st_ino == there.st_ino;
}


/* ---- Places ---- */

/* Makes the names in the folder of 'path' survive a crash. A folder that may
** not be read cannot be synced; its names are where they belong all the same.
*/
static int sync_folder (const char *path) {
  const char *slash = strrchr(path, '/');
  size_t n = slash == NULL ? 1 : slash == path ? 1 : (size_t)(slash - path);
  char folder[PATH_SIZE];
  int fd, good;
  if (n >= sizeof(folder)) {
    errno = ENAMETOOLONG;
    return 0;
  }
  memcpy(folder, slash == NULL ? "." : path, n);
  folder[n] = '\0';
  fd = open_path(folder, O_RDONLY | O_DIRECTORY, 0);
  if (fd < 0)
    return errno == EACCES;
  good = sync_fd(fd, 1);
  close(fd);
  return good;
}


static enum file_status note (int *os_error, enum file_status status) {
  *os_error = errno;
  return status;
}


/* Renames to a name that is free: 0, or -1 with errno. Not every file system
** can do that in one step, nor has links. */
static int rename_to_free (const char *from, const char *to) {
  struct stat s;
#if defined(__linux__) && defined(SYS_renameat2)
  const unsigned no_replace = 1;
  if (syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, no_replace) == 0)
    return 0;
  if (errno != ENOSYS && errno != EINVAL)
    return -1;
#endif
  if (link(from, to) == 0)
    return unlink(from);
  if (errno != EPERM && errno != EOPNOTSUPP && errno != ENOSYS)
    return -1;
  if (lstat(to, &s) != 0)
    return rename(from, to);
  errno = EEXIST;
  return -1;
}


enum file_status file_place (const char *from, const char *to, int overwrite,
                             int *os_error) {
  if ((overwrite ? rename(from, to) : rename_to_free(from, to)) != 0)
    return note(os_error, to_status(errno, FILE_UNWRITTEN));
  return sync_folder(to) ? FILE_OK : note(os_error, FILE_UNWRITTEN);
}


enum file_status file_info (const char *path, enum file_type *type,
                            uint64_t *size, int *os_error) {
  struct stat s;
  if (stat(path, &s) != 0)
    return note(os_error, to_status(errno, FILE_UNREADABLE));
  *type = S_ISREG(s.st_mode)   ? FILE_IS_FILE
          : S_ISDIR(s.st_mode) ? FILE_IS_FOLDER
                               : FILE_IS_OTHER;
  *size = (uint64_t)s.st_size;
  return FILE_OK;
}


enum file_status file_remove (const char *path, int *os_error) {
  if (unlink(path) == 0 || errno == ENOENT)
    return FILE_OK;
  return note(os_error, to_status(errno, FILE_UNWRITTEN));
}


enum file_status file_names (const char *path, char *out, size_t room,
                             size_t *size, int *os_error) {
  DIR *folder = opendir(path);
  const struct dirent *entry;
  *size = 0;
  if (folder == NULL) {
    *os_error = errno;
    return to_status(*os_error, FILE_UNREADABLE);
  }
  while ((entry = readdir(folder)) != NULL) {
    size_t n = strlen(entry->d_name) + 1;
    if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
      continue;
    if (*size + n <= room)
      memcpy(out + *size, entry->d_name, n);
    *size += n;
  }
  closedir(folder);
  return FILE_OK;
}


void file_boot_id (char id[FILE_BOOT_ID]) {
  struct file f;
  size_t n = 0;
  if (file_open(&f, "/proc/sys/kernel/random/boot_id", FILE_READ, 0) == FILE_OK)
    (void)file_read(&f, id, FILE_BOOT_ID - 1, &n);
  file_close(&f);
  id[n] = '\0';
}

#endif
