/* SPDX-License-Identifier: MIT
**
** greedy_curl: preloaded, makes libcurl wait for the sockets of paused
** transfers, too, as 8.5.0 does. Told that one of them can be read, it says so
** and ends the process; 8.5.0 would read it.
*/

#include <curl/curl.h>
#include <dlfcn.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#define SHOWN __attribute__((visibility("default")))

#undef curl_multi_setopt

typedef CURLMcode option (CURLM *, CURLMoption, ...);
typedef CURLMcode action (CURLM *, curl_socket_t, int, int *);
typedef CURLMcode removal (CURLM *, CURL *);
typedef CURLcode pausing (CURL *, int);

static curl_socket_callback on_socket;
static CURL *paused[1024]; /* transfers, by their sockets' numbers */
static int pauses;         /* a call that does is under way */
static int last;           /* what the last one was to do */


static void *next (const char *name) {
  return dlsym(RTLD_NEXT, name);
}


/* Passes on neither that a paused transfer needs its socket no more, nor that
** it needs it again. */
static int filter (CURL *easy, curl_socket_t s, int what, void *arg,
                   void *known) {
  CURL *before = paused[s];
  paused[s] = pauses && what == CURL_POLL_REMOVE ? easy : NULL;
  return paused[s] != NULL || before == easy
           ? 0
           : on_socket(easy, s, what, arg, known);
}


/* Its socket, if it has one, is no longer paused. */
static void forget (CURL *easy) {
  curl_socket_t s;
  for (s = 0; s < 1024; s++)
    if (paused[s] == easy)
      paused[s] = NULL;
}


/* All values of options are as long as a pointer. */
SHOWN CURLMcode curl_multi_setopt (CURLM *multi, CURLMoption which, ...) {
  union {
    void *pointer;
    option *function;
  } real = {next("curl_multi_setopt")};
  union {
    void *pointer;
    curl_socket_callback function;
  } value;
  va_list values;
  va_start(values, which);
  value.pointer = va_arg(values, void *);
  va_end(values);
  if (which != CURLMOPT_SOCKETFUNCTION)
    return real.function(multi, which, value.pointer);
  on_socket = value.function;
  return real.function(multi, which, filter);
}


/* Unless a callback paused it again. */
SHOWN CURLcode curl_easy_pause (CURL *easy, int what) {
  union {
    void *pointer;
    pausing *function;
  } real = {next("curl_easy_pause")};
  int before = pauses;
  CURLcode code;
  pauses = what == CURLPAUSE_ALL;
  last = what;
  code = real.function(easy, what);
  pauses = before;
  if (last != CURLPAUSE_ALL)
    forget(easy);
  return code;
}


SHOWN CURLMcode curl_multi_remove_handle (CURLM *multi, CURL *easy) {
  union {
    void *pointer;
    removal *function;
  } real = {next("curl_multi_remove_handle")};
  forget(easy);
  return real.function(multi, easy);
}


SHOWN CURLMcode curl_multi_socket_action (CURLM *multi, curl_socket_t s,
                                          int what, int *running) {
  union {
    void *pointer;
    action *function;
  } real = {next("curl_multi_socket_action")};
  if (s != CURL_SOCKET_TIMEOUT && paused[s] != NULL) {
    fputs("told of a paused socket\n", stderr);
    _exit(1);
  }
  return real.function(multi, s, what, running);
}
