/* SPDX-License-Identifier: MIT
**
** process: see process.h.
*/

#include <curl/curl.h>
#include <stdio.h>
#include <string.h>

#include "process.h"

#define CURL_WITHOUT_PIPE 0x075700 /* 7.87: no SIGPIPE from OpenSSL */
#define CURL_AT_RUN_TIME  0x075000 /* 7.80: CURLOPT_PREREQFUNCTION */

static struct platform_lock lock = PLATFORM_LOCK;
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


/* Appends " NAME/VERSION"; nothing for a library that libcurl is without. */
static void add_library (const char *name, const char *version) {
  size_t used = strlen(library);
  if (version != NULL)
    (void)snprintf(library + used, sizeof(library) - used, " %s/%s", name,
                   version);
}


/* Asked once, because libcurl writes to memory that all threads share. Not by
** curl_version(): that starts LDAP and with it SASL, which loads its plugins,
** for a quarter of the time that libcurl takes to start. */
static void learn_library (void) {
  const curl_version_info_data *info = curl_version_info(CURLVERSION_NOW);
  (void)snprintf(library, sizeof(library), "libcurl/%s%s%s", info->version,
                 info->ssl_version != NULL ? " " : "",
                 info->ssl_version != NULL ? info->ssl_version : "");
  add_library("zlib", info->libz_version);
  is_recent = info->version_num >= CURL_AT_RUN_TIME;
  if (is_recent) { /* else what it tells may end before these */
    add_library("nghttp2", info->nghttp2_version);
    ca_file = info->cainfo;
  }
  needs_guard = info->version_num < CURL_WITHOUT_PIPE;
}


int process_init (void) {
  int ok;
  platform_lock(&lock);
  if (library[0] == '\0')
    learn_library();
  if (!initialized)
    initialized = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK
                  && platform_on_fork(NULL, NULL, on_fork);
  ok = initialized;
  platform_unlock(&lock);
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


/* Without it the signals stay as they are. */
void process_guard_begin (struct process_guard *g) {
  g->is_on = needs_guard && platform_block_pipe(&g->own);
}


void process_guard_end (const struct process_guard *g) {
  if (g->is_on)
    platform_unblock_pipe(&g->own);
}


static void count (unsigned *counter, int step) {
  platform_lock(&lock);
  *counter = (unsigned)((int)*counter + step);
  platform_unlock(&lock);
}


void process_count_session (int step) {
  count(&live_sessions, step);
}


void process_count_exchange (int step) {
  count(&live_exchanges, step);
}


void process_live (unsigned *sessions, unsigned *exchanges) {
  platform_lock(&lock);
  *sessions = live_sessions;
  *exchanges = live_exchanges;
  platform_unlock(&lock);
}
