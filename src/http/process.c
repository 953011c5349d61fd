/* SPDX-License-Identifier: MIT
**
** process: see process.h.
*/

#include <curl/curl.h>
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "process.h"

#define CURL_WITHOUT_PIPE 0x075700 /* 7.87: no SIGPIPE from OpenSSL */
#define CURL_AT_RUN_TIME  0x075000 /* 7.80: CURLOPT_PREREQFUNCTION */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int initialized = 0;
static unsigned live_sessions = 0, live_exchanges = 0;
static unsigned forks = 0;
static int is_recent = 0;
static int needs_guard = 0;
static char library[200];
static const char *ca_file = NULL;


static void on_fork (void) {
  forks++;
}


unsigned process_forks (void) {
  return forks;
}


/* Asked once, because libcurl writes its version to memory that all threads
** share. */
static void learn_library (void) {
  const curl_version_info_data *info = curl_version_info(CURLVERSION_NOW);
  strncpy(library, curl_version(), sizeof(library) - 1);
  ca_file = info->cainfo;
  is_recent = info->version_num >= CURL_AT_RUN_TIME;
  needs_guard = info->version_num < CURL_WITHOUT_PIPE;
}


int process_init (void) {
  int ok;
  pthread_mutex_lock(&lock);
  if (library[0] == '\0')
    learn_library();
  if (!initialized)
    initialized = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK
                  && pthread_atfork(NULL, NULL, on_fork) == 0;
  ok = initialized;
  pthread_mutex_unlock(&lock);
  return ok;
}


int process_is_recent (void) {
  return is_recent;
}


const char *process_library (void) {
  return library;
}


const char *process_ca_file (void) {
  return ca_file;
}


int process_lacks (int n) {
  int fd = socket(AF_UNIX, SOCK_STREAM, 0);
  int error;
  if (fd < 0)
    return errno == EMFILE || errno == ENFILE ? errno : 0;
  error = n > 1 ? process_lacks(n - 1) : 0;
  close(fd);
  return error;
}


static int is_pipe_pending (void) {
  sigset_t pending;
  return sigpending(&pending) == 0 && sigismember(&pending, SIGPIPE) == 1;
}


/* One that is pending already is blocked already, and the program's own. */
void process_guard_begin (struct process_guard *g) {
  sigset_t pipe;
  g->is_on = 0;
  if (!needs_guard || is_pipe_pending())
    return;
  sigemptyset(&pipe);
  sigaddset(&pipe, SIGPIPE);
  g->is_on = pthread_sigmask(SIG_BLOCK, &pipe, &g->mask) == 0;
}


void process_guard_end (const struct process_guard *g) {
  sigset_t pipe;
  int number;
  if (!g->is_on)
    return;
  sigemptyset(&pipe);
  sigaddset(&pipe, SIGPIPE);
  if (is_pipe_pending())
    (void)sigwait(&pipe, &number); /* does not wait: it is pending */
  pthread_sigmask(SIG_SETMASK, &g->mask, NULL);
}


static void count (unsigned *counter, int step) {
  pthread_mutex_lock(&lock);
  *counter = (unsigned)((int)*counter + step);
  pthread_mutex_unlock(&lock);
}


void process_count_session (int step) {
  count(&live_sessions, step);
}


void process_count_exchange (int step) {
  count(&live_exchanges, step);
}


void process_live (unsigned *sessions, unsigned *exchanges) {
  pthread_mutex_lock(&lock);
  *sessions = live_sessions;
  *exchanges = live_exchanges;
  pthread_mutex_unlock(&lock);
}
