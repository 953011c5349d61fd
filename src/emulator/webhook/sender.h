/* SPDX-License-Identifier: MIT
**
** sender: sends webhooks, one after the other, in a thread of its own: a slow
** receiver holds up no request. It sleeps until something is due, by the
** emulator's clock, so that an end is noticed without a request. It sends to
** this machine only, because a test must reach nobody else.
*/

#ifndef emulator_sender_h
#define emulator_sender_h

#include "../service/service.h"

struct sender;

/* Starts the thread; NULL on failure. It has all signals blocked: those are for
** the program's own. */
struct sender *sender_start (struct service *service);

/* Ends what is being sent, and the thread. NULL is allowed. */
void sender_stop (struct sender *s);

#endif
