/* SPDX-License-Identifier: MIT
**
** platform_windows: what the files for Windows share.
*/

#ifndef lipsync_platform_windows_h
#define lipsync_platform_windows_h

#if defined(_WIN32)

#include <winsock2.h>
#include <windows.h>

#define PLATFORM_PATH 4096 /* characters of a path; the system takes 260 */

/* Turns a path into what the system's functions for all characters take. One
** that is UTF-8 is taken for that, any other as the system's own code page has
** it, as io.open does. False where it, or a name in it, is too long. */
int platform_wide (const char *path, wchar_t out[PLATFORM_PATH]);

/* The errno that is nearest to an error of GetLastError or of a socket. */
int platform_errno (DWORD error);

/* Whether it leads to a folder, which cannot be opened as a file is. */
int platform_is_folder (const char *path);

/* Opens a file that others may go on to read, write, rename and remove, as on
** other systems. A descriptor, or -1 with GetLastError. */
int platform_open (const char *path, DWORD access, DWORD creation);

/* The system's handle of a descriptor; that of an unknown one is no handle. */
HANDLE platform_handle (int fd);

/* Another descriptor of the same file, which no other program inherits. */
int platform_duplicate (int fd);

/* Reads from an offset on; false with GetLastError. '*got' is 0 at the end. */
int platform_read (int fd, char *out, size_t n, unsigned long long offset,
                   size_t *got);

#endif

#endif
