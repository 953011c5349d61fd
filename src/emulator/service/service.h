/* SPDX-License-Identifier: MIT
**
** service: the emulated service without HTTP: its store, clock, settings,
** faults and request log, and what can be done to it from outside. All
** functions may be called from any thread.
*/

#ifndef emulator_service_h
#define emulator_service_h

#include "fault.h"
#include "parameters.h"
#include "request_log.h"
#include "uploads.h"
#include "../store/store.h"

/* What the service offers: the layer above knows. */
struct offer {
  const struct kind *const *kinds; /* of documents; ends with NULL */
  struct names routes;
};

struct service {
  struct store *store;
  struct faults faults;
  struct request_log log;
  struct uploads uploads;
  struct parameters start; /* as it was started */
  char *url;               /* where it answers, set before it does; or NULL */

  /* the rest is for service.c only, and under the lock */
  pthread_mutex_t lock;
  pthread_cond_t changed;
  struct settings settings; /* as they are now */
  int64_t offset;           /* what the clock was advanced by */
  uint64_t requests;        /* how many ids were made */
  int ended;                /* no sleep is allowed any more */
  unsigned changes;         /* how often something was changed from outside */
  void (*watch)(void *watcher); /* see service_watch */
  void *watcher;
  int making; /* how many batches do not have all of their rows yet */
};

/* Takes what 'p' holds, also when it fails: it then returns NULL and sets
** '*why' to the reason, to be freed with sqlite3_free; NULL: out of memory. */
struct service *service_open (struct parameters *p, const struct offer *offer,
                              char **why);

void service_close (struct service *s);

int64_t service_now (void *service); /* also as a callback */

/* Copies the settings as they are now, but for the texts. */
void service_settings (struct service *s, struct settings *settings);

/* The first key; the organization of a key, NULL where that is unknown. Both
** are copies to be freed with sqlite3_free. */
char *service_key (struct service *s);
char *service_org (struct service *s, const char *key);

/* Where media redirects to: a copy to be freed; empty for nowhere. */
char *service_redirect (struct service *s);

/* What webhooks are signed with: a copy to be freed. */
char *service_webhook_secret (struct service *s);

/* Writes a new request id. */
void service_request_id (struct service *s, char out[UUID_SIZE]);

/* ---- From outside ---- */

/* Adds documents, see store_add. */
enum store_code service_add (struct service *s, const char *json, size_t length,
                             sqlite3_str *ids, char **why);

/* The webhooks that were sent or could not be, as a JSON array to be freed. */
char *service_webhooks (struct service *s);

/* What else a test does, told by a JSON object. Where that is refused or
** fails, returns 0 and sets '*why' to the reason, to be freed; NULL: out of
** memory. */
struct control {
  const char *name;
  int (*act)(struct service *s, const char *json, size_t length, char **why);
};

/* "fault", "set", "advance" and "reset"; ends with NULL. */
extern const struct control service_controls[];

/* ---- Waiting ---- */

/* Milliseconds of a clock that nobody sets. */
int64_t service_ticks (void);

/* Sleeps; returns 0 where service_end_waits ended it. Also as a callback. */
int service_sleep (void *service, int64_t milliseconds);

/* The same, but returns early when something is changed from outside. */
int service_wait_change (struct service *s, int64_t milliseconds);

/* Lets 'watch' be called, at any time and by any thread, when something may be
** due earlier than before; it must not call the service. NULL: no more. */
void service_watch (struct service *s, void (*watch)(void *watcher),
                    void *watcher);

/* To be called by what has made something that will be due. */
void service_note_due (struct service *s);

/* Notes that a batch is being made (1), or that it was (-1); and whether there
** is one, because it may seem to have ended. */
void service_hold_batches (struct service *s, int change);
int service_holds_batches (struct service *s);

/* In how many milliseconds the next transition is due; -1: none is to come, or
** the clock stands before it. */
int64_t service_until_due (struct service *s);

/* Ends all sleeps, and each that follows. */
void service_end_waits (struct service *s);

#endif
