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

#define IMPORT_MAX  INT64_C(900000000) /* below SQLite's longest text */
#define ADVANCE_MAX 3.2e9              /* seconds: a hundred years */

struct service {
  struct store *store;
  struct clock clock;
  struct faults faults;
  struct request_log *request_log;
  struct options options; /* as at the start; its texts are ours */
  struct key *keys;
  struct settings settings; /* as they are now */
  uint64_t requests;        /* how many ids were made */
  int hushed;
  unsigned changes;     /* counts what was changed by hand */
  pthread_mutex_t lock; /* over the members above, from 'settings' on */
  pthread_cond_t changed;
};

static const struct key default_key = {"test-key", "test-org"};

void options_open (struct options *o) {
  memset(o, 0, sizeof(*o));
  o->host = "127.0.0.1";
  o->database = ":memory:";
  o->generations = -1;
  o->seed = 1;
  o->now = -1;
}

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

/* Adds the generations of a file; NULL, or why not. */
static char *import (struct service *s, const char *path) {
  char *why = NULL, *reason = NULL, *text;
  sqlite3_str *ids;
  size_t length;
  text = read_file(path, &length, &reason);
  if (text == NULL)
    return reason;
  ids = sqlite3_str_new(NULL);
  why = service_add(s, text, length, ids, NULL);
  sqlite3_free(sqlite3_str_finish(ids));
  sqlite3_free(text);
  if (why != NULL)
    reason = sqlite3_mprintf("cannot import %s: %s", path, why);
  sqlite3_free(why);
  return reason;
}

/* Puts into an empty store what belongs there at the start. */
static char *populate (struct service *s) {
  const struct options *o = &s->options;
  int64_t count = o->generations;
  char *why = NULL;
  if (count < 0)
    count = o->import != NULL ? 0 : DEFAULT_GENERATIONS;
  if (count > 0)
    store_fill(s->store, s->keys[0].org, o->seed, count, service_now(s), &why);
  if (why == NULL && o->import != NULL)
    why = import(s, o->import);
  return why;
}

/* ---- Opening ---- */

/* Copies a text; where that fails the text is missing, and is asked for. */
static char *copy (const char *text) {
  return text != NULL ? text_copy(text, strlen(text)) : NULL;
}

/* Copies the keys, or puts the default one in their place. */
static int copy_keys (struct service *s, const struct options *o) {
  int i, count = o->key_count > 0 ? o->key_count : 1;
  const struct key *keys = o->key_count > 0 ? o->keys : &default_key;
  s->keys = calloc((size_t)count, sizeof(*s->keys));
  s->options.key_count = s->keys != NULL ? count : 0;
  for (i = 0; i < s->options.key_count; i++) {
    s->keys[i].key = copy(keys[i].key);
    s->keys[i].org = copy(keys[i].org);
    if (s->keys[i].key == NULL || s->keys[i].org == NULL)
      return 0;
  }
  return s->keys != NULL;
}

/* Copies what must outlive the caller's options. */
static int copy_options (struct service *s, const struct options *o) {
  s->options = *o;
  s->options.import = copy(o->import);
  s->settings = o->settings;
  return copy_keys(s, o) && (o->import == NULL || s->options.import != NULL);
}

/* The waits are by the monotonic clock: the other one may be set. */
static void open_waiting (struct service *s) {
  pthread_condattr_t attributes;
  pthread_condattr_init(&attributes);
  pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
  pthread_cond_init(&s->changed, &attributes);
  pthread_condattr_destroy(&attributes);
  pthread_mutex_init(&s->lock, NULL);
}

struct service *service_open (const struct options *o, char **why) {
  struct service *s = calloc(1, sizeof(*s));
  *why = NULL;
  if (s == NULL)
    return NULL;
  open_waiting(s);
  clock_open(&s->clock);
  clock_set(&s->clock, o->now);
  faults_open(&s->faults);
  s->request_log = request_log_open();
  if (s->request_log != NULL && copy_options(s, o)
      && store_open(&s->store, o->database, why) == STORE_OK) {
    if (store_is_empty(s->store))
      *why = populate(s);
    if (*why == NULL)
      return s;
  }
  service_close(s);
  return NULL;
}

void service_close (struct service *s) {
  int i;
  store_close(s->store);
  request_log_close(s->request_log);
  faults_close(&s->faults);
  clock_close(&s->clock);
  pthread_cond_destroy(&s->changed);
  pthread_mutex_destroy(&s->lock);
  for (i = 0; i < s->options.key_count; i++) {
    sqlite3_free((char *)s->keys[i].key);
    sqlite3_free((char *)s->keys[i].org);
  }
  free(s->keys);
  sqlite3_free((char *)s->options.import);
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

void service_settings (struct service *s, struct settings *settings) {
  pthread_mutex_lock(&s->lock);
  *settings = s->settings;
  pthread_mutex_unlock(&s->lock);
}

const char *service_key (struct service *s) {
  return s->keys[0].key;
}

const char *service_org (struct service *s, const char *key) {
  int i;
  for (i = 0; i < s->options.key_count; i++)
    if (strcmp(s->keys[i].key, key) == 0)
      return s->keys[i].org;
  return NULL;
}

void service_request_id (struct service *s, char out[UUID_SIZE]) {
  struct prng c;
  pthread_mutex_lock(&s->lock);
  /* apart from the samples, which are counted upwards from 0 */
  prng_open(&c, s->options.seed, UINT64_MAX - s->requests++);
  pthread_mutex_unlock(&s->lock);
  prng_uuid(&c, out);
}

/* ---- Waiting ---- */

/* Wakes everything that waits. */
static void changed (struct service *s) {
  pthread_mutex_lock(&s->lock);
  s->changes++;
  pthread_cond_broadcast(&s->changed);
  pthread_mutex_unlock(&s->lock);
}

void service_hush (struct service *s) {
  pthread_mutex_lock(&s->lock);
  s->hushed = 1;
  pthread_cond_broadcast(&s->changed);
  pthread_mutex_unlock(&s->lock);
}

int64_t service_ticks (void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* The time so many milliseconds from now, by the monotonic clock. */
static void from_now (struct timespec *t, int64_t milliseconds) {
  clock_gettime(CLOCK_MONOTONIC, t);
  t->tv_sec += (time_t)(milliseconds / 1000);
  t->tv_nsec += (long)(milliseconds % 1000) * 1000000;
  if (t->tv_nsec >= 1000000000) {
    t->tv_nsec -= 1000000000;
    t->tv_sec++;
  }
}

/* Sleeps until a time, or until hushed (then it returns 0), or, where
** 'changes_count' is set, until something has been changed by hand. */
static int wait_until (struct service *s, const struct timespec *t,
                       int changes_count) {
  unsigned changes;
  int code = 0, awake;
  pthread_mutex_lock(&s->lock);
  changes = s->changes;
  while (code == 0 && !s->hushed && !(changes_count && changes != s->changes))
    code = pthread_cond_timedwait(&s->changed, &s->lock, t);
  awake = !s->hushed;
  pthread_mutex_unlock(&s->lock);
  return awake;
}

int service_nap (void *service, int64_t milliseconds) {
  struct timespec t;
  from_now(&t, milliseconds);
  return wait_until(service, &t, 0);
}

int service_watch (struct service *s, int64_t milliseconds) {
  struct timespec t;
  from_now(&t, milliseconds);
  return wait_until(s, &t, 1);
}

/* ---- From outside ---- */

char *service_add (struct service *s, const char *json, size_t length,
                   sqlite3_str *ids, int *failed) {
  char *why = NULL;
  enum store_code code = store_add(s->store, s->keys[0].org, s->options.seed,
                                   json, length, service_now(s), ids, &why);
  if (failed != NULL)
    *failed = code == STORE_FAILED;
  return why;
}

char *service_fault (struct service *s, const char *json, size_t length) {
  return faults_add(&s->faults, s->store, json, length);
}

char *service_advance (struct service *s, double seconds) {
  if (!(seconds >= 0 && seconds <= ADVANCE_MAX))
    return sqlite3_mprintf("seconds must be a number from 0 to %.0f",
                           ADVANCE_MAX);
  clock_advance(&s->clock, (int64_t)(seconds * 1000 + 0.5));
  changed(s);
  return NULL;
}

char *service_reset (struct service *s) {
  char *why = NULL;
  clock_set(&s->clock, s->options.now);
  faults_clear(&s->faults);
  request_log_clear(s->request_log);
  pthread_mutex_lock(&s->lock);
  s->settings = s->options.settings;
  pthread_mutex_unlock(&s->lock);
  if (store_clear(s->store) != STORE_OK)
    why = sqlite3_mprintf("the database cannot be emptied");
  else
    why = populate(s);
  changed(s);
  return why;
}

/* ---- Settings ---- */

static const char *const setting_names[] = {"gone_cursor", "hang_up_after",
                                            "ignore_status_filter", NULL};

static const char *const gone_names[] = {"error", "empty", "position", NULL};

/* The settings as they will be, and what is wrong with them. */
struct change {
  struct settings settings;
  char *problem;
};

/* The readers of single settings: 0, or 1 with a problem noted. */

static int read_gone (struct change *c, const struct value *v) {
  int i;
  for (i = 0; gone_names[i] != NULL; i++)
    if (strcmp(v->type, "text") == 0 && strcmp(gone_names[i], v->text) == 0) {
      c->settings.gone_cursor = (enum gone_cursor)i;
      return 0;
    }
  c->problem = sqlite3_mprintf(
    "gone_cursor must be \"error\", \"empty\" or "
    "\"position\"");
  return 1;
}

static int read_hang_up (struct change *c, const struct value *v) {
  if ((strcmp(v->type, "integer") == 0 || strcmp(v->type, "real") == 0)
      && v->number >= 0 && v->number <= 86400
      && v->number == (double)(int)v->number) {
    c->settings.hang_up_after = (int)v->number;
    return 0;
  }
  c->problem = sqlite3_mprintf(
    "hang_up_after must be a whole number of "
    "seconds from 0 to 86400");
  return 1;
}

static int read_ignore (struct change *c, const struct value *v) {
  if (strcmp(v->type, "true") == 0 || strcmp(v->type, "false") == 0) {
    c->settings.ignore_status_filter = strcmp(v->type, "true") == 0;
    return 0;
  }
  c->problem = sqlite3_mprintf("ignore_status_filter must be true or false");
  return 1;
}

static int read_setting (void *arg, const struct value *v) {
  struct change *c = arg;
  if (strcmp(v->key, "gone_cursor") == 0)
    return read_gone(c, v);
  if (strcmp(v->key, "hang_up_after") == 0)
    return read_hang_up(c, v);
  if (strcmp(v->key, "ignore_status_filter") == 0)
    return read_ignore(c, v);
  c->problem = text_unknown("setting", v->key, setting_names);
  return 1;
}

char *service_set (struct service *s, const char *json, size_t length) {
  struct change c;
  c.problem = NULL;
  service_settings(s, &c.settings);
  if (store_values(s->store, json, length, "object", read_setting, &c) != 0)
    return c.problem != NULL
             ? c.problem
             : sqlite3_mprintf("settings must be a JSON object");
  pthread_mutex_lock(&s->lock);
  s->settings = c.settings;
  pthread_mutex_unlock(&s->lock);
  return NULL;
}
