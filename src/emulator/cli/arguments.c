/* SPDX-License-Identifier: MIT
**
** arguments: see arguments.h. The options are the parameters, with "-" in place
** of "_", and two more. getopt_long also takes abbreviations, such as "--key".
*/

#include "arguments.h"
#include "../store/text.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#define OPTIONS_MAX 96 /* a spec tells when it no longer suffices */
#define OPTION_SIZE 32

/* What getopt_long returns; a parameter is OPTION + its row. */
enum { HELP = 'h', UNKNOWN = '?', NO_VALUE = ':', VERSION = 256, OPTION };

#define USAGE "usage: lipsync-emulator [OPTION]... [-- COMMAND [ARGUMENT]...]\n"

const char arguments_usage[] = USAGE "Try 'lipsync-emulator --help'.\n";

/* The options for getopt_long, and their names with the dashes before them.
** Both arrays end with a NULL. */
struct options {
  struct option known[OPTIONS_MAX];
  const char *names[OPTIONS_MAX];
  char texts[OPTIONS_MAX][OPTION_SIZE];
  int count;
};

static void add_option (struct options *o, const char *name, int has_argument,
                        int code) {
  char *text = o->texts[o->count], *at;
  sqlite3_snprintf(OPTION_SIZE, text, "--%s", name);
  for (at = text; (at = strchr(at, '_')) != NULL;)
    *at = '-';
  o->names[o->count] = text;
  o->known[o->count].name = text + 2;
  o->known[o->count].has_arg = has_argument;
  o->known[o->count++].val = code;
}

static void open_options (struct options *o) {
  const struct parameter *row;
  int code = OPTION;
  memset(o, 0, sizeof(*o));
  for (row = parameter_table;
       row->schema.name != NULL && o->count < OPTIONS_MAX - 3; row++)
    add_option(o, row->schema.name, row->argument != NULL, code++);
  add_option(o, "version", 0, VERSION);
  add_option(o, "help", 0, HELP);
}

/* ---- Help ---- */

/* Prints an option and its help, which may have several lines. */
static void print_option (const char *name, const char *argument,
                          const char *help, const char *standard) {
  char left[64];
  sqlite3_snprintf(sizeof(left), left, "%s%s%s", name,
                   argument != NULL ? " " : "",
                   argument != NULL ? argument : "");
  printf("  %-27s ", left);
  for (; *help != '\0'; help++) {
    putchar(*help);
    if (*help == '\n')
      printf("%30s", "");
  }
  if (standard != NULL)
    printf(" (%s)", standard);
  putchar('\n');
}

void arguments_help (void) {
  struct options o;
  const struct parameter *row;
  int i = 0;
  open_options(&o);
  fputs(
    USAGE
    "\n"
    "Runs the generations API on this machine, filled with sample data, and\n"
    "prints its base URL. With a COMMAND, runs that with SYNC_BASE_URL and\n"
    "SYNC_API_KEY set, prints nothing, and returns its status.\n"
    "\n",
    stdout);
  for (row = parameter_table; row->schema.name != NULL; row++)
    print_option(o.names[i++], row->argument, row->help, row->standard);
  print_option("--version", NULL, "print the version and exit", NULL);
  print_option("-h, --help", NULL, "print this and exit", NULL);
  fputs(
    "\n"
    "While it runs, requests to /_emulator/... on the same address add\n"
    "generations and faults, move the clock, and show the requests seen.\n",
    stdout);
}

/* ---- Reading ---- */

/* Says what getopt_long did not take at argv[at]. */
static char *refuse (const struct options *o, int code, char *argument) {
  const struct names names = {o->names, sizeof(*o->names)};
  char *equals = strchr(argument, '=');
  if (equals != NULL)
    *equals = '\0';
  if (code == NO_VALUE)
    return sqlite3_mprintf("%s wants a value", argument);
  if (optopt >= VERSION || (optopt == HELP && equals != NULL))
    return sqlite3_mprintf("%s takes no value", argument);
  return text_unknown("option", argument, names);
}

/* Reads the value of a parameter's option. */
static int read_value (struct arguments *a, const struct options *o, int i,
                       const char *value, int *keys, char **why) {
  const struct parameter *row = &parameter_table[i];
  if (value != NULL && strcmp(value, "--") == 0) {
    *why = sqlite3_mprintf("%s wants a value", o->names[i]);
    return 0;
  }
  if (row->schema.type == SCHEMA_OTHER && (*keys)++ == 0)
    settings_forget_keys(&a->parameters.settings); /* the default goes */
  return parameters_read_text(&a->parameters, row, o->names[i], value, why);
}

static int read_options (struct arguments *a, int argc, char **argv,
                         char **why) {
  struct options o;
  int code, keys = 0, at = 1;
  open_options(&o);
  opterr = 0;
  while ((code = getopt_long(argc, argv, "+:h", o.known, NULL)) != -1) {
    switch (code) {
      case HELP: a->wish = WISH_HELP; break;
      case VERSION: a->wish = WISH_VERSION; break;
      case UNKNOWN:
      case NO_VALUE: *why = refuse(&o, code, argv[at]); return 0;
      default:
        if (!read_value(a, &o, code - OPTION, optarg, &keys, why))
          return 0;
    }
    at = optind;
  }
  return 1;
}

int arguments_read (struct arguments *a, int argc, char **argv, char **why) {
  memset(a, 0, sizeof(*a));
  *why = NULL;
  if (!parameters_open(&a->parameters) || !read_options(a, argc, argv, why))
    return 0;
  if (optind < argc)
    a->command = argv + optind;
  if (optind > 1 && strcmp(argv[optind - 1], "--") == 0) {
    if (a->command == NULL)
      *why = sqlite3_mprintf("a command must follow \"--\"");
  }
  else if (a->command != NULL) {
    *why = sqlite3_mprintf("what is \"%s\"? A command comes after \"--\"",
                           *a->command);
  }
  return *why == NULL;
}
