/* SPDX-License-Identifier: MIT
**
** json_locale: the "C" locale, in which numbers are always read and written.
*/

#ifndef lipsync_json_locale_h
#define lipsync_json_locale_h

#if defined(__APPLE__)
#include <xlocale.h>
#endif
#include <locale.h>

/* Makes it at the first call and keeps it. Returns 0 when out of memory; the
** next call then tries again. */
locale_t json_locale (void);

#endif
