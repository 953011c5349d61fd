/* SPDX-License-Identifier: MIT
**
** responder: a small HTTP service on 127.0.0.1, in a process of its own so that
** nothing done to this one touches it. It has generations that are hard to
** read; what else it answers it is told.
*/

#ifndef torture_responder_h
#define torture_responder_h

struct responder {
  int pid;
  int control; /* closing it ends the service */
  int port;
};

/* Has it answer requests that begin with 'line' ("GET /x ") with a status and a
** text. Both strings stay until responder_start. 0: too many. */
int responder_tell (const char *line, int status, const char *text);

/* Starts it; 0 on failure. */
int responder_start (struct responder *r);

void responder_stop (struct responder *r);

#endif
