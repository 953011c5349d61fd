/* SPDX-License-Identifier: MIT
**
** modules: the Lua files, as scripts/embed.lua writes them into a C file.
*/

#ifndef lipsync_modules_h
#define lipsync_modules_h

#include <stddef.h>

struct embedded {
  const char *name;  /* "lipsync.client" */
  const char *chunk; /* "@lipsync/client.lua", for messages */
  const unsigned char *text;
  size_t length;
};

/* Ends with a NULL name. */
extern const struct embedded embedded_modules[];

#endif
