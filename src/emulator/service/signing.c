/* SPDX-License-Identifier: MIT
**
** signing: see signing.h.
*/

#include "signing.h"
#include "../../digest/sha256.h"
#include "../store/iso_time.h"

#include <stdlib.h>
#include <string.h>

#define SCHEME "emulator:"
#define MARK   "\"" SCHEME
#define FOLDER "/media/"

/* Writes the signature of what is signed. */
static void sign (const struct service *s, const struct signing *what,
                  const char *date, const char *lifetime,
                  char out[SHA256_HEX]) {
  uint8_t digest[SHA256_SIZE];
  char key[SHA256_BLOCK];
  char *text = sqlite3_mprintf("%s\n%s\n%s\n%s\n%s\n%s", what->method,
                               what->path, date, lifetime, what->headers,
                               what->values);
  sqlite3_snprintf(sizeof(key), key, "lipsync-emulator %lld",
                   (long long)s->start.random_seed);
  sha256_hmac(key, strlen(key), text != NULL ? text : "", digest);
  sha256_hex(digest, out);
  sqlite3_free(text);
}

/* Writes a time without what separates its parts, and without a fraction. */
static void write_date (int64_t time, char out[SIGNING_DATE_SIZE]) {
  char iso[TIME_SIZE];
  time_format(time, iso);
  sqlite3_snprintf(SIGNING_DATE_SIZE, out, "%.4s%.2s%.5s%.2s%.2sZ", iso,
                   iso + 5, iso + 8, iso + 14, iso + 17);
}

static int read_date (const char *text, int64_t *time) {
  char iso[TIME_SIZE];
  if (strlen(text) != SIGNING_DATE_SIZE - 1)
    return 0;
  sqlite3_snprintf(sizeof(iso), iso, "%.4s-%.2s-%.5s:%.2s:%.3s", text, text + 4,
                   text + 6, text + 11, text + 13);
  return time_parse(iso, time);
}

/* Appends a path and what signs it. */
static void append (struct service *s, const struct signing *what,
                    int64_t lifetime, sqlite3_str *out) {
  char date[SIGNING_DATE_SIZE], seconds[24], signature[SHA256_HEX];
  const char *at = what->headers;
  write_date(service_now(s), date);
  sqlite3_snprintf(sizeof(seconds), seconds, "%lld", (long long)lifetime);
  sign(s, what, date, seconds, signature);
  sqlite3_str_appendf(out,
                      "%s%s?X-Amz-Date=%s&X-Amz-Expires=%s"
                      "&X-Amz-SignedHeaders=",
                      s->url != NULL ? s->url : "", what->path, date, seconds);
  for (; *at != '\0'; at++)
    sqlite3_str_appendall(out, *at == ';' ? "%3B" : (char[]){*at, '\0'});
  sqlite3_str_appendf(out, "&X-Amz-Signature=%s", signature);
}

char *signing_url (struct service *s, const struct signing *what,
                   int64_t lifetime) {
  sqlite3_str *out = sqlite3_str_new(NULL);
  append(s, what, lifetime, out);
  return text_finish(out, NULL);
}

enum signing_code signing_check (struct service *s, const struct signing *what,
                                 const char *date, const char *lifetime,
                                 const char *signature, int64_t *until) {
  char right[SHA256_HEX];
  int64_t from;
  if (date == NULL || lifetime == NULL || signature == NULL
      || !read_date(date, &from))
    return SIGNING_WRONG;
  sign(s, what, date, lifetime, right);
  if (strcmp(right, signature) != 0)
    return SIGNING_WRONG;
  *until = from + (int64_t)strtoll(lifetime, NULL, 10) * 1000;
  return service_now(s) < *until ? SIGNING_GOOD : SIGNING_EXPIRED;
}

/* The path that a JSON string goes on with, its slashes without escapes: to be
** freed. '*end' is what follows it. */
static char *read_path (const char *json, const char **end) {
  sqlite3_str *path = sqlite3_str_new(NULL);
  for (; *json != '\0' && strchr("\"?", *json) == NULL; json++)
    if (*json != '\\' || json[1] != '/')
      sqlite3_str_appendchar(path, 1, *json);
  *end = json;
  return text_finish(path, NULL);
}

char *signing_show (void *service, const char *json) {
  struct service *s = service;
  const char *at = strstr(json, MARK), *end;
  struct settings settings;
  sqlite3_str *out;
  if (at == NULL)
    return NULL;
  out = sqlite3_str_new(NULL);
  service_settings(s, &settings);
  for (; at != NULL; at = strstr(json, MARK)) {
    char *path = read_path(at + strlen(MARK), &end);
    struct signing what = {"GET", path, "host", ""};
    int ours = path != NULL && strncmp(path, FOLDER, strlen(FOLDER)) == 0
               && strchr(path, '\\') == NULL;
    if (!ours)
      end = at + strlen(MARK);
    sqlite3_str_append(out, json, (int)((ours ? at + 1 : end) - json));
    if (ours)
      append(s, &what, settings.media_lifetime, out);
    sqlite3_free(path);
    json = end;
  }
  sqlite3_str_appendall(out, json);
  return text_finish(out, NULL);
}
