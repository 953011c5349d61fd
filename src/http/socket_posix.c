/* SPDX-License-Identifier: MIT
**
** socket_posix: socket.h for Linux, macOS and the like.
*/

#include "socket.h"

#if !defined(_WIN32)

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "platform.h"


curl_socket_t socket_open (int family, int type, int protocol, int *os_error) {
  int s;
#ifdef SOCK_CLOEXEC
  type |= SOCK_CLOEXEC;
#endif
  s = platform_keep(socket(family, type, protocol));
#ifndef SOCK_CLOEXEC
  if (s >= 0)
    (void)fcntl(s, F_SETFD, FD_CLOEXEC);
#endif
  *os_error = s < 0 ? errno : 0;
  return s;
}


int socket_close (curl_socket_t s) {
  return close(s);
}


/* The bytes go first: while there are some, libcurl takes it for alive. */
void socket_drop (curl_socket_t s) {
  char bytes[4096];
  shutdown(s, SHUT_RDWR);
  while (recv(s, bytes, sizeof(bytes), MSG_DONTWAIT) > 0)
    continue;
}


int socket_has_news (curl_socket_t s) {
  struct pollfd one;
  one.fd = s;
  one.events = POLLIN;
  return poll(&one, 1, 0) > 0;
}


int socket_errno (long error) {
  return (int)error;
}

#endif
