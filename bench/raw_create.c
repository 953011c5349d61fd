/* SPDX-License-Identifier: MIT
**
** raw_create BASE_URL TIMES: the measure for a create. Posts the same JSON so
** many times on one warm connection, by libcurl's easy interface and with the
** headers that the client sends.
*/

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>

static const char body[] =
  "{\"model\":\"lipsync-2\",\"input\":[{\"type\":\"video\",\"url\":"
  "\"https://example.com/clip.mp4\"},{\"type\":\"audio\",\"url\":"
  "\"https://example.com/voice.wav\"}],\"outputFileName\":\"clip\"}";

static size_t count (char *data, size_t size, size_t n, void *total) {
  (void)data;
  *(size_t *)total += size * n;
  return size * n;
}

int main (int argc, char **argv) {
  static const char *const headers[] = {
    "x-api-key: bench", "Accept-Encoding: gzip", "Accept: application/json",
    "Content-Type: application/json",
    "Idempotency-Key: 6533643b-aceb-4c40-967e-d9ba9baac39e"};
  struct curl_slist *list = NULL;
  char url[300];
  size_t total = 0, i;
  int n, times = argc == 3 ? atoi(argv[2]) : 0;
  CURLcode code = CURLE_OK;
  CURL *easy;
  curl_global_init(CURL_GLOBAL_DEFAULT);
  easy = curl_easy_init();
  if (times < 1 || easy == NULL)
    return 2;
  snprintf(url, sizeof(url), "%s/v2/generate", argv[1]);
  for (i = 0; i < sizeof(headers) / sizeof(headers[0]); i++)
    list = curl_slist_append(list, headers[i]);
  curl_easy_setopt(easy, CURLOPT_HTTPHEADER, list);
  curl_easy_setopt(easy, CURLOPT_USERAGENT, "lipsync/0 (raw)");
  curl_easy_setopt(easy, CURLOPT_URL, url);
  curl_easy_setopt(easy, CURLOPT_POSTFIELDS, body);
  curl_easy_setopt(easy, CURLOPT_PROXY, "");
  curl_easy_setopt(easy, CURLOPT_FAILONERROR, 1L);
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, count);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, &total);
  for (n = 0; n < times && code == CURLE_OK; n++)
    code = curl_easy_perform(easy);
  if (code != CURLE_OK)
    fprintf(stderr, "raw_create: %s\n", curl_easy_strerror(code));
  curl_slist_free_all(list);
  curl_easy_cleanup(easy);
  curl_global_cleanup();
  return code != CURLE_OK;
}
