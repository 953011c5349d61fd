/* SPDX-License-Identifier: MIT
**
** command: see command.h. Signals are waited for, not handled: nothing here
** runs inside a signal handler.
*/

#include "command.h"

#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define STATUS_NOT_FOUND 127
#define STATUS_NOT_RUN   126
#define STATUS_SIGNAL    128

extern char **environ;

static void our_signals (sigset_t *set) {
  sigemptyset(set);
  sigaddset(set, SIGINT);
  sigaddset(set, SIGTERM);
  sigaddset(set, SIGHUP);
  sigaddset(set, SIGQUIT);
}

void command_prepare (void) {
  sigset_t set;
  our_signals(&set);
  sigaddset(&set, SIGCHLD);
  sigprocmask(SIG_BLOCK, &set, NULL);
  signal(SIGPIPE, SIG_IGN);
  /* the parent process may ignore it, and then no child could be waited for */
  signal(SIGCHLD, SIG_DFL);
}

void command_wait (void) {
  sigset_t set;
  int number;
  our_signals(&set);
  while (sigwait(&set, &number) != 0)
    ;
}

/* Starts the command with the signals as a program expects them. */
static int start (char **command, pid_t *pid) {
  posix_spawnattr_t attributes;
  sigset_t none, defaults;
  int code;
  sigemptyset(&none);
  sigemptyset(&defaults);
  sigaddset(&defaults, SIGPIPE);
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setflags(&attributes,
                           POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &defaults);
  code = posix_spawnp(pid, command[0], NULL, &attributes, command, environ);
  posix_spawnattr_destroy(&attributes);
  return code;
}

/* Hands a signal on. One from the terminal's keyboard has gone to the whole
** foreground group: the command has it already. */
static void hand_on (pid_t pid, const siginfo_t *info) {
  if (info->si_code <= 0) /* sent by a process */
    kill(pid, info->si_signo);
}

static int wait_for (pid_t pid) {
  sigset_t set;
  siginfo_t info;
  int status;
  our_signals(&set);
  sigaddset(&set, SIGCHLD);
  while (waitpid(pid, &status, WNOHANG) == 0) {
    int number = sigwaitinfo(&set, &info);
    if (number > 0 && number != SIGCHLD)
      hand_on(pid, &info);
  }
  return WIFSIGNALED(status) ? STATUS_SIGNAL + WTERMSIG(status)
                             : WEXITSTATUS(status);
}

int command_run (char **command) {
  pid_t pid;
  int code = start(command, &pid);
  if (code == 0)
    return wait_for(pid);
  fprintf(stderr, "lipsync-emulator: cannot run %s: %s\n", command[0],
          strerror(code));
  return code == ENOENT ? STATUS_NOT_FOUND : STATUS_NOT_RUN;
}
