/* SPDX-License-Identifier: MIT
**
** form: a request to create as multipart/form-data: files, and fields that
** become members of the JSON body that it stands for.
*/

#ifndef emulator_form_h
#define emulator_form_h

#include "routes.h"

/* Answers a request to create, as a form or as JSON. */
void form_create (struct call *c);

#endif
