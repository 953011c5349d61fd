/* SPDX-License-Identifier: MIT
**
** What the scripted server and the module that starts it have in common: the
** file with the script, and the file of notes.
*/

#ifndef SCRIPTED_H
#define SCRIPTED_H

#include <stddef.h>

#define FOREVER (-1.0)

enum step_kind {
  STEP_END,   /* of a connection's script: as STEP_CLOSE */
  STEP_READ,  /* one request, head and body */
  STEP_AWAIT, /* its head and 'times' bytes of its body; they stay unread */
  STEP_SEND,  /* 'data', 'times' times, in pieces of 'chunk' bytes */
  STEP_STALL, /* do nothing for 'delay' seconds */
  STEP_TELL,  /* say that the script is here */
  STEP_HOLD,  /* read and drop until the peer closes */
  STEP_CLOSE, /* in an orderly way */
  STEP_RESET, /* so that the peer sees ECONNRESET */
  STEP_WHEN   /* begins a script that is picked: for a head with 'data',
                  'times' times */
};

struct step {
  enum step_kind kind;
  size_t at; /* of its data, among the bytes behind the steps */
  size_t length;
  size_t chunk;
  double delay;
  double times; /* FOREVER: until the peer goes away */
};

/* The file begins with this. 'steps' steps follow, then all data. */
struct script {
  int count; /* scripts, each ending with STEP_END */
  int loop;
  int picks; /* whether each request has a script of its own */
  int steps;
};

/* The descriptors that the server is started with. */
enum { FD_SCRIPT = 3, FD_LISTENER, FD_CONTROL, FD_NOTES, FD_COUNT };

/* What a server notes in its file: this, then 'length' bytes. */
struct note {
  char kind; /* 'a' accepted, 'r' request, 'g' the peer is gone */
  int connection;
  size_t head; /* how many of the bytes are the request's head */
  size_t length;
};

#endif
