/* SPDX-License-Identifier: MIT
**
** media: the files that signed URLs lead to, answered as S3 does.
*/

#ifndef emulator_media_h
#define emulator_media_h

#include "routes.h"

/* Whether the URL of a request was signed for it, and is still good; else it
** has refused. */
int media_signed (struct call *c);

/* GET of an output. A subject means that it is where the setting
** "media_redirect" has led to, and redirects no more. */
void media_output (struct call *c);

/* The same of a file that was uploaded. */
void media_upload (struct call *c);

#endif
