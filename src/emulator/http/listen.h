/* SPDX-License-Identifier: MIT
**
** listen: the socket that a server accepts connections on.
*/

#ifndef emulator_listen_h
#define emulator_listen_h

/* Binds to a host and port (0: any free one) and listens. Returns the socket
** and sets '*url' to what reaches it from this machine, or returns -1 and sets
** '*why'. Both are to be freed with sqlite3_free. */
int listen_open (const char *host, int port, char **url, char **why);

#endif
