/* SPDX-License-Identifier: MIT
**
** command: runs a command beside the emulator, and what signals mean to both.
*/

#ifndef emulator_command_h
#define emulator_command_h

/* Blocks the signals that command_wait waits for. To be called before any
** thread is started. */
void command_prepare (void);

/* Waits for SIGINT, SIGTERM, SIGHUP or SIGQUIT. */
void command_wait (void);

/* Runs a command and waits for its end, handing signals on to it. Returns
** its status; 128 + N where signal N ended it; 127 or 126 where it cannot be
** found or run, which is said on standard error. */
int command_run (char **command);

#endif
