/* SPDX-License-Identifier: MIT
**
** arguments: reads the program's command line.
*/

#ifndef emulator_arguments_h
#define emulator_arguments_h

#include "../service/parameters.h"

enum arguments_wish { WISH_RUN, WISH_HELP, WISH_VERSION };

struct arguments {
  enum arguments_wish wish;
  struct parameters parameters;
  char **command; /* what follows "--", or NULL */
};

/* Reads the arguments; 'argv' must outlive 'a'. Where they are refused,
** returns 0 and sets '*why' to the reason, to be freed; NULL: out of memory. */
int arguments_read (struct arguments *a, int argc, char **argv, char **why);

extern const char arguments_usage[];

/* Prints what there is to give. */
void arguments_help (void);

#endif
