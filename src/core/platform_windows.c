/* SPDX-License-Identifier: MIT
**
** platform_windows: platform.h for Windows, and what the other files for it
** share.
*/

#include "platform.h"

#if defined(_WIN32)

#include "platform_windows.h"

#include <errno.h>
#include <fcntl.h>
#include <io.h>
#include <locale.h>
#include <ntsecapi.h> /* RtlGenRandom */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EPOCH       116444736000000000ULL /* 1970, in 100 ns since 1601 */
#define NAME_LENGTH 255 /* characters of a file's name, without its folder */


/* ---- Clocks and random bytes ---- */

double platform_now (void) {
  static LARGE_INTEGER frequency; /* the same value, whoever writes it */
  LARGE_INTEGER count;
  if (frequency.QuadPart == 0)
    QueryPerformanceFrequency(&frequency);
  QueryPerformanceCounter(&count);
  return (double)count.QuadPart / (double)frequency.QuadPart;
}


/* The clock's time: the system counts a thread's in steps of 16 ms. */
double platform_worked (void) {
  return platform_now();
}


double platform_time (void) {
  FILETIME t;
  ULARGE_INTEGER n;
  GetSystemTimeAsFileTime(&t);
  n.LowPart = t.dwLowDateTime;
  n.HighPart = t.dwHighDateTime;
  return (double)(n.QuadPart - EPOCH) * 1e-7;
}


int platform_random (void *bytes, size_t n, int may_wait) {
  (void)may_wait;
  return RtlGenRandom(bytes, (ULONG)n);
}


/* ---- This module ---- */

void platform_pin (void) {
  static const char here;
  HMODULE module;
  (void)GetModuleHandleExW(GET_MODULE_HANDLE_EX_FLAG_PIN
                             | GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS,
                           (LPCWSTR)(const void *)&here, &module);
}


/* ---- Numbers ---- */

static _locale_t c_locale (void) {
  static struct platform_lock lock = PLATFORM_LOCK;
  static _locale_t made = NULL;
  _locale_t locale;
  platform_lock(&lock);
  if (made == NULL)
    made = _create_locale(LC_ALL, "C");
  locale = made;
  platform_unlock(&lock);
  return locale;
}


int platform_read_number (const char *text, double *number) {
  _locale_t locale = c_locale();
  if (locale == NULL)
    return 0;
  *number = _strtod_l(text, NULL, locale);
  return 1;
}


/* This system's exponents have three digits: "1e+015". C has two where they
** will do. */
static size_t shorten_exponent (char *text, size_t length) {
  char *e = strchr(text, 'e');
  if (e == NULL || length < 5 || e != text + length - 5 || e[2] != '0')
    return length;
  memmove(e + 2, e + 3, 3);
  return length - 1;
}


size_t platform_write_number (char *text, size_t size, int digits, double x) {
  _locale_t locale = c_locale();
  int length;
  if (locale == NULL)
    return 0;
  length = _snprintf_l(text, size, "%.*g", locale, digits, x);
  return length < 0 ? 0 : shorten_exponent(text, (size_t)length);
}


/* ---- Locks, threads, processes ---- */

void platform_lock (struct platform_lock *lock) {
  AcquireSRWLockExclusive((PSRWLOCK)&lock->word);
}


void platform_unlock (struct platform_lock *lock) {
  ReleaseSRWLockExclusive((PSRWLOCK)&lock->word);
}


void platform_wait (struct platform_condition *condition,
                    struct platform_lock *lock) {
  SleepConditionVariableSRW((PCONDITION_VARIABLE)&condition->word,
                            (PSRWLOCK)&lock->word, INFINITE, 0);
}


void platform_wake_all (struct platform_condition *condition) {
  WakeAllConditionVariable((PCONDITION_VARIABLE)&condition->word);
}


/* How the function gets through what a thread is given, a pointer. */
union start {
  void *pointer;
  void (*run)(void);
};

static DWORD WINAPI run_thread (void *pointer) {
  union start start;
  start.pointer = pointer;
  start.run();
  return 0;
}


int platform_start_thread (void (*run)(void), size_t stack) {
  union start start;
  HANDLE thread;
  start.run = run;
  thread = CreateThread(NULL, stack, run_thread, start.pointer,
                        STACK_SIZE_PARAM_IS_A_RESERVATION, NULL);
  if (thread == NULL)
    return 0;
  CloseHandle(thread);
  return 1;
}


int platform_on_fork (void (*before)(void), void (*in_parent)(void),
                      void (*in_child)(void)) {
  (void)before;
  (void)in_parent;
  (void)in_child;
  return 1;
}


int platform_block_pipe (struct platform_signals *own) {
  (void)own;
  return 0;
}


void platform_unblock_pipe (const struct platform_signals *own) {
  (void)own;
}


/* ---- Descriptors ---- */

/* Those of a process are its C library's, up to 2,048; sockets are none. */

int platform_keep (int fd) {
  return fd;
}


void platform_fill (int taken[PLATFORM_FIRST]) {
  (void)taken;
}


void platform_release (const int taken[PLATFORM_FIRST]) {
  (void)taken;
}


int platform_lacks (int n) {
  (void)n;
  return 0;
}


/* ---- What the other files share ---- */

static int convert (const char *path, wchar_t out[PLATFORM_PATH]) {
  return MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, path, -1, out,
                             PLATFORM_PATH)
           > 0
         || (GetLastError() == ERROR_NO_UNICODE_TRANSLATION
             && MultiByteToWideChar(CP_ACP, 0, path, -1, out, PLATFORM_PATH)
                  > 0);
}


/* A name that is too long is told as such, because the system finds no folder
** for it. */
int platform_wide (const char *path, wchar_t out[PLATFORM_PATH]) {
  size_t i, n = 0;
  if (!convert(path, out))
    return 0;
  for (i = 0; out[i] != L'\0'; i++) {
    n = out[i] == L'/' || out[i] == L'\\' ? 0 : n + 1;
    if (n > NAME_LENGTH) {
      SetLastError(ERROR_FILENAME_EXCED_RANGE);
      return 0;
    }
  }
  return 1;
}


int platform_is_folder (const char *path) {
  wchar_t wide[PLATFORM_PATH];
  DWORD attributes = platform_wide(path, wide) ? GetFileAttributesW(wide)
                                               : INVALID_FILE_ATTRIBUTES;
  return attributes != INVALID_FILE_ATTRIBUTES
         && (attributes & FILE_ATTRIBUTE_DIRECTORY) != 0;
}


static const struct {
  DWORD error;
  int number;
} errors[] = {
  {ERROR_FILE_NOT_FOUND, ENOENT},
  {ERROR_PATH_NOT_FOUND, ENOENT},
  {ERROR_INVALID_NAME, ENOENT},
  {ERROR_BAD_NETPATH, ENOENT},
  {ERROR_DIRECTORY, ENOTDIR},
  {ERROR_ACCESS_DENIED, EACCES},
  {ERROR_SHARING_VIOLATION, EACCES},
  {ERROR_LOCK_VIOLATION, EACCES},
  {ERROR_FILE_EXISTS, EEXIST},
  {ERROR_ALREADY_EXISTS, EEXIST},
  {ERROR_INVALID_HANDLE, EBADF},
  {ERROR_TOO_MANY_OPEN_FILES, EMFILE},
  {ERROR_DISK_FULL, ENOSPC},
  {ERROR_HANDLE_DISK_FULL, ENOSPC},
  {ERROR_WRITE_PROTECT, EROFS},
  {ERROR_FILENAME_EXCED_RANGE, ENAMETOOLONG},
  {ERROR_INSUFFICIENT_BUFFER, ENAMETOOLONG},
  {ERROR_NOT_ENOUGH_MEMORY, ENOMEM},
  {WSAECONNREFUSED, ECONNREFUSED},
  {WSAECONNRESET, ECONNRESET},
  {WSAETIMEDOUT, ETIMEDOUT},
  {WSAENETUNREACH, ENETUNREACH},
  {WSAEHOSTUNREACH, EHOSTUNREACH},
  {WSAEADDRNOTAVAIL, EADDRNOTAVAIL},
  {WSAEACCES, EACCES},
  {WSAEMFILE, EMFILE},
};


int platform_errno (DWORD error) {
  size_t i;
  for (i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
    if (errors[i].error == error)
      return errors[i].number;
  return error == 0 ? 0 : EIO;
}


static int to_descriptor (HANDLE handle) {
  int fd = _open_osfhandle((intptr_t)handle, _O_BINARY | _O_NOINHERIT);
  if (fd < 0) {
    CloseHandle(handle);
    SetLastError(ERROR_TOO_MANY_OPEN_FILES);
  }
  return fd;
}


int platform_open (const char *path, DWORD access, DWORD creation) {
  wchar_t wide[PLATFORM_PATH];
  HANDLE handle;
  if (!platform_wide(path, wide))
    return -1;
  handle = CreateFileW(wide, access,
                       FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE,
                       NULL, creation, FILE_ATTRIBUTE_NORMAL, NULL);
  return handle == INVALID_HANDLE_VALUE ? -1 : to_descriptor(handle);
}


HANDLE platform_handle (int fd) {
  return (HANDLE)_get_osfhandle(fd);
}


int platform_duplicate (int fd) {
  HANDLE own = GetCurrentProcess(), handle;
  if (!DuplicateHandle(own, platform_handle(fd), own, &handle, 0, FALSE,
                       DUPLICATE_SAME_ACCESS))
    return -1;
  return to_descriptor(handle);
}


int platform_read (int fd, char *out, size_t n, unsigned long long offset,
                   size_t *got) {
  OVERLAPPED at;
  DWORD count = 0;
  memset(&at, 0, sizeof(at));
  at.Offset = (DWORD)offset;
  at.OffsetHigh = (DWORD)(offset >> 32);
  *got = 0;
  if (!ReadFile(platform_handle(fd), out,
                n > 0x40000000 ? 0x40000000 : (DWORD)n, &count, &at)
      && GetLastError() != ERROR_HANDLE_EOF)
    return 0;
  *got = count;
  return 1;
}

#endif
