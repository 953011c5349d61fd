/* SPDX-License-Identifier: MIT
**
** host: see host.h. Names are compared by ASCII and not by the locale.
*/

#include "host.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <sqlite3.h>
#include <string.h>
#include <unistd.h>

#define NAME_SIZE 256
#define BELOW     ".localhost"
#define MAPPED    "::ffff:" /* an IPv4 address as one of IPv6 */

/* Writes an address as a number; as IPv4, if it is one. Returns 'out'. */
static const char *write_address (const struct sockaddr *address,
                                  socklen_t size, char out[NAME_SIZE]) {
  if (getnameinfo(address, size, out, NAME_SIZE, NULL, 0, NI_NUMERICHOST) != 0)
    *out = '\0';
  return strncmp(out, MAPPED, strlen(MAPPED)) == 0 ? out + strlen(MAPPED) : out;
}

/* Also of one that stands for every address: it connects to this machine. */
static int is_loopback (const char *text) {
  struct in_addr a;
  if (inet_aton(text, &a))
    return ntohl(a.s_addr) >> 24 == 127 || a.s_addr == 0;
  return strcmp(text, "::1") == 0 || strcmp(text, "::") == 0;
}

int host_is_loopback (const struct sockaddr *address) {
  char text[NAME_SIZE];
  return is_loopback(write_address(address,
                                   address->sa_family == AF_INET6
                                     ? sizeof(struct sockaddr_in6)
                                     : sizeof(struct sockaddr_in),
                                   text));
}

int host_is_localhost (const char *name) {
  size_t length = strlen(name), below = strlen(BELOW);
  return sqlite3_stricmp(name, BELOW + 1) == 0
         || (length > below
             && sqlite3_stricmp(name + length - below, BELOW) == 0);
}

int host_names_loopback (const char *name) {
  char address[NAME_SIZE];
  size_t length = strlen(name);
  if (*name != '[' || length >= sizeof(address))
    return host_is_localhost(name) || is_loopback(name);
  sqlite3_snprintf((int)length - 1, address, "%s", name + 1);
  return is_loopback(address);
}

/* Whether it is the address of the socket. */
static int is_own_address (const char *text, int fd) {
  struct sockaddr_storage own;
  struct sockaddr *address = (struct sockaddr *)&own;
  socklen_t size = sizeof(own);
  char buffer[NAME_SIZE];
  return getsockname(fd, address, &size) == 0
         && strcmp(text, write_address(address, size, buffer)) == 0;
}

static int is_own_name (const char *name, const char *listening) {
  char machine[NAME_SIZE] = "";
  gethostname(machine, sizeof(machine) - 1);
  return host_is_localhost(name) || sqlite3_stricmp(name, listening) == 0
         || sqlite3_stricmp(name, machine) == 0;
}

int host_is_ours (const char *header, const char *listening, int fd) {
  char name[NAME_SIZE];
  int bracketed;
  size_t length;
  if (header == NULL)
    return 1;
  bracketed = *header == '[';
  header += bracketed;
  length = strcspn(header, bracketed ? "]%" : ":"); /* zone and port go */
  if (length > 0 && header[length - 1] == '.')
    length--;
  if (length == 0 || length >= sizeof(name))
    return 0;
  memcpy(name, header, length);
  name[length] = '\0';
  return is_own_name(name, listening) || is_loopback(name)
         || is_own_address(name, fd);
}
