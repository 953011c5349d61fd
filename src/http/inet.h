/* SPDX-License-Identifier: MIT
**
** inet: the system's headers of sockets and their addresses.
*/

#ifndef lipsync_inet_h
#define lipsync_inet_h

#if defined(_WIN32)
#include <winsock2.h>
#include <ws2tcpip.h>
#else
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#endif

#endif
