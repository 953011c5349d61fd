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

/* Begins to answer for a file: whether it is to be sent, which it is not where
** the URL is refused or leads elsewhere. */
int media_begin (struct call *c);

/* Sends a text of SQLite's memory, which it owns, as a file. */
void media_text (struct call *c, const char *type, char *text, size_t length);

/* GET of an output. A subject means that it is where the setting
** "media_redirect" has led to, and redirects no more. */
void media_output (struct call *c);

/* The same of a file that was uploaded. */
void media_upload (struct call *c);

#endif
