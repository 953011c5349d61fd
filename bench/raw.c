/* SPDX-License-Identifier: MIT
**
** raw: the measure for the client. Reads one URL by libcurl's easy interface,
** does nothing with the bytes, and prints how many there were and how many
** seconds it took, the connection included.
*/

#include <curl/curl.h>
#include <stdio.h>
#include <time.h>

static double now (void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static size_t count (char *data, size_t size, size_t n, void *total) {
  (void)data;
  *(double *)total += (double)(size * n);
  return size * n;
}

int main (int argc, char **argv) {
  double total = 0, start;
  CURLcode code;
  CURL *easy;
  curl_global_init(CURL_GLOBAL_DEFAULT);
  easy = curl_easy_init();
  if (argc != 2 || easy == NULL)
    return 2;
  curl_easy_setopt(easy, CURLOPT_URL, argv[1]);
  curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
  curl_easy_setopt(easy, CURLOPT_PROXY, "");
  curl_easy_setopt(easy, CURLOPT_FAILONERROR, 1L);
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, count);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, &total);
  start = now();
  code = curl_easy_perform(easy);
  if (code != CURLE_OK)
    fprintf(stderr, "raw: %s\n", curl_easy_strerror(code));
  else
    printf("%.0f %.6f\n", total, now() - start);
  curl_easy_cleanup(easy);
  curl_global_cleanup();
  return code != CURLE_OK;
}
