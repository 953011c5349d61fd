/* SPDX-License-Identifier: MIT
**
** speech: see speech.c.
*/

#ifndef emulator_speech_h
#define emulator_speech_h

#include "job.h"

/* POST: speaks a text at once. */
void speech_create (struct call *c);

extern const struct job speech_jobs;
extern const struct job transcriptions;
extern const struct job dialogue_edits;

#endif
