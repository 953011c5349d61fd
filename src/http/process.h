/* SPDX-License-Identifier: MIT
**
** process: what exists once per process, for all Lua states and threads:
** libcurl's initialization, the count of forks, and the counts by which tests
** find leaks.
*/

#ifndef lipsync_process_h
#define lipsync_process_h

#include "platform.h"

/* Makes libcurl ready, once. False when that failed, as it does without memory;
** it may be tried again. */
int process_init (void);

/* After process_init: whether the loaded libcurl is 7.80 or later; its version
** and libraries, as text; its default place of certificates (or NULL). */
int process_is_recent (void);
const char *process_library (void);
const char *process_ca_file (void);

/* The number of forks that led to this process: an object made under another
** count belongs to a parent. */
unsigned process_forks (void);

/* A libcurl before 7.87 lets OpenSSL write to a connection that the peer has
** reset, which is a SIGPIPE, and the end of the program where that expects
** none. So the thread that calls libcurl blocks it, and takes it back. */
struct process_guard {
  int is_on;
  struct platform_signals own; /* of the thread */
};

void process_guard_begin (struct process_guard *g);
void process_guard_end (const struct process_guard *g);

/* Counts a session or an exchange that is made (+1) or freed (-1). */
void process_count_session (int step);
void process_count_exchange (int step);

/* How many of them are alive. */
void process_live (unsigned *sessions, unsigned *exchanges);

#endif
