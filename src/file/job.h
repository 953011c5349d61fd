/* SPDX-License-Identifier: MIT
**
** job: work on files that may take long, because it waits for the disk. A
** thread does one job after the other; it is there only while there are some.
** Knows nothing of Lua.
*/

#ifndef lipsync_job_h
#define lipsync_job_h

#include "file.h"

/* What is to be done, in this order, until something fails. */
struct job_plan {
  int fd;           /* of a file to sync; -1: none */
  int all;          /* as file_sync has it */
  const char *path; /* of that file, for failures */

  const char *replace; /* file_replace: a path, or NULL */
  const char *bytes;
  size_t length;

  const char *remove; /* file_remove: a path, or NULL */

  const char *from; /* file_place: a path, or NULL */
  const char *to;
  int overwrite;
};

enum job_state {
  JOB_QUEUED, /* not begun */
  JOB_RUNNING,
  JOB_OVER,
  JOB_FORKED /* it is that of the process that this one was forked from */
};

struct job;

/* A job that has not begun, which the caller releases. It has a copy of the
** plan. NULL: out of memory. */
struct job *job_new (const struct job_plan *plan);

/* Has the thread do it; or does it at once, if it is to be done 'here' or there
** can be no thread. */
void job_begin (struct job *j, int here);

enum job_state job_state (const struct job *j);

/* Takes it back if it has not begun, and returns JOB_QUEUED; else waits for its
** end. */
enum job_state job_stop (struct job *j);

/* How it went, once it is over; '*path' is that of the failure. */
enum file_status job_result (const struct job *j, int *os_error,
                             const char **path);

/* Frees it, once it is stopped or over. */
void job_release (struct job *j);

#endif
