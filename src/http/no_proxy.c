/* SPDX-License-Identifier: MIT
**
** no_proxy: see no_proxy.h.
*/

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "inet.h"
#include "no_proxy.h"

#define ENTRY_MAX 256 /* longer than any name or address */

/* An address as its bits; 'length' is 0 for what is none. */
struct address {
  unsigned char bytes[16];
  unsigned length;
};


/* As in ASCII: names are not of the locale's language. */
static int to_lower (int c) {
  return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c;
}


static int is_equal (const char *a, const char *b) {
  while (*a != '\0'
         && to_lower((unsigned char)*a) == to_lower((unsigned char)*b))
    a++, b++;
  return *a == *b;
}


/* Copies 'n' bytes of an entry or host: a name without dots at its ends, or an
** address without brackets. Too long a text becomes "". */
static void take (char *out, const char *text, size_t n) {
  if (n > 0 && (*text == '.' || *text == '['))
    text++, n--;
  if (n > 0 && (text[n - 1] == '.' || text[n - 1] == ']'))
    n--;
  if (n >= ENTRY_MAX)
    n = 0;
  memcpy(out, text, n);
  out[n] = '\0';
}


static struct address to_address (const char *text) {
  struct address a;
  a.length = 0;
  if (inet_pton(AF_INET, text, a.bytes) == 1)
    a.length = 4;
  else if (inet_pton(AF_INET6, text, a.bytes) == 1)
    a.length = 16;
  return a;
}


/* Whether the first 'bits' of both are equal. */
static int share_bits (const struct address *a, const struct address *b,
                       unsigned bits) {
  unsigned whole = bits / 8, rest = bits % 8;
  return memcmp(a->bytes, b->bytes, whole) == 0
         && (rest == 0
             || (a->bytes[whole] ^ b->bytes[whole]) >> (8 - rest) == 0);
}


/* How many bits of a network's address count; more than any for nonsense. */
static unsigned long to_bits (const char *text) {
  char *end;
  unsigned long bits = strtoul(text, &end, 10);
  return *text >= '0' && *text <= '9' && *end == '\0' ? bits : 1000;
}


/* Whether an entry is the address 'host', or a network that has it. */
static int covers (char *entry, const struct address *host) {
  char *slash = strchr(entry, '/');
  unsigned long bits = 8ul * host->length;
  struct address network;
  if (slash != NULL) {
    *slash = '\0';
    bits = to_bits(slash + 1);
  }
  network = to_address(entry);
  return network.length == host->length && bits <= 8ul * host->length
         && share_bits(&network, host, (unsigned)bits);
}


/* Whether an entry is the name 'host', or one that it is below. */
static int is_above (const char *entry, const char *host) {
  size_t n = strlen(entry), length = strlen(host);
  if (n == 0 || n > length)
    return 0;
  return is_equal(entry, host + (length - n))
         && (n == length || host[length - n - 1] == '.');
}


int no_proxy_has (const char *list, const char *host) {
  static const char between[] = ", \t";
  char name[ENTRY_MAX], entry[ENTRY_MAX];
  struct address address;
  if (list == NULL)
    return 0;
  if (strcmp(list, "*") == 0)
    return 1;
  take(name, host, strlen(host));
  address = to_address(name);
  for (list += strspn(list, between); *list != '\0';
       list += strspn(list, between)) {
    size_t n = strcspn(list, between);
    take(entry, list, n);
    list += n;
    if (address.length > 0 ? covers(entry, &address) : is_above(entry, name))
      return 1;
  }
  return 0;
}
