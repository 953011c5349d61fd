/* SPDX-License-Identifier: MIT
**
** signature: the headers by which a receiver knows a webhook as the service's,
** or as one that is not.
*/

#ifndef emulator_webhook_signature_h
#define emulator_webhook_signature_h

#include "../service/parameters.h"

/* The header lines that a webhook is signed with, each ending in "\n": to be
** freed; NULL when out of memory. 'now' is in seconds. */
char *signature_lines (const struct settings *settings, const char *secret,
                       const char *body, int64_t now);

#endif
