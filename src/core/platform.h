/* SPDX-License-Identifier: MIT
**
** platform: what differs between systems, for all modules: clocks, random
** bytes, numbers in the "C" locale, locks and threads, descriptors. There is a
** file of functions for each system; all are compiled everywhere, and those of
** other systems are empty. The other such files are src/http/socket_*.c,
** src/http/input_*.c, src/http/pollset_*.c and src/file/file_*.c.
*/

#ifndef lipsync_platform_h
#define lipsync_platform_h

#include <stddef.h>

#if defined(_WIN32)

#define EDQUOT 10069 /* its <errno.h> has none, its sockets do */

struct platform_lock {
  void *word; /* an SRWLOCK */
};
struct platform_condition {
  void *word; /* a CONDITION_VARIABLE */
};
struct platform_signals {
  int none; /* there are no signals to block */
};
#define PLATFORM_LOCK                                                          \
  { NULL }
#define PLATFORM_CONDITION                                                     \
  { NULL }

#else

#include <pthread.h>
#include <signal.h>

struct platform_lock {
  pthread_mutex_t mutex;
};
struct platform_condition {
  pthread_cond_t condition;
};
struct platform_signals {
  sigset_t set;
};
#define PLATFORM_LOCK                                                          \
  { PTHREAD_MUTEX_INITIALIZER }
#define PLATFORM_CONDITION                                                     \
  { PTHREAD_COND_INITIALIZER }

#endif

/* ---- Clocks and random bytes ---- */

/* Seconds on a clock that only goes forward: that of all waits and deadlines;
** and seconds since 1970 UTC. */
double platform_now (void);
double platform_time (void);

/* Seconds that this thread has worked: on a busy machine another one may have
** the processor for all of the time that a clock shows. */
double platform_worked (void);

/* Fills 'bytes' with what nobody can guess; false if the system gives none. It
** may have too few of them only soon after its start; then this waits if it
** may. */
int platform_random (void *bytes, size_t n, int may_wait);

/* ---- This module ---- */

/* Keeps it in memory when its Lua state is closed. */
void platform_pin (void);

/* ---- Numbers in the "C" locale, whichever the program has chosen ---- */

/* Reads the number at the beginning of 'text'; false when out of memory. */
int platform_read_number (const char *text, double *number);

/* Writes a number with so many digits, as "%.*g" does. Returns the length; 0
** when out of memory. */
size_t platform_write_number (char *text, size_t size, int digits, double x);

/* ---- Locks, threads, processes ---- */

void platform_lock (struct platform_lock *lock);
void platform_unlock (struct platform_lock *lock);

/* Waits with 'lock' released; may return early. */
void platform_wait (struct platform_condition *condition,
                    struct platform_lock *lock);
void platform_wake_all (struct platform_condition *condition);

/* Runs a function in a thread that gets none of the program's signals, on a
** stack of so many bytes; false if there can be none. */
int platform_start_thread (void (*run)(void), size_t stack);

/* Has functions called around a fork, NULL for none; false if out of memory.
** Where processes do not fork they are never called. */
int platform_on_fork (void (*before)(void), void (*in_parent)(void),
                      void (*in_child)(void));

/* Keeps the signal of a broken pipe from this thread, and sets its signals in
** '*own'; false where there is no need. The second takes back one that came in
** the meantime. */
int platform_block_pipe (struct platform_signals *own);
void platform_unblock_pipe (const struct platform_signals *own);

/* ---- Descriptors ---- */

/* They are kept away from 0, 1 and 2, which the kernel gives out where a
** program has closed them: what it or others write to standard error would go
** there. */
#define PLATFORM_FIRST 3

/* 'fd', or another number for it if it is too low; that closes on exec.
** Negative with errno when 'fd' is, or when that fails; 'fd' is closed then. */
int platform_keep (int fd);

/* Takes the low numbers that are free, for while a library opens its own; gives
** them back. */
void platform_fill (int taken[PLATFORM_FIRST]);
void platform_release (const int taken[PLATFORM_FIRST]);

/* Whether 'n' more descriptors cannot be had: the errno, or 0. */
int platform_lacks (int n);

#endif
