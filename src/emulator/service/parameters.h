/* SPDX-License-Identifier: MIT
**
** parameters: all that can be set about an emulator: one table, which the
** command line, lipsync.emulator.start, emulator:set and POST /_emulator/set
** read alike. Names are as in Lua and JSON; on the command line they have
** dashes in place of underscores.
*/

#ifndef emulator_parameters_h
#define emulator_parameters_h

#include "schema.h"

#include <stdint.h>

/* What a cursor does whose generation was deleted. */
enum gone_cursor { GONE_ERROR, GONE_EMPTY, GONE_POSITION };

/* What the repeat of a create does whose generation was deleted. */
enum replay_deleted { REPLAY_ERROR, REPLAY_ANSWER, REPLAY_CREATE };

/* Which signature a webhook has. */
enum webhook_signature {
  SIGNED_RIGHT,
  SIGNED_WRONG,
  SIGNED_LATE,    /* its time is long ago */
  SIGNED_DOUBLED, /* the header comes twice */
  SIGNED_NOT
};

/* Which entity tag media has. */
enum media_etag { ETAG_STRONG, ETAG_WEAK, ETAG_NONE };

/* In which order the results of a batch come. */
enum batch_order { BATCH_SENT, BATCH_MIXED };

/* What can be set at any time. */
struct settings {
  char *keys;  /* lines "KEY\tORGANIZATION\n" */
  int64_t now; /* where the clock stands; -1: it runs */
  int64_t log; /* a line per request on standard error */
  int64_t gone_cursor;
  int64_t hang_up_after;        /* seconds that a reader may pause; 0: any */
  int64_t ignore_status_filter; /* listings show every status */
  int64_t allow_unknown_members;
  double pending_seconds; /* how long a generation has a status */
  double processing_seconds;
  int64_t concurrency_limit; /* running generations; 0: any number */
  int64_t voice_limit;       /* cloned voices of an organization */
  double create_seconds;     /* that a create takes */
  int64_t replay_ok;
  int64_t replay_deleted;
  int64_t download_refusal;   /* which status: 409, 404, 422 */
  double idempotency_seconds; /* that an Idempotency-Key is remembered for */
  char *webhook_secret;
  int64_t webhook_attempts; /* until the receiver takes it */
  int64_t webhook_copies;   /* of each that is sent */
  double webhook_timeout;   /* seconds that a receiver may take */
  int64_t webhook_rejected; /* for rejected generations, too */
  int64_t webhook_newest_first;
  int64_t webhook_old_header;
  int64_t webhook_signature;
  int64_t media_lifetime; /* seconds of a signed URL */
  int64_t media_size;     /* bytes of an output */
  int64_t media_version;  /* another one gives other bytes */
  int64_t media_etag;
  int64_t media_ignore_range;
  int64_t media_chunked;   /* no Content-Length */
  int64_t file_limit;      /* bytes of an uploaded file */
  int64_t upload_lifetime; /* seconds of a URL to put a file at */
  int64_t body_limit;      /* of a request with files */
  int64_t batch_order;     /* of the lines of results */
  int64_t batch_errors;    /* every so many rows one fails; 0: none */
  char *media_redirect;    /* what a Location begins with; empty: none */
};

/* What is set at the start; the texts are of SQLite's memory. */
struct parameters {
  int64_t port; /* 0: any free one */
  char *host;
  char *database;
  int64_t generations; /* samples; -1: 60, or none with an import */
  int64_t random_seed;
  char *import; /* a file, or NULL */
  char *export; /* likewise */
  struct settings settings;
};

struct parameter {
  struct schema schema;
  const char *argument; /* of the option; NULL: it takes none */
  const char *standard; /* the default, as an argument, or NULL */
  const char *help;     /* one line or several */
};

extern const struct parameter parameter_table[];

/* Sets everything to its default; 0 when out of memory. */
int parameters_open (struct parameters *p);

void parameters_close (struct parameters *p);

/* Copies settings; 0 when out of memory. */
int settings_copy (struct settings *to, const struct settings *from);

void settings_close (struct settings *s);

/* Forgets the texts, because they belong to another copy. */
void settings_forget_texts (struct settings *s);

/* Frees the keys, because others come in their place. */
void settings_forget_keys (struct settings *s);

/* Each reader returns 0 where it refuses a value, and sets '*why' to the
** reason, to be freed; NULL: out of memory. */

/* Reads the members of a JSON object; once 'started', settings only. */
int parameters_read (struct parameters *p, const char *json, size_t length,
                     int started, char **why);

/* Reads the text of a command line's option, which messages call 'shown'. */
int parameters_read_text (struct parameters *p, const struct parameter *row,
                          const char *shown, const char *text, char **why);

/* The organization of a key, or of the first key for NULL: a copy to be
** freed, or NULL where the key is unknown. */
char *settings_org (const struct settings *s, const char *key);

/* The first key, a copy to be freed. */
char *settings_first_key (const struct settings *s);

#endif
