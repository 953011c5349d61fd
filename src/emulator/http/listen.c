/* SPDX-License-Identifier: MIT
**
** listen: see listen.h. It is done here and not by libmicrohttpd for the sake
** of the errors: that tells only that something failed.
*/

#include "listen.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sqlite3.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BACKLOG 512

static int open_address (const struct addrinfo *address) {
  int one = 1, saved;
  int fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0)
    return -1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
  if (bind(fd, address->ai_addr, address->ai_addrlen) == 0
      && listen(fd, BACKLOG) == 0)
    return fd;
  saved = errno;
  close(fd);
  errno = saved;
  return -1;
}

static int port_of (int fd) {
  struct sockaddr_storage a;
  socklen_t size = sizeof(a);
  if (getsockname(fd, (struct sockaddr *)&a, &size) != 0)
    return 0;
  return ntohs(a.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&a)->sin6_port
                                       : ((struct sockaddr_in *)&a)->sin_port);
}

/* The URL that reaches the socket from this machine. */
static char *make_url (const char *host, int port) {
  if (strcmp(host, "0.0.0.0") == 0)
    host = "127.0.0.1";
  else if (strcmp(host, "::") == 0)
    host = "::1";
  return sqlite3_mprintf(
    strchr(host, ':') != NULL ? "http://[%s]:%d" : "http://%s:%d", host, port);
}

int listen_open (const char *host, int port, char **url, char **why) {
  struct addrinfo hints, *addresses = NULL, *a;
  char service[16];
  int fd = -1, code;
  memset(&hints, 0, sizeof(hints));
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  sqlite3_snprintf(sizeof(service), service, "%d", port);
  code = getaddrinfo(host, service, &hints, &addresses);
  if (code != 0) {
    *why = sqlite3_mprintf("cannot listen on %s: %s", host, gai_strerror(code));
    return -1;
  }
  for (a = addresses; a != NULL && fd < 0; a = a->ai_next)
    fd = open_address(a);
  if (fd < 0)
    *why = sqlite3_mprintf("cannot listen on %s port %d: %s", host, port,
                           strerror(errno));
  else
    *url = make_url(host, port_of(fd));
  freeaddrinfo(addresses);
  return fd;
}
