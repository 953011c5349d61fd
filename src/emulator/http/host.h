/* SPDX-License-Identifier: MIT
**
** host: whether a request is for this machine, and whether it comes from it.
*/

#ifndef emulator_host_h
#define emulator_host_h

#include <sys/socket.h>

/* Whether the Host header of a request on the socket 'fd' names this machine:
** by "localhost" or a name below it, by its host name, by 'listening' (where
** the server listens), by a loopback address or by the socket's own. A web
** page can give a name of its own such an address (DNS rebinding) and would
** then be asked for by that name. NULL, no header, is allowed. */
int host_is_ours (const char *header, const char *listening, int fd);

/* Whether a name or an address, as a URL has it, is this machine's loopback. */
int host_names_loopback (const char *name);

/* Whether it is "localhost" or a name below it. */
int host_is_localhost (const char *name);

int host_is_loopback (const struct sockaddr *address);

#endif
