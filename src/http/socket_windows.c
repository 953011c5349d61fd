/* SPDX-License-Identifier: MIT
**
** socket_windows: socket.h for Windows.
*/

#include "socket.h"

#if defined(_WIN32)

#include "platform_windows.h"


curl_socket_t socket_open (int family, int type, int protocol, int *os_error) {
  SOCKET s = WSASocketW(family, type, protocol, NULL, 0,
                        WSA_FLAG_OVERLAPPED | WSA_FLAG_NO_HANDLE_INHERIT);
  *os_error = s == INVALID_SOCKET ? socket_errno(WSAGetLastError()) : 0;
  return s;
}


int socket_close (curl_socket_t s) {
  return closesocket(s);
}


/* The bytes go first: while there are some, libcurl takes it for alive. It has
** made the socket one that does not wait. */
void socket_drop (curl_socket_t s) {
  char bytes[4096];
  shutdown(s, SD_BOTH);
  while (recv(s, bytes, sizeof(bytes), 0) > 0)
    continue;
}


int socket_has_news (curl_socket_t s) {
  WSAPOLLFD one;
  one.fd = s;
  one.events = POLLIN;
  return WSAPoll(&one, 1, 0) > 0;
}


int socket_errno (long error) {
  return platform_errno((DWORD)error);
}

#endif
