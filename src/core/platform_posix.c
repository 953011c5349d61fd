/* SPDX-License-Identifier: MIT
**
** platform_posix: platform.h for Linux, macOS and the like.
*/

#include "platform.h"

#if !defined(_WIN32)

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#if defined(__APPLE__)
#include <xlocale.h>
#endif
#if defined(__linux__)
#include <sys/random.h>
#endif


/* ---- Clocks and random bytes ---- */

double platform_now (void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}


double platform_worked (void) {
  struct timespec t;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}


double platform_time (void) {
  struct timeval t;
  gettimeofday(&t, NULL);
  return (double)t.tv_sec + (double)t.tv_usec * 1e-6;
}


#if defined(__linux__)

/* For where a sandbox has no call for it. */
static int read_random (void *bytes, size_t n) {
  FILE *f = fopen("/dev/urandom", "rbe");
  size_t got = f == NULL ? 0 : fread(bytes, 1, n, f);
  if (f != NULL)
    fclose(f);
  return got == n;
}


int platform_random (void *bytes, size_t n, int may_wait) {
  return getrandom(bytes, n, may_wait ? 0 : GRND_NONBLOCK) == (ssize_t)n
         || (may_wait && read_random(bytes, n));
}

#else

int platform_random (void *bytes, size_t n, int may_wait) {
  (void)may_wait;
  arc4random_buf(bytes, n);
  return 1;
}

#endif


/* ---- This module ---- */

/* libcurl's resolver threads and the handlers of a fork may return to it after
** the last Lua state has closed, and the program's finalizers may run after Lua
** has unloaded it. Where this fails, as in a static program, it is not needed.
*/
void platform_pin (void) {
#if defined(RTLD_NODELETE)
  static const char here;
  Dl_info info;
  if (dladdr(&here, &info) != 0 && info.dli_fname != NULL)
    (void)dlopen(info.dli_fname, RTLD_NOW | RTLD_NOLOAD | RTLD_NODELETE);
#endif
}


/* ---- Numbers ---- */

/* Made at the first call and kept; 0 when out of memory, and then tried again
** at the next. */
static locale_t c_locale (void) {
  static struct platform_lock lock = PLATFORM_LOCK;
  static locale_t made = (locale_t)0;
  locale_t locale;
  platform_lock(&lock);
  if (made == (locale_t)0)
    made = newlocale(LC_ALL_MASK, "C", (locale_t)0);
  locale = made;
  platform_unlock(&lock);
  return locale;
}


int platform_read_number (const char *text, double *number) {
  locale_t locale = c_locale();
  if (locale == (locale_t)0)
    return 0;
  *number = strtod_l(text, NULL, locale);
  return 1;
}


/* The thread has the locale for as long as that takes. */
size_t platform_write_number (char *text, size_t size, int digits, double x) {
  locale_t locale = c_locale(), before;
  int length;
  if (locale == (locale_t)0)
    return 0;
  before = uselocale(locale);
  length = snprintf(text, size, "%.*g", digits, x);
  uselocale(before);
  return (size_t)length;
}


/* ---- Locks, threads, processes ---- */

void platform_lock (struct platform_lock *lock) {
  pthread_mutex_lock(&lock->mutex);
}


void platform_unlock (struct platform_lock *lock) {
  pthread_mutex_unlock(&lock->mutex);
}


void platform_wait (struct platform_condition *condition,
                    struct platform_lock *lock) {
  pthread_cond_wait(&condition->condition, &lock->mutex);
}


void platform_wake_all (struct platform_condition *condition) {
  pthread_cond_broadcast(&condition->condition);
}


/* How the function gets through what POSIX gives a thread, a pointer. */
union start {
  void *pointer;
  void (*run)(void);
};

static void *run_thread (void *pointer) {
  union start start;
  start.pointer = pointer;
  start.run();
  return NULL;
}


int platform_start_thread (void (*run)(void), size_t stack) {
  union start start;
  pthread_attr_t attributes;
  pthread_t thread;
  sigset_t all, own;
  int status;
  start.run = run;
  if (pthread_attr_init(&attributes) != 0)
    return 0;
  (void)pthread_attr_setstacksize(&attributes, stack);
  (void)pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &own);
  status = pthread_create(&thread, &attributes, run_thread, start.pointer);
  pthread_sigmask(SIG_SETMASK, &own, NULL);
  pthread_attr_destroy(&attributes);
  return status == 0;
}


int platform_on_fork (void (*before)(void), void (*in_parent)(void),
                      void (*in_child)(void)) {
  return pthread_atfork(before, in_parent, in_child) == 0;
}


static int is_pipe_pending (void) {
  sigset_t pending;
  return sigpending(&pending) == 0 && sigismember(&pending, SIGPIPE) == 1;
}


/* A signal that is pending already is blocked, and the program's own. */
int platform_block_pipe (struct platform_signals *own) {
  sigset_t pipe;
  if (is_pipe_pending())
    return 0;
  sigemptyset(&pipe);
  sigaddset(&pipe, SIGPIPE);
  return pthread_sigmask(SIG_BLOCK, &pipe, &own->set) == 0;
}


void platform_unblock_pipe (const struct platform_signals *own) {
  sigset_t pipe;
  int number;
  sigemptyset(&pipe);
  sigaddset(&pipe, SIGPIPE);
  if (is_pipe_pending())
    (void)sigwait(&pipe, &number); /* does not wait: it is pending */
  pthread_sigmask(SIG_SETMASK, &own->set, NULL);
}


/* ---- Descriptors ---- */

int platform_keep (int fd) {
  int other, error;
  if (fd < 0 || fd >= PLATFORM_FIRST)
    return fd;
  other = fcntl(fd, F_DUPFD_CLOEXEC, PLATFORM_FIRST);
  error = errno;
  close(fd);
  errno = error;
  return other;
}


void platform_fill (int taken[PLATFORM_FIRST]) {
  int i;
  for (i = 0; i < PLATFORM_FIRST; i++) {
    int fd = fcntl(i, F_GETFD) < 0 ? open("/dev/null", O_RDWR | O_CLOEXEC) : -1;
    taken[i] = fd == i ? fd : -1;
    if (fd > i)
      close(fd);
  }
}


void platform_release (const int taken[PLATFORM_FIRST]) {
  int i;
  for (i = 0; i < PLATFORM_FIRST; i++)
    if (taken[i] >= 0)
      close(taken[i]);
}


int platform_lacks (int n) {
  int fd = socket(AF_UNIX, SOCK_STREAM, 0);
  int error;
  if (fd < 0)
    return errno == EMFILE || errno == ENFILE ? errno : 0;
  error = n > 1 ? platform_lacks(n - 1) : 0;
  close(fd);
  return error;
}

#endif
