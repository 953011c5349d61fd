/* SPDX-License-Identifier: MIT
**
** responder: a small fixed HTTP service on 127.0.0.1, in a process of its own
** so that nothing done to this one touches it.
*/

#ifndef torture_responder_h
#define torture_responder_h

struct responder {
  int pid;
  int control; /* closing it ends the service */
  int port;
};

/* Starts it; 0 on failure. */
int responder_start (struct responder *r);

void responder_stop (struct responder *r);

#endif
