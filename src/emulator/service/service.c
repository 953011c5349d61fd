/* SPDX-License-Identifier: MIT
**
** service: see service.h.
*/

#include "service.h"
#include "signing.h"
#include "../store/text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define IMPORT_MAX          900000000L /* below SQLite's longest text */
#define ADVANCE_MAX         3.2e9      /* seconds: a hundred years */
#define DEFAULT_GENERATIONS 60
#define NOT_SET             (-2) /* no time */

/* ---- Filling the store ---- */

/* Reads a whole file; NULL and a reason on failure. */
static char *read_file (const char *path, size_t *length, char **why) {
  FILE *file = fopen(path, "re");
  char *text = NULL;
  long size = -1;
  if (file != NULL && fseek(file, 0, SEEK_END) == 0)
    size = ftell(file);
  if (size > IMPORT_MAX)
    errno = EFBIG;
  else if (size >= 0 && fseek(file, 0, SEEK_SET) == 0)
    text = sqlite3_malloc64((sqlite3_uint64)size + 1);
  if (text != NULL) {
    *length = fread(text, 1, (size_t)size, file);
    text[*length] = '\0';
  }
  else {
    *why = sqlite3_mprintf("cannot read %s: %s", path, strerror(errno));
  }
  if (file != NULL)
    fclose(file);
  return text;
}

/* Adds documents for the first key's organization. */
static enum store_code add (struct service *s, const char *json, size_t length,
                            int strict, sqlite3_str *ids, char **why) {
  char *org = service_org(s, NULL);
  struct addition a = {json, length, org, service_now(s), 0, strict};
  enum store_code code = STORE_FAILED;
  a.seed = (uint64_t)s->start.random_seed;
  *why = NULL;
  if (org != NULL)
    code = store_add(s->store, &a, ids, why);
  sqlite3_free(org);
  return code;
}

/* Adds the documents of a file. */
static int import (struct service *s, const char *path, char **why) {
  size_t length;
  char *text = read_file(path, &length, why), *reason;
  sqlite3_str *ids;
  int good;
  if (text == NULL)
    return 0;
  ids = sqlite3_str_new(NULL);
  good = add(s, text, length, 0, ids, &reason) == STORE_OK;
  sqlite3_free(sqlite3_str_finish(ids));
  sqlite3_free(text);
  if (reason != NULL)
    *why = sqlite3_mprintf("cannot import %s: %z", path, reason);
  return good;
}

/* Puts into an empty store what belongs there at the start. */
static int populate (struct service *s, char **why) {
  const struct parameters *p = &s->start;
  int64_t count = p->generations;
  char *org = settings_org(&p->settings, NULL);
  int good = org != NULL;
  if (count < 0)
    count = p->import != NULL ? 0 : DEFAULT_GENERATIONS;
  if (good && count > 0)
    good = store_fill(s->store, org, (uint64_t)p->random_seed, count,
                      service_now(s), why)
           == STORE_OK;
  sqlite3_free(org);
  return good && (p->import == NULL || import(s, p->import, why));
}

/* ---- Opening ---- */

/* Hands to the store what the settings say of it. */
static void set_pace (struct service *s) {
  struct settings settings;
  int64_t lasts[STEPS];
  service_settings(s, &settings);
  lasts[STEP_QUEUE] = (int64_t)(settings.pending_seconds * 1000);
  lasts[STEP_WORK] = (int64_t)(settings.processing_seconds * 1000);
  store_pace(s->store, lasts);
}

/* Opens the database and fills it if it is new. */
static int open_store (struct service *s, const struct offer *offer,
                       char **why) {
  if (store_open(&s->store, s->start.database, offer->kinds, why) != STORE_OK)
    return 0;
  set_pace(s);
  return store_show(s->store, signing_show, s)
         && (!store_was_empty(s->store) || populate(s, why));
}

/* Waits go by the monotonic clock: the other one may be set. */
static void open_waiting (struct service *s) {
  pthread_condattr_t attributes;
  pthread_condattr_init(&attributes);
  pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
  pthread_cond_init(&s->changed, &attributes);
  pthread_condattr_destroy(&attributes);
  pthread_mutex_init(&s->lock, NULL);
}

struct service *service_open (struct parameters *p, const struct offer *offer,
                              char **why) {
  struct service *s = calloc(1, sizeof(*s));
  *why = NULL;
  if (s == NULL) {
    parameters_close(p);
    return NULL;
  }
  s->start = *p;
  memset(p, 0, sizeof(*p));
  open_waiting(s);
  faults_open(&s->faults, offer->routes);
  request_log_open(&s->log);
  uploads_open(&s->uploads);
  if (settings_copy(&s->settings, &s->start.settings)
      && open_store(s, offer, why))
    return s;
  service_close(s);
  return NULL;
}

void service_close (struct service *s) {
  store_close(s->store);
  request_log_close(&s->log);
  uploads_close(&s->uploads);
  faults_close(&s->faults);
  pthread_cond_destroy(&s->changed);
  pthread_mutex_destroy(&s->lock);
  settings_close(&s->settings);
  parameters_close(&s->start);
  sqlite3_free(s->url);
  free(s);
}

/* ---- What is inside ---- */

int64_t service_now (void *service) {
  struct service *s = service;
  struct timespec t;
  int64_t now;
  clock_gettime(CLOCK_REALTIME, &t);
  pthread_mutex_lock(&s->lock);
  now = s->settings.now;
  if (now < 0)
    now = (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
  now += s->offset;
  pthread_mutex_unlock(&s->lock);
  return now;
}

void service_settings (struct service *s, struct settings *settings) {
  pthread_mutex_lock(&s->lock);
  *settings = s->settings;
  pthread_mutex_unlock(&s->lock);
  settings_forget_texts(settings); /* they belong to the service */
}

char *service_key (struct service *s) {
  char *key;
  pthread_mutex_lock(&s->lock);
  key = settings_first_key(&s->settings);
  pthread_mutex_unlock(&s->lock);
  return key;
}

char *service_org (struct service *s, const char *key) {
  char *org;
  pthread_mutex_lock(&s->lock);
  org = settings_org(&s->settings, key);
  pthread_mutex_unlock(&s->lock);
  return org;
}

/* Copies a text of the settings, which the lock keeps as it is. */
static char *copy_setting (struct service *s, char *const *text) {
  char *copy;
  pthread_mutex_lock(&s->lock);
  copy = text_copy(*text, strlen(*text));
  pthread_mutex_unlock(&s->lock);
  return copy;
}

char *service_redirect (struct service *s) {
  return copy_setting(s, &s->settings.media_redirect);
}

char *service_webhook_secret (struct service *s) {
  return copy_setting(s, &s->settings.webhook_secret);
}

void service_request_id (struct service *s, char out[UUID_SIZE]) {
  struct prng c;
  pthread_mutex_lock(&s->lock);
  /* apart from the samples, which are counted upwards from 0 */
  prng_open(&c, (uint64_t)s->start.random_seed, UINT64_MAX - s->requests++);
  pthread_mutex_unlock(&s->lock);
  prng_uuid(&c, out);
}

/* ---- Waiting ---- */

/* Wakes everything that waits for a change. */
static void note_change (struct service *s) {
  pthread_mutex_lock(&s->lock);
  s->changes++;
  pthread_cond_broadcast(&s->changed);
  pthread_mutex_unlock(&s->lock);
  service_note_due(s);
}

void service_note_due (struct service *s) {
  pthread_mutex_lock(&s->lock);
  if (s->watch != NULL)
    s->watch(s->watcher);
  pthread_mutex_unlock(&s->lock);
}

void service_watch (struct service *s, void (*watch)(void *watcher),
                    void *watcher) {
  pthread_mutex_lock(&s->lock);
  s->watch = watch;
  s->watcher = watcher;
  pthread_mutex_unlock(&s->lock);
}

void service_hold_batches (struct service *s, int change) {
  pthread_mutex_lock(&s->lock);
  s->making += change;
  pthread_mutex_unlock(&s->lock);
  service_note_due(s);
}

int service_holds_batches (struct service *s) {
  int making;
  pthread_mutex_lock(&s->lock);
  making = s->making;
  pthread_mutex_unlock(&s->lock);
  return making > 0;
}

int64_t service_until_due (struct service *s) {
  const int64_t due = store_due(s->store), now = service_now(s);
  int stands;
  pthread_mutex_lock(&s->lock);
  stands = s->settings.now >= 0;
  pthread_mutex_unlock(&s->lock);
  if (due < 0 || (stands && due > now))
    return -1;
  return due > now ? due - now : 0;
}

void service_end_waits (struct service *s) {
  pthread_mutex_lock(&s->lock);
  s->ended = 1;
  pthread_cond_broadcast(&s->changed);
  pthread_mutex_unlock(&s->lock);
}

int64_t service_ticks (void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Sleeps until so many milliseconds have passed, or until waits are ended
** (it then returns 0), or, where 'changes_count', until something changes. */
static int wait_for (struct service *s, int64_t milliseconds,
                     int changes_count) {
  struct timespec t;
  unsigned changes;
  int code = 0, awake;
  clock_gettime(CLOCK_MONOTONIC, &t);
  milliseconds += t.tv_nsec / 1000000;
  t.tv_sec += (time_t)(milliseconds / 1000);
  t.tv_nsec = (long)(milliseconds % 1000) * 1000000 + t.tv_nsec % 1000000;
  pthread_mutex_lock(&s->lock);
  changes = s->changes;
  while (code == 0 && !s->ended && !(changes_count && changes != s->changes))
    code = pthread_cond_timedwait(&s->changed, &s->lock, &t);
  awake = !s->ended;
  pthread_mutex_unlock(&s->lock);
  return awake;
}

int service_sleep (void *service, int64_t milliseconds) {
  return wait_for(service, milliseconds, 0);
}

int service_wait_change (struct service *s, int64_t milliseconds) {
  return wait_for(s, milliseconds, 1);
}

/* ---- From outside ---- */

enum store_code service_add (struct service *s, const char *json, size_t length,
                             sqlite3_str *ids, char **why) {
  struct settings settings;
  enum store_code code;
  service_settings(s, &settings);
  code = add(s, json, length, !settings.allow_unknown_members, ids, why);
  service_note_due(s);
  return code;
}

char *service_webhooks (struct service *s) {
  char *json;
  store_text(s->store, service_now(s), STORE_SENT, NULL, 0, &json);
  return json;
}

static int add_fault (struct service *s, const char *json, size_t length,
                      char **why) {
  return faults_add(&s->faults, json, length, why);
}

static const struct schema advance_rows[] = {
  {"seconds", SCHEMA_NUMBER, 0, 0, ADVANCE_MAX, NULL},
  {NULL, SCHEMA_OTHER, 0, 0, 0, NULL},
};

/* Moves the clock forward. */
static int advance (struct service *s, const char *json, size_t length,
                    char **why) {
  double seconds = -1;
  struct schema_target target = {advance_rows, "member", &seconds, NULL};
  int result = value_walk(json, length, "$", "object", schema_reader, &target);
  *why = target.why;
  if (result == 0 && seconds >= 0) {
    pthread_mutex_lock(&s->lock);
    s->offset += (int64_t)(seconds * 1000 + 0.5);
    pthread_mutex_unlock(&s->lock);
    note_change(s);
    return 1;
  }
  if (result <= 0)
    *why = sqlite3_mprintf("seconds must be a number");
  return 0;
}

/* Makes it as it was when it was started with an empty database: samples and
** import made anew, all else gone, also faults, request log and changed
** settings; the clock at its start. */
static int reset (struct service *s, const char *json, size_t length,
                  char **why) {
  int good;
  (void)json;
  (void)length;
  *why = NULL;
  pthread_mutex_lock(&s->lock);
  settings_close(&s->settings);
  good = settings_copy(&s->settings, &s->start.settings);
  s->offset = 0;
  pthread_mutex_unlock(&s->lock);
  if (!good)
    return 0;
  set_pace(s);
  faults_clear(&s->faults);
  request_log_clear(&s->log);
  uploads_clear(&s->uploads);
  good = store_clear(s->store) == STORE_OK;
  if (!good)
    *why = sqlite3_mprintf("the database cannot be emptied");
  good = good && populate(s, why);
  note_change(s);
  return good;
}

static int set (struct service *s, const char *json, size_t length,
                char **why) {
  struct parameters p;
  struct settings old;
  int good;
  memset(&p, 0, sizeof(p));
  *why = NULL;
  pthread_mutex_lock(&s->lock);
  old = s->settings;
  good = settings_copy(&p.settings, &old);
  p.settings.now = NOT_SET;
  good = good && parameters_read(&p, json, length, 1, why);
  if (p.settings.now == NOT_SET)
    p.settings.now = old.now;
  else if (good)
    s->offset = 0;
  if (good)
    s->settings = p.settings;
  pthread_mutex_unlock(&s->lock);
  settings_close(good ? &old : &p.settings);
  set_pace(s);
  note_change(s);
  return good;
}

const struct control service_controls[] = {
  {"fault", add_fault}, {"set", set}, {"advance", advance},
  {"reset", reset},     {NULL, NULL},
};
