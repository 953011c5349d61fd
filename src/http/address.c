/* SPDX-License-Identifier: MIT
**
** address: see address.h.
*/

#include <stdint.h>
#include <string.h>

#include "address.h"
#include "inet.h"

#define TEXT_MAX 64 /* longer than any address */

/* A block of addresses: the first bytes of its network, and how many bits. */
struct block {
  unsigned char bytes[4];
  unsigned bits;
};

/* What of IPv4 is no public unicast address, by the registry for special
** purposes (RFC 6890), without 127.0.0.0/8. */
static const struct block special4[] = {
  {{0}, 8},
  {{10}, 8},
  {{100, 64}, 10},
  {{169, 254}, 16},
  {{172, 16}, 12},
  {{192, 0, 0}, 24},
  {{192, 0, 2}, 24},
  {{192, 168}, 16},
  {{198, 18}, 15},
  {{198, 51, 100}, 24},
  {{203, 0, 113}, 24},
  {{224}, 3},
};

/* The same inside of 2000::/3, outside of which nothing is public: protocols
** (Teredo among them), documentation, 6to4. */
static const struct block special6[] = {
  {{0x20, 0x01, 0x00}, 23},
  {{0x20, 0x01, 0x0d, 0xb8}, 32},
  {{0x20, 0x02}, 16},
  {{0x3f, 0xff, 0x00}, 20},
};

static const struct block global6 = {{0x20}, 3};

/* How a network of IPv6 alone reaches IPv4 (RFC 6052), 96 bits. */
static const unsigned char translated6[12] = {0x00, 0x64, 0xff, 0x9b};


static uint32_t first_bits (const unsigned char *bytes, unsigned bits) {
  uint32_t value = (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16
                   | (uint32_t)bytes[2] << 8 | (uint32_t)bytes[3];
  return value >> (32 - bits);
}


static int is_in (const unsigned char *bytes, const struct block *block) {
  return first_bits(bytes, block->bits)
         == first_bits(block->bytes, block->bits);
}


static int is_in_any (const unsigned char *bytes, const struct block *blocks,
                      size_t n) {
  size_t i;
  for (i = 0; i < n; i++)
    if (is_in(bytes, &blocks[i]))
      return 1;
  return 0;
}


static enum address_kind kind_of_4 (const unsigned char *bytes) {
  static const unsigned char unspecified[4];
  if (bytes[0] == 127 || memcmp(bytes, unspecified, 4) == 0)
    return ADDRESS_LOOPBACK;
  return is_in_any(bytes, special4, sizeof(special4) / sizeof(special4[0]))
           ? ADDRESS_SPECIAL
           : ADDRESS_PUBLIC;
}


/* A translated address is what it stands for, since a network without IPv4
** gives each server such a one. But it never stands for this machine. */
static enum address_kind kind_of_6 (const struct in6_addr *in6) {
  const unsigned char *bytes = in6->s6_addr;
  if (IN6_IS_ADDR_LOOPBACK(in6) || IN6_IS_ADDR_UNSPECIFIED(in6))
    return ADDRESS_LOOPBACK;
  if (memcmp(bytes, translated6, sizeof(translated6)) == 0)
    return kind_of_4(bytes + 12) == ADDRESS_PUBLIC ? ADDRESS_PUBLIC
                                                   : ADDRESS_SPECIAL;
  if (!is_in(bytes, &global6)
      || is_in_any(bytes, special6, sizeof(special6) / sizeof(special6[0])))
    return ADDRESS_SPECIAL;
  return ADDRESS_PUBLIC;
}


enum address_kind address_kind (const struct sockaddr *address) {
  if (address->sa_family == AF_INET) {
    struct sockaddr_in in;
    memcpy(&in, address, sizeof(in));
    return kind_of_4((const unsigned char *)&in.sin_addr);
  }
  if (address->sa_family == AF_INET6) {
    struct sockaddr_in6 in6;
    memcpy(&in6, address, sizeof(in6));
    return kind_of_6(&in6.sin6_addr);
  }
  return ADDRESS_NONE;
}


enum address_kind address_kind_of_text (const char *text, size_t n) {
  char copy[TEXT_MAX];
  struct in_addr in;
  struct in6_addr in6;
  if (n > 1 && text[0] == '[' && text[n - 1] == ']') {
    text++;
    n -= 2;
  }
  if (n >= sizeof(copy))
    return ADDRESS_NONE;
  memcpy(copy, text, n);
  copy[n] = '\0';
  copy[strcspn(copy, "%")] = '\0';
  if (inet_pton(AF_INET, copy, &in) == 1)
    return kind_of_4((const unsigned char *)&in);
  return inet_pton(AF_INET6, copy, &in6) == 1 ? kind_of_6(&in6) : ADDRESS_NONE;
}


int address_is_loopback (const struct sockaddr *address) {
  struct sockaddr_in6 in6;
  if (address_kind(address) == ADDRESS_LOOPBACK)
    return 1;
  if (address->sa_family != AF_INET6)
    return 0;
  memcpy(&in6, address, sizeof(in6));
  return IN6_IS_ADDR_V4MAPPED(&in6.sin6_addr)
         && in6.sin6_addr.s6_addr[12] == 127;
}
