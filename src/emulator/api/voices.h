/* SPDX-License-Identifier: MIT
**
** voices: those that everybody has, and those that an organization has cloned
** from samples. Two names are the same whatever their case.
*/

#ifndef emulator_voices_h
#define emulator_voices_h

#include "resource.h"

void voices_list (struct call *c);
void voices_clone (struct call *c); /* POST */

extern const struct resource voices;

#endif
