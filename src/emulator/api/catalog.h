/* SPDX-License-Identifier: MIT
**
** catalog: the service's stable error codes, each with the status it comes
** with, a message and what to do. The codes are the service's; all texts but
** one are the emulator's own. Some codes are not in the list that it gives.
*/

#ifndef emulator_catalog_h
#define emulator_catalog_h

#include <sqlite3.h>

struct catalog_entry {
  const char *code;
  int status; /* of an answer that carries the code */
  const char *message;
  const char *suggestion;
};

/* The entry of a code, or NULL. */
const struct catalog_entry *catalog_find (const char *code);

/* Appends the list as the service sends it. */
void catalog_write (sqlite3_str *out);

#endif
