/* SPDX-License-Identifier: MIT
**
** raw URL [CA_FILE [BUFFER]]: the measure for the client. Reads one URL by
** libcurl's easy interface, so many bytes at once (or 16 KiB, as libcurl does
** by itself), does nothing with them (but inflate them), and prints the seconds
** that took, the connection included, those to the first byte of the response,
** the bytes, and the peak memory in KiB. An empty CA_FILE is none.
*/

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

static size_t count (char *data, size_t size, size_t n, void *total) {
  (void)data;
  *(double *)total += (double)(size * n);
  return size * n;
}

int main (int argc, char **argv) {
  double total = 0, seconds = 0, first = 0;
  struct rusage usage;
  CURLcode code;
  CURL *easy;
  curl_global_init(CURL_GLOBAL_DEFAULT);
  easy = curl_easy_init();
  if (argc < 2 || easy == NULL)
    return 2;
  curl_easy_setopt(easy, CURLOPT_URL, argv[1]);
  if (argc > 2 && *argv[2] != '\0')
    curl_easy_setopt(easy, CURLOPT_CAINFO, argv[2]);
  if (argc > 3)
    curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, atol(argv[3]));
  curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
  curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
  curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, "gzip");
  curl_easy_setopt(easy, CURLOPT_PROXY, "");
  curl_easy_setopt(easy, CURLOPT_FAILONERROR, 1L);
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, count);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, &total);
  code = curl_easy_perform(easy);
  curl_easy_getinfo(easy, CURLINFO_TOTAL_TIME, &seconds);
  curl_easy_getinfo(easy, CURLINFO_STARTTRANSFER_TIME, &first);
  getrusage(RUSAGE_SELF, &usage);
  if (code != CURLE_OK)
    fprintf(stderr, "raw: %s\n", curl_easy_strerror(code));
  else
    printf("seconds %.6f\nfirst %.6f\nbytes %.0f\npeak %ld\n", seconds, first,
           total, usage.ru_maxrss);
  curl_easy_cleanup(easy);
  curl_global_cleanup();
  return code != CURLE_OK;
}
