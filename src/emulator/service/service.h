/* SPDX-License-Identifier: MIT
**
** service: the emulated service itself, without HTTP: its store, clock, keys,
** settings, faults and request log, and all that can be done to it from
** outside. All functions may be called from any thread.
*/

#ifndef emulator_service_h
#define emulator_service_h

#include "../store/clock.h"
#include "fault.h"
#include "request_log.h"
#include "../store/store.h"

#define EMULATOR_VERSION    "0.1.0"
#define DEFAULT_GENERATIONS 60
#define GENERATIONS_MAX     INT64_C(100000000)

/* What a cursor does whose generation is gone. */
enum gone_cursor { GONE_ERROR, GONE_EMPTY, GONE_POSITION };

struct settings {
  enum gone_cursor gone_cursor;
  int hang_up_after;        /* seconds that a reader may pause; 0: any */
  int ignore_status_filter; /* listings show every status */
};

struct key {
  const char *key;
  const char *org;
};

/* How an emulator is started. Texts are copied. */
struct options {
  const char *host; /* address to listen on */
  int port;         /* 0: any free one */
  const char *database;
  const struct key *keys; /* the first one's organization gets the samples */
  int key_count;
  int64_t generations; /* samples; -1: 60, or none with an import */
  uint64_t seed;
  const char *import; /* a file, or NULL */
  int64_t now;        /* where the clock stands; -1: it runs */
  int log;            /* a line per request to standard error */
  struct settings settings;
};

/* Fills in the defaults. */
void options_open (struct options *o);

struct service;

/* NULL on failure; '*why' is then a reason to be freed with sqlite3_free, or
** NULL when out of memory. */
struct service *service_open (const struct options *o, char **why);

void service_close (struct service *s);

/* Makes all that waits inside give up; the rest still works. */
void service_hush (struct service *s);

struct store *service_store (struct service *s);
struct faults *service_faults (struct service *s);
struct request_log *service_request_log (struct service *s);
int64_t service_now (void *service); /* also as a callback */
void service_settings (struct service *s, struct settings *settings);

/* The first key; the organization of a key, NULL if unknown. */
const char *service_key (struct service *s);
const char *service_org (struct service *s, const char *key);

/* Writes a new request id. */
void service_request_id (struct service *s, char out[UUID_SIZE]);

/* ---- From outside ---- */

/* Each returns NULL, or a reason to be freed why it was not done; '*failed'
** (where there is one) tells a failure of the database from a wrong text. */
char *service_add (struct service *s, const char *json, size_t length,
                   sqlite3_str *ids, int *failed);
char *service_fault (struct service *s, const char *json, size_t length);
char *service_set (struct service *s, const char *json, size_t length);

/* Moves the clock forward. */
char *service_advance (struct service *s, double seconds);

/* Back to how it was when it was started with an empty database: samples and
** import made anew, the rest gone, also faults, request log and changed
** settings; the clock at its start. */
char *service_reset (struct service *s);

/* ---- Waiting ---- */

/* Milliseconds of a clock that nobody sets, to measure by. */
int64_t service_ticks (void);

/* Sleeps; 0 where it was ended by service_hush. */
int service_nap (void *service, int64_t milliseconds);

/* The same, but returns earlier when something has been changed by hand. */
int service_watch (struct service *s, int64_t milliseconds);

#endif
