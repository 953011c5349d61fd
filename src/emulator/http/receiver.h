/* SPDX-License-Identifier: MIT
**
** receiver: a server without answers of its own, for webhooks: a request waits
** until its owner has looked at it and gives the status. Knows nothing of the
** service. But for receiver_start, all is for one thread: the owner's.
*/

#ifndef emulator_receiver_h
#define emulator_receiver_h

#include <stddef.h>
#include <stdint.h>

struct receiver;

/* A request that has come whole. */
struct arrival {
  const char *method;
  const char *target;  /* as it came */
  const char *headers; /* name and value in turn, each with its NUL */
  size_t headers_length;
  const char *body; /* NULL: it is too long, and nothing of it was kept */
  size_t body_length;
};

/* Listens on a host and port (0: any free one) for bodies of at most so many
** bytes. Returns NULL on failure and sets '*why', to be freed with
** sqlite3_free; NULL: out of memory. */
struct receiver *receiver_start (const char *host, int port, size_t body_max,
                                 char **why);

/* What reaches it from this machine: "http://127.0.0.1:8080" */
const char *receiver_url (const struct receiver *r);

/* Whether this process is the one that started it. */
int receiver_is_ours (const struct receiver *r);

/* The request that has waited longest; NULL: none came in so many milliseconds.
** It is there until it is answered, which is by 500 if this is called before.
*/
const struct arrival *receiver_next (struct receiver *r, int64_t milliseconds);

/* Answers it by an empty response; 0: there is none to answer. */
int receiver_answer (struct receiver *r, int status);

/* Answers all that wait by 503 and frees everything. NULL is allowed; a forked
** child does nothing, for the threads are its parent's. */
void receiver_stop (struct receiver *r);

#endif
