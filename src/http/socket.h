/* SPDX-License-Identifier: MIT
**
** socket: what libcurl leaves to us of its sockets, see platform.h. libcurl
** alone reads and writes them.
*/

#ifndef lipsync_socket_h
#define lipsync_socket_h

#include <curl/curl.h>

#include "inet.h"

/* A socket that no other program inherits, or CURL_SOCKET_BAD with the errno in
** '*os_error', which is 0 otherwise. */
curl_socket_t socket_open (int family, int type, int protocol, int *os_error);

/* Returns 0, as libcurl wants it. */
int socket_close (curl_socket_t s);

/* Ends a connection under libcurl, which keeps the socket. */
void socket_drop (curl_socket_t s);

/* Whether something has arrived on it, or its peer has hung up. */
int socket_has_news (curl_socket_t s);

/* The errno of an error that libcurl passes on from the system. */
int socket_errno (long error);

#endif
