/* SPDX-License-Identifier: MIT
**
** media: the files that signed URLs lead to, answered as S3 does.
*/

#ifndef emulator_media_h
#define emulator_media_h

#include "routes.h"

/* Refuses in S3's form. */
void media_refuse (struct call *c, int status, const char *code,
                   const char *message);

/* Whether the request's URL was signed for it, and is still good; else it has
** refused. 'headers' and 'values' are as in struct signing. */
int media_check (struct call *c, const char *headers, const char *values);

/* GET of an output. A subject means that it is where the setting
** "media_redirect" has led to, and redirects no more. */
void media_output (struct call *c);

/* The same of a file that was uploaded. */
void media_upload (struct call *c);

#endif
