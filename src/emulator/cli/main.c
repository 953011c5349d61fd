/* SPDX-License-Identifier: MIT
**
** main: the program lipsync-emulator.
*/

#include "arguments.h"
#include "command.h"
#include "../http/emulator.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

#define STATUS_FAILED 1
#define STATUS_USAGE  2

/* Says what went wrong, and frees it. */
static void complain (char *why) {
  fprintf(stderr, "lipsync-emulator: %s\n",
          why != NULL ? why : "not enough memory");
  sqlite3_free(why);
}

/* Runs the command with what a client needs in its environment. */
static int run_command (struct emulator *e, char **command) {
  setenv("SYNC_BASE_URL", emulator_url(e), 1);
  setenv("SYNC_API_KEY", service_key(emulator_service(e)), 1);
  return command_run(command);
}

static void run_alone (struct emulator *e) {
  printf("%s\n", emulator_url(e));
  fflush(stdout);
  command_wait();
}

static int export_all (struct emulator *e, const char *path) {
  struct service *s = emulator_service(e);
  char *why = NULL;
  if (store_export(service_store(s), path, service_now(s), &why) == STORE_OK)
    return 1;
  complain(why);
  return 0;
}

static int run (const struct arguments *a) {
  struct emulator *e;
  char *why;
  int status = 0;
  command_prepare();
  e = emulator_start(&a->options, &why);
  if (e == NULL) {
    complain(why);
    return STATUS_FAILED;
  }
  if (a->command != NULL)
    status = run_command(e, a->command);
  else
    run_alone(e);
  if (a->export != NULL && !export_all(e, a->export) && status == 0)
    status = STATUS_FAILED;
  emulator_stop(e);
  return status;
}

int main (int argc, char **argv) {
  struct arguments a;
  char *why = arguments_read(&a, argc, argv);
  if (why != NULL) {
    complain(why);
    fputs(arguments_usage, stderr);
    return STATUS_USAGE;
  }
  switch (a.wish) {
    case WISH_HELP: fputs(arguments_help, stdout); return 0;
    case WISH_VERSION: puts("lipsync-emulator " EMULATOR_VERSION); return 0;
    default: return run(&a);
  }
}
