/* SPDX-License-Identifier: MIT
**
** listen: opens the socket that the server listens on.
*/

#ifndef emulator_listen_h
#define emulator_listen_h

/* Binds to a host and port (0: any free one) and listens. Returns the socket
** and sets '*url' to the base URL, or returns -1 and sets '*why'; both are
** SQLite's memory. */
int listen_open (const char *host, int port, char **url, char **why);

#endif
