/* SPDX-License-Identifier: MIT
**
** signing: URLs of the emulator's own files, which let in whoever has them,
** for a while. They look like those of S3. Their key follows from the random
** seed: what one emulator has signed, another with the same seed takes.
*/

#ifndef emulator_signing_h
#define emulator_signing_h

#include "service.h"

#define SIGNING_DATE_SIZE 17 /* "20260825T120000Z" and its NUL */

/* What a URL was signed for. */
struct signing {
  const char *method;
  const char *path;    /* from its slash on, as it is signed */
  const char *headers; /* their names: "host", "content-length;host" */
  const char *values;  /* of those but the host, a line each */
};

/* The URL of it, from now on for so many seconds: to be freed; NULL when out
** of memory. */
char *signing_url (struct service *s, const struct signing *what,
                   int64_t lifetime);

enum signing_code { SIGNING_GOOD, SIGNING_EXPIRED, SIGNING_WRONG };

/* Checks what a request has of a URL; each may be NULL. '*until' is when it
** expires, or has. */
enum signing_code signing_check (struct service *s, const struct signing *what,
                                 const char *date, const char *lifetime,
                                 const char *signature, int64_t *until);

/* A store's function that shows documents: puts a signed URL in the place of
** each string that begins with "emulator:/media/". NULL: there is none. */
char *signing_show (void *service, const char *json);

#endif
