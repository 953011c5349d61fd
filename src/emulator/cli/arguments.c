/* SPDX-License-Identifier: MIT
**
** arguments: see arguments.h.
*/

#include "arguments.h"
#include "../store/text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

const char arguments_usage[] =
  "usage: lipsync-emulator [OPTION]... [-- COMMAND [ARGUMENT]...]\n"
  "Try 'lipsync-emulator --help'.\n";

const char arguments_help[] =
  "usage: lipsync-emulator [OPTION]... [-- COMMAND [ARGUMENT]...]\n"
  "\n"
  "Runs the generations API on this machine, filled with sample data, and\n"
  "prints its base URL. With a COMMAND, runs that with SYNC_BASE_URL and\n"
  "SYNC_API_KEY set, prints nothing, and returns its status.\n"
  "\n"
  "  --port N          port to listen on (0, the default: any free one)\n"
  "  --host ADDRESS    address to listen on (127.0.0.1)\n"
  "  --database FILE   keep the generations in FILE (:memory:)\n"
  "  --key KEY=ORG     accept KEY for the organization ORG; repeatable\n"
  "                    (test-key=test-org)\n"
  "  --generations N   how many samples an empty database gets (60, or none\n"
  "                    with --import), in the first key's organization\n"
  "  --random-seed S   makes other samples (1)\n"
  "  --import FILE     put the generations of a JSON file into an empty\n"
  "                    database\n"
  "  --export FILE     write all generations to FILE at the end\n"
  "  --now TIME        let the clock stand at TIME, as in\n"
  "                    2026-08-25T12:00:00Z, until it is advanced\n"
  "  --log             write a line per request to standard error\n"
  "  --version         print the version and exit\n"
  "  --help            print this and exit\n"
  "\n"
  "While it runs, requests to /_emulator/... on the same address add\n"
  "generations and faults, move the clock, and show the requests seen.\n";

/* Options, in the order of 'names'. Those from FLAGS on take no value. */
enum option {
  O_PORT,
  O_HOST,
  O_DATABASE,
  O_KEY,
  O_GENERATIONS,
  O_SEED,
  O_IMPORT,
  O_EXPORT,
  O_NOW,
  O_LOG,
  O_VERSION,
  O_HELP,
  O_UNKNOWN
};

#define FLAGS O_LOG

static const char *const names[] = {
  "--port",        "--host",   "--database", "--key", "--generations",
  "--random-seed", "--import", "--export",   "--now", "--log",
  "--version",     "--help",   NULL};

/* Finds an option's name, which may be followed by "=value". */
static enum option find (const char *argument) {
  size_t n = strcspn(argument, "=");
  int i;
  for (i = 0; names[i] != NULL; i++)
    if (strlen(names[i]) == n && strncmp(names[i], argument, n) == 0)
      return (enum option)i;
  return O_UNKNOWN;
}

/* The readers return NULL, or what is wrong. */

static char *read_integer (const char *name, const char *text, int64_t most,
                           int64_t *number) {
  char *end;
  long long n;
  errno = 0;
  n = strtoll(text, &end, 10);
  if (errno != 0 || end == text || *end != '\0' || n < 0 || n > most)
    return sqlite3_mprintf(
      "%s wants a whole number from 0 to %lld, not "
      "\"%s\"",
      name, (long long)most, text);
  *number = n;
  return NULL;
}

/* A header's value: visible characters only. */
static int is_visible (const char *text) {
  for (; *text != '\0'; text++)
    if (*text <= ' ' || *text == 0x7F)
      return 0;
  return 1;
}

/* Cuts KEY=ORG at its last "=": a key may hold one. */
static char *read_key (struct arguments *a, char *text) {
  struct key *key = &a->keys[a->options.key_count];
  char *equals = strrchr(text, '=');
  if (equals == NULL || equals == text || equals[1] == '\0'
      || !is_visible(text))
    return sqlite3_mprintf("--key wants KEY=ORGANIZATION, without spaces");
  if (a->options.key_count == KEYS_MAX)
    return sqlite3_mprintf("--key may be given %d times at most", KEYS_MAX);
  *equals = '\0';
  key->key = text;
  key->org = equals + 1;
  a->options.key_count++;
  return NULL;
}

/* Reads the value of an option that takes one. */
static char *read_value (struct arguments *a, enum option option, char *value) {
  struct options *o = &a->options;
  int64_t number = 0;
  char *why = NULL;
  switch (option) {
    case O_PORT:
      why = read_integer(names[option], value, 65535, &number);
      o->port = (int)number;
      break;
    case O_GENERATIONS:
      why = read_integer(names[option], value, GENERATIONS_MAX,
                         &o->generations);
      break;
    case O_SEED:
      why = read_integer(names[option], value, INT64_MAX, &number);
      o->seed = (uint64_t)number;
      break;
    case O_NOW:
      if (!time_parse(value, &o->now))
        why = sqlite3_mprintf(
          "--now wants a time like 2026-08-25T12:00:00Z, "
          "not \"%s\"",
          value);
      break;
    case O_HOST: o->host = value; break;
    case O_DATABASE: o->database = value; break;
    case O_KEY: why = read_key(a, value); break;
    case O_IMPORT: o->import = value; break;
    default: a->export = value;
  }
  return why;
}

static void read_flag (struct arguments *a, enum option option) {
  if (option == O_LOG)
    a->options.log = 1;
  else
    a->wish = option == O_HELP ? WISH_HELP : WISH_VERSION;
}

/* Reads the option at argv[*i] and the value behind it. */
static char *read_option (struct arguments *a, int argc, char **argv, int *i) {
  char *argument = argv[*i], *equals = strchr(argument, '=');
  enum option option = find(argument);
  if (option == O_UNKNOWN && argument[0] != '-')
    return sqlite3_mprintf("what is \"%s\"? A command comes after \"--\"",
                           argument);
  if (option == O_UNKNOWN) {
    if (equals != NULL)
      *equals = '\0';
    return text_unknown("option", argument, names);
  }
  if (option >= FLAGS) {
    read_flag(a, option);
    return equals == NULL ? NULL
                          : sqlite3_mprintf("%s takes no value", names[option]);
  }
  if (equals != NULL)
    return read_value(a, option, equals + 1);
  if (*i + 1 >= argc || strcmp(argv[*i + 1], "--") == 0)
    return sqlite3_mprintf("%s wants a value", names[option]);
  return read_value(a, option, argv[++*i]);
}

char *arguments_read (struct arguments *a, int argc, char **argv) {
  int i;
  memset(a, 0, sizeof(*a));
  options_open(&a->options);
  a->options.keys = a->keys;
  for (i = 1; i < argc; i++) {
    char *why;
    if (strcmp(argv[i], "--") == 0) {
      a->command = argv + i + 1;
      if (*a->command == NULL)
        return sqlite3_mprintf("a command must follow \"--\"");
      return NULL;
    }
    why = read_option(a, argc, argv, &i);
    if (why != NULL)
      return why;
  }
  return NULL;
}
