/* SPDX-License-Identifier: MIT
**
** service: see service.h.
*/

#include "service.h"
#include "../store/text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define IMPORT_MAX          900000000L /* below SQLite's longest text */
#define ADVANCE_MAX         3.2e9      /* seconds: a hundred years */
#define DEFAULT_GENERATIONS 60

struct service {
  struct store *store;
  struct clock clock;
  struct faults faults;
  struct request_log *request_log;
  struct parameters start;
  struct settings settings; /* as they are now */
  uint64_t requests;        /* how many ids were made */
  int ended;                /* no sleep is allowed any more */
  unsigned changes;         /* how often something was changed from outside */
  pthread_mutex_t lock;     /* over the members from 'settings' on */
  pthread_cond_t changed;
};

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

/* Adds the generations of a file. */
static int import (struct service *s, const char *path, char **why) {
  size_t length;
  char *text = read_file(path, &length, why), *reason = NULL;
  sqlite3_str *ids;
  int good;
  if (text == NULL)
    return 0;
  ids = sqlite3_str_new(NULL);
  good = service_add(s, text, length, ids, &reason) == STORE_OK;
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

/* Waits go by the monotonic clock: the other one may be set. */
static void open_waiting (struct service *s) {
  pthread_condattr_t attributes;
  pthread_condattr_init(&attributes);
  pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
  pthread_cond_init(&s->changed, &attributes);
  pthread_condattr_destroy(&attributes);
  pthread_mutex_init(&s->lock, NULL);
}

struct service *service_open (struct parameters *p, struct names routes,
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
  clock_open(&s->clock);
  clock_set(&s->clock, s->start.settings.now);
  faults_open(&s->faults, routes);
  s->request_log = request_log_open();
  if (s->request_log != NULL && settings_copy(&s->settings, &s->start.settings)
      && store_open(&s->store, s->start.database, why) == STORE_OK
      && (!store_is_empty(s->store) || populate(s, why)))
    return s;
  service_close(s);
  return NULL;
}

void service_close (struct service *s) {
  store_close(s->store);
  request_log_close(s->request_log);
  faults_close(&s->faults);
  clock_close(&s->clock);
  pthread_cond_destroy(&s->changed);
  pthread_mutex_destroy(&s->lock);
  settings_close(&s->settings);
  parameters_close(&s->start);
  free(s);
}

/* ---- What is inside ---- */

struct store *service_store (struct service *s) {
  return s->store;
}

struct faults *service_faults (struct service *s) {
  return &s->faults;
}

struct request_log *service_request_log (struct service *s) {
  return s->request_log;
}

int64_t service_now (void *service) {
  return clock_now(&((struct service *)service)->clock);
}

const struct parameters *service_parameters (struct service *s) {
  return &s->start;
}

void service_settings (struct service *s, struct settings *settings) {
  pthread_mutex_lock(&s->lock);
  *settings = s->settings;
  pthread_mutex_unlock(&s->lock);
  settings->keys = NULL; /* those belong to the service */
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
  char *org = service_org(s, NULL);
  enum store_code code = STORE_FAILED;
  *why = NULL;
  if (org != NULL)
    code = store_add(s->store, org, (uint64_t)s->start.random_seed, json,
                     length, service_now(s), ids, why);
  sqlite3_free(org);
  return code;
}

static int add_fault (struct service *s, const char *json, size_t length,
                      char **why) {
  return faults_add(&s->faults, s->store, json, length, why);
}

/* The member of an advance. */
struct advance {
  double seconds;
};

static const struct schema advance_rows[] = {
  SCHEMA("seconds", NUMBER, struct advance, seconds, 0, ADVANCE_MAX, NULL),
  SCHEMA(NULL, OTHER, struct advance, seconds, 0, 0, NULL),
};

/* Moves the clock forward. */
static int advance (struct service *s, const char *json, size_t length,
                    char **why) {
  struct advance a = {-1};
  struct schema_target target = {advance_rows, "member", &a, NULL};
  int result = store_values(s->store, json, length, "$", "object",
                            schema_reader, &target);
  *why = target.why;
  if (result == 0 && a.seconds >= 0) {
    clock_advance(&s->clock, (int64_t)(a.seconds * 1000 + 0.5));
    note_change(s);
    return 1;
  }
  if (result <= 0)
    *why = sqlite3_mprintf("seconds must be given");
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
  pthread_mutex_unlock(&s->lock);
  if (!good)
    return 0;
  clock_set(&s->clock, s->start.settings.now);
  faults_clear(&s->faults);
  request_log_clear(s->request_log);
  good = store_clear(s->store) == STORE_OK;
  if (!good)
    *why = sqlite3_mprintf("the database cannot be emptied");
  good = good && populate(s, why);
  note_change(s);
  return good;
}

/* ---- Settings ---- */

/* Parameters that are being read. */
struct reading {
  struct parameters p;
  char *why;
};

static int read_parameter (void *arg, const struct value *v) {
  struct reading *r = arg;
  return !parameters_read(&r->p, v, 1, &r->why);
}

static int read_key (void *arg, const struct value *v) {
  struct reading *r = arg;
  return !settings_add_key(&r->p.settings, v->key,
                           value_is(v, "text") ? v->text : "", &r->why);
}

/* Reads all; 0 where something is refused. */
static int read_all (struct service *s, struct reading *r, const char *json,
                     size_t length) {
  int result = store_values(s->store, json, length, "$", "object",
                            read_parameter, r);
  if (result < 0)
    r->why = sqlite3_mprintf("settings must be a JSON object");
  if (result != 0)
    return 0;
  result = store_values(s->store, json, length, "$.keys", "object", read_key,
                        r);
  return result <= 0 && settings_check(&r->p.settings, &r->why);
}

static int set (struct service *s, const char *json, size_t length,
                char **why) {
  struct reading r;
  struct settings old;
  int good;
  memset(&r, 0, sizeof(r));
  pthread_mutex_lock(&s->lock);
  old = s->settings;
  good = settings_copy(&r.p.settings, &old);
  r.p.settings.now = -1;
  good = good && read_all(s, &r, json, length);
  if (good)
    s->settings = r.p.settings;
  pthread_mutex_unlock(&s->lock);
  if (good && r.p.settings.now >= 0)
    clock_set(&s->clock, r.p.settings.now);
  settings_close(good ? &old : &r.p.settings);
  note_change(s);
  *why = r.why;
  return good;
}

const struct control service_controls[] = {
  {"fault", add_fault}, {"set", set}, {"advance", advance},
  {"reset", reset},     {NULL, NULL},
};
