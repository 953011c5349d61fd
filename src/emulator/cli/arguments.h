/* SPDX-License-Identifier: MIT
**
** arguments: reads the program's command line.
*/

#ifndef emulator_arguments_h
#define emulator_arguments_h

#include "../service/service.h"

#define KEYS_MAX 64

enum arguments_wish { WISH_RUN, WISH_HELP, WISH_VERSION };

struct arguments {
  enum arguments_wish wish;
  struct options options;
  struct key keys[KEYS_MAX];
  const char *export; /* a file, or NULL */
  char **command;     /* what follows "--", or NULL */
};

/* Reads the arguments. NULL, or what is wrong with them, to be freed with
** sqlite3_free. 'argv' is changed (a key is cut from its organization) and
** must outlive 'a'. */
char *arguments_read (struct arguments *a, int argc, char **argv);

extern const char arguments_usage[];
extern const char arguments_help[];

#endif
