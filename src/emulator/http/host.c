/* SPDX-License-Identifier: MIT
**
** host: see host.h. Names are compared by ASCII and not by the locale.
*/

#include "host.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sqlite3.h>
#include <string.h>
#include <unistd.h>

#define NAME_SIZE 256
#define BELOW     ".localhost"

/* ---- Addresses: all as IPv6, those of IPv4 mapped ---- */

static void map_ipv4 (const struct in_addr *from, struct in6_addr *to) {
  memset(to, 0, sizeof(*to));
  memset(to->s6_addr + 10, 0xFF, 2);
  memcpy(to->s6_addr + 12, from, 4);
}

static int address_of (const struct sockaddr *from, struct in6_addr *to) {
  if (from->sa_family == AF_INET)
    map_ipv4(&((const struct sockaddr_in *)from)->sin_addr, to);
  else if (from->sa_family == AF_INET6)
    *to = ((const struct sockaddr_in6 *)from)->sin6_addr;
  else
    return 0;
  return 1;
}

/* Whether it is a loopback address. With 'any', also one that stands for every
** address, which connects to this machine. */
static int is_loopback (const struct in6_addr *a, int any) {
  if (IN6_IS_ADDR_V4MAPPED(a))
    return a->s6_addr[12] == 127
           || (any && memcmp(a->s6_addr + 12, "\0\0\0\0", 4) == 0);
  return IN6_IS_ADDR_LOOPBACK(a) || (any && IN6_IS_ADDR_UNSPECIFIED(a));
}

int host_is_loopback (const struct sockaddr *address) {
  struct in6_addr a;
  return address_of(address, &a) && is_loopback(&a, 0);
}

static int is_own_address (const char *text, int fd) {
  struct sockaddr_storage own;
  socklen_t size = sizeof(own);
  struct in_addr ipv4;
  struct in6_addr a, b;
  if (inet_aton(text, &ipv4))
    map_ipv4(&ipv4, &a);
  else if (inet_pton(AF_INET6, text, &a) != 1)
    return 0;
  return is_loopback(&a, 1)
         || (getsockname(fd, (struct sockaddr *)&own, &size) == 0
             && address_of((struct sockaddr *)&own, &b)
             && memcmp(&a, &b, sizeof(a)) == 0);
}

/* ---- Names ---- */

static int is_own_name (const char *name, const char *listening) {
  char machine[NAME_SIZE] = "";
  size_t length = strlen(name), below = strlen(BELOW);
  gethostname(machine, sizeof(machine) - 1);
  return sqlite3_stricmp(name, BELOW + 1) == 0
         || sqlite3_stricmp(name, listening) == 0
         || sqlite3_stricmp(name, machine) == 0
         || (length > below
             && sqlite3_stricmp(name + length - below, BELOW) == 0);
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
  return is_own_name(name, listening) || is_own_address(name, fd);
}
