/* SPDX-License-Identifier: MIT
**
** raw_delete BASE_URL TIMES: the measure for a delete. Deletes so many
** generations, one after the other on one warm connection, by libcurl's easy
** interface and with the headers that the client sends.
*/

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>

static size_t count (char *data, size_t size, size_t n, void *total) {
  (void)data;
  *(size_t *)total += size * n;
  return size * n;
}

static CURLcode delete_one (CURL *easy, const char *base, int n) {
  char url[300];
  snprintf(url, sizeof(url), "%s/v2/generations/6533643b-aceb-4c40-967e-%012d",
           base, n);
  curl_easy_setopt(easy, CURLOPT_URL, url);
  return curl_easy_perform(easy);
}

int main (int argc, char **argv) {
  static const char *const headers[] = {
    "x-api-key: bench", "Accept-Encoding: gzip", "Accept: application/json"};
  struct curl_slist *list = NULL;
  size_t total = 0, i;
  int n, times = argc == 3 ? atoi(argv[2]) : 0;
  CURLcode code = CURLE_OK;
  CURL *easy;
  curl_global_init(CURL_GLOBAL_DEFAULT);
  easy = curl_easy_init();
  if (times < 1 || easy == NULL)
    return 2;
  for (i = 0; i < sizeof(headers) / sizeof(headers[0]); i++)
    list = curl_slist_append(list, headers[i]);
  curl_easy_setopt(easy, CURLOPT_HTTPHEADER, list);
  curl_easy_setopt(easy, CURLOPT_USERAGENT, "lipsync/0 (raw)");
  curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, "DELETE");
  curl_easy_setopt(easy, CURLOPT_PROXY, "");
  curl_easy_setopt(easy, CURLOPT_FAILONERROR, 1L);
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, count);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, &total);
  for (n = 0; n < times && code == CURLE_OK; n++)
    code = delete_one(easy, argv[1], n);
  if (code != CURLE_OK)
    fprintf(stderr, "raw_delete: %s\n", curl_easy_strerror(code));
  curl_slist_free_all(list);
  curl_easy_cleanup(easy);
  curl_global_cleanup();
  return code != CURLE_OK;
}
