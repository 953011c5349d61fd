/* SPDX-License-Identifier: MIT
**
** engine: runs a libcurl multi handle, and waits only in engine_wait. With a
** pollset, one descriptor stands for all sockets and one deadline for all
** timers, so a step costs the same for one transfer and a thousand; elsewhere
** libcurl polls its sockets itself. Knows nothing of Lua or the data.
*/

#ifndef lipsync_engine_h
#define lipsync_engine_h

#include <curl/curl.h>

#include "pollset.h"

/* Is told that libcurl waits for a socket on behalf of a transfer, or no longer
** does. Returns whether the transfer is paused. */
typedef int engine_listener (CURL *easy, curl_socket_t s, int is_waited);

struct engine {
  CURLM *multi; /* NULL while closed */
  int fd;       /* the pollset, or -1 where there is none */
  double due;   /* when libcurl wants a call, or ENGINE_NEVER */
  struct pollset_event events[POLLSET_EVENTS]; /* what it saw */
  int next, count;        /* those that no step has handled yet */
  unsigned char *sockets; /* what is known of each, by its number */
  size_t size;            /* how many there may be */
  unsigned peak;          /* most transfers that were under way at once */
  double ends; /* the deadline of the step that runs, or ENGINE_NEVER */
  engine_listener *listener;
};

#define ENGINE_DESCRIPTORS 3 /* its set, and what wakes libcurl's own wait */

#define ENGINE_NEVER (-1.0)

/* Makes the multi handle and its pollset. False when memory or descriptors
** ran out; 'e' is closed then. */
int engine_open (struct engine *e, engine_listener *listener);

/* Sets a deadline for the calls that follow, at most a millisecond away; clears
** it; whether it has passed. A caller with several pieces of work asks in
** between. */
void engine_set_deadline (struct engine *e, double seconds);
void engine_clear_deadline (struct engine *e);
int engine_past_deadline (const struct engine *e);

/* Does what can be done now, for at least one socket, and for more of them
** until the deadline. False when libcurl ran out of memory or descriptors: it
** may then have lost any of its sockets. */
int engine_step (struct engine *e);

/* The same for all that has arrived in so many sockets, however long it
** takes. */
int engine_drain (struct engine *e, size_t sockets);

/* Says that a socket was opened for libcurl, or is about to be closed. Only
** such a one is watched between two requests. */
void engine_opened (struct engine *e, curl_socket_t s);
void engine_closing (struct engine *e, curl_socket_t s);

/* Says that the transfer which has this socket alone is paused, or goes on:
** false when memory ran out. Nothing is done for CURL_SOCKET_BAD. libcurl 8.5.0
** waits for the sockets of paused transfers, too; told that one can be read, it
** reads all that comes into its own memory, and loses it where the server then
** ends too early. */
void engine_hold (struct engine *e, curl_socket_t s);
int engine_unhold (struct engine *e, curl_socket_t s);

/* Says how many transfers are under way. As many connections as were ever
** needed at once stay open; libcurl alone keeps four per remaining transfer,
** and so closes most of them after each burst. */
void engine_expect (struct engine *e, unsigned transfers);

/* How many that are. */
unsigned engine_kept (const struct engine *e);

/* Sets going what was just added, as far as it goes now: of many that begin
** at the same time each pays for itself, and not the next step for all. False
** as above. */
int engine_begin (struct engine *e);

/* Waits until there is something to do, at most 'seconds' (negative: no limit);
** a signal ends the wait early. Does not step. */
void engine_wait (struct engine *e, double seconds);

/* Seconds until a step is due even if no socket is ready (0: now), or
** ENGINE_NEVER. */
double engine_timeout (struct engine *e);

/* Cleans up; all easy handles must have been removed. May be called again. */
void engine_close (struct engine *e);

/* Forgets the handles of a parent process, which must not be touched. */
void engine_abandon (struct engine *e);

/* ---- Between engine.c and the half that is used ---- */

/* Opens the pollset and has libcurl use it; closes it. */
int engine_watch (struct engine *e);
void engine_unwatch (const struct engine *e);

/* Seconds as whole milliseconds, rounded up, because a wait that ends before
** anything is due would spin. Negative: no limit. */
int engine_milliseconds (double seconds);

#endif
