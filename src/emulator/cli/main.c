/* SPDX-License-Identifier: MIT
**
** main: the program lipsync-emulator.
*/

#include "arguments.h"
#include "command.h"
#include "../server.h"
#include "../../version.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define STATUS_FAILED 1
#define STATUS_USAGE  2

/* Says what went wrong, and frees it. */
static void complain (char *why) {
  fprintf(stderr, "lipsync-emulator: %s\n",
          why != NULL ? why : "not enough memory");
  sqlite3_free(why);
}

/* Runs the command with what a client needs in its environment. */
static int run_command (struct server *s, char **command) {
  char *key = service_key(server_service(s));
  setenv("SYNC_BASE_URL", server_url(s), 1);
  setenv("SYNC_API_KEY", key != NULL ? key : "", 1);
  sqlite3_free(key);
  return command_run(command);
}

static void run_alone (struct server *s) {
  printf("%s\n", server_url(s));
  fflush(stdout);
  command_wait();
}

static int run (struct arguments *a) {
  struct server *s;
  char *why;
  int status = 0;
  command_prepare();
  s = server_start(&a->parameters, &why);
  if (s == NULL) {
    complain(why);
    return STATUS_FAILED;
  }
  if (a->command != NULL)
    status = run_command(s, a->command);
  else
    run_alone(s);
  if (!server_stop(s, &why)) {
    complain(why);
    if (status == 0)
      status = STATUS_FAILED;
  }
  return status;
}

/* Opens what of standard input, output and error is closed: a socket or the
** database would get its number, and what is printed. */
static int open_standard (void) {
  int fd;
  do
    fd = open("/dev/null", O_RDWR);
  while (fd >= 0 && fd <= STDERR_FILENO);
  return fd >= 0 && close(fd) == 0;
}

int main (int argc, char **argv) {
  struct arguments a;
  char *why;
  int status = 0;
  if (!open_standard())
    return STATUS_FAILED;
  if (!arguments_read(&a, argc, argv, &why)) {
    complain(why);
    fputs(arguments_usage, stderr);
    status = STATUS_USAGE;
  }
  else if (a.wish == WISH_HELP) {
    arguments_help();
  }
  else if (a.wish == WISH_VERSION) {
    puts("lipsync-emulator " LIPSYNC_VERSION);
  }
  else {
    status = run(&a);
  }
  parameters_close(&a.parameters);
  return status;
}
