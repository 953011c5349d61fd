/* SPDX-License-Identifier: MIT
**
** pipe_curl: preloaded, makes libcurl say that it is 7.86.0, and write where
** nobody reads as that may: whenever it moves a socket on or ends a transfer.
*/

#include <curl/curl.h>
#include <dlfcn.h>
#include <unistd.h>

#define SHOWN __attribute__((visibility("default")))

typedef CURLMcode action (CURLM *, curl_socket_t, int, int *);
typedef CURLMcode removal (CURLM *, CURL *);
typedef CURLMcode cleanup (CURLM *);


static void *next (const char *name) {
  return dlsym(RTLD_NEXT, name);
}


static void write_to_nobody (void) {
  int ends[2];
  if (pipe(ends) != 0)
    return;
  close(ends[0]);
  while (write(ends[1], "", 1) > 0)
    ;
  close(ends[1]);
}


SHOWN curl_version_info_data *curl_version_info (CURLversion version) {
  static curl_version_info_data old;
  old.age = version;
  old.version = "7.86.0";
  old.version_num = 0x075600;
  return &old;
}


#undef curl_multi_socket_action
SHOWN CURLMcode curl_multi_socket_action (CURLM *multi, curl_socket_t s,
                                          int what, int *running) {
  union {
    void *pointer;
    action *function;
  } real = {next("curl_multi_socket_action")};
  write_to_nobody();
  return real.function(multi, s, what, running);
}


SHOWN CURLMcode curl_multi_remove_handle (CURLM *multi, CURL *easy) {
  union {
    void *pointer;
    removal *function;
  } real = {next("curl_multi_remove_handle")};
  write_to_nobody();
  return real.function(multi, easy);
}


SHOWN CURLMcode curl_multi_cleanup (CURLM *multi) {
  union {
    void *pointer;
    cleanup *function;
  } real = {next("curl_multi_cleanup")};
  write_to_nobody();
  return real.function(multi);
}
