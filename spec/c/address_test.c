/* SPDX-License-Identifier: MIT
**
** Unit tests of src/http/address.c: the ends of each block, and the spellings
** of a host.
*/

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "address.h"
#include "check.h"

#define P ADDRESS_PUBLIC
#define L ADDRESS_LOOPBACK
#define S ADDRESS_SPECIAL
#define N ADDRESS_NONE

static const struct {
  const char *text;
  enum address_kind kind;
} hosts[] = {
  {"8.8.8.8", P},
  {"1.0.0.0", P},
  {"9.255.255.255", P},
  {"11.0.0.0", P},
  {"100.63.255.255", P},
  {"100.128.0.0", P},
  {"126.255.255.255", P},
  {"128.0.0.0", P},
  {"169.253.255.255", P},
  {"169.255.0.0", P},
  {"172.15.255.255", P},
  {"172.32.0.0", P},
  {"192.0.1.0", P},
  {"192.167.255.255", P},
  {"192.169.0.0", P},
  {"198.17.255.255", P},
  {"198.20.0.0", P},
  {"223.255.255.255", P},
  {"127.0.0.0", L},
  {"127.0.0.1", L},
  {"127.255.255.255", L},
  {"0.0.0.0", L},
  {"0.0.0.1", S},
  {"0.255.255.255", S},
  {"10.0.0.0", S},
  {"10.255.255.255", S},
  {"100.64.0.0", S},
  {"100.127.255.255", S},
  {"169.254.0.0", S},
  {"169.254.169.254", S},
  {"172.16.0.0", S},
  {"172.31.255.255", S},
  {"192.0.0.8", S},
  {"192.0.2.1", S},
  {"192.168.0.0", S},
  {"192.168.255.255", S},
  {"198.18.0.0", S},
  {"198.19.255.255", S},
  {"198.51.100.7", S},
  {"203.0.113.7", S},
  {"224.0.0.1", S},
  {"240.0.0.1", S},
  {"255.255.255.255", S},

  {"2600::1", P},
  {"2a00:1450:4001::1", P},
  {"3fff:1000::1", P},
  {"2001:200::1", P},
  {"64:ff9b::8.8.8.8", P},
  {"::1", L},
  {"::", L},
  {"[::1]", L},
  {"::2", S},
  {"::8.8.8.8", S},
  {"::ffff:8.8.8.8", S},
  {"::ffff:127.0.0.1", S},
  {"64:ff9b::7f00:1", S},
  {"64:ff9b::10.0.0.1", S},
  {"64:ff9b::", S},
  {"64:ff9b:1::8.8.8.8", S},
  {"100::1", S},
  {"2001::1", S},
  {"2001:db8::1", S},
  {"2002:808:808::1", S},
  {"3fff::1", S},
  {"4000::1", S},
  {"fc00::1", S},
  {"fdff::1", S},
  {"fe80::1", S},
  {"[fe80::1%25eth0]", S},
  {"fec0::1", S},
  {"ff02::1", S},

  {"", N},
  {"localhost", N},
  {"127.1", N},
  {"1.2.3.4.5", N},
  {"[::1", N},
  {"10.0.0.1.example", N},
  {"a-name-that-is-longer-than-any-address-of-this-world-can-ever-be.org", N},
};


static void test_texts (void) {
  size_t i;
  for (i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++)
    CHECK_SAYS(address_kind_of_text(hosts[i].text, strlen(hosts[i].text))
                 == hosts[i].kind,
               "%s is of another kind", hosts[i].text);
  CHECK(address_kind_of_text("127.0.0.1:80", 9) == ADDRESS_LOOPBACK);
}


static const struct sockaddr *make4 (struct sockaddr_in *in, const char *text) {
  memset(in, 0, sizeof(*in));
  in->sin_family = AF_INET;
  CHECK(inet_pton(AF_INET, text, &in->sin_addr) == 1);
  return (const struct sockaddr *)in;
}


static const struct sockaddr *make6 (struct sockaddr_in6 *in6,
                                     const char *text) {
  memset(in6, 0, sizeof(*in6));
  in6->sin6_family = AF_INET6;
  CHECK(inet_pton(AF_INET6, text, &in6->sin6_addr) == 1);
  return (const struct sockaddr *)in6;
}


static void test_sockets (void) {
  struct sockaddr_in in;
  struct sockaddr_in6 in6;
  struct sockaddr other;
  memset(&other, 0, sizeof(other));
  other.sa_family = AF_UNIX;
  CHECK(address_kind(make4(&in, "10.0.0.1")) == ADDRESS_SPECIAL);
  CHECK(address_kind(make6(&in6, "2600::1")) == ADDRESS_PUBLIC);
  CHECK(address_kind(&other) == ADDRESS_NONE);
  CHECK(address_is_loopback(make4(&in, "127.9.9.9")));
  CHECK(address_is_loopback(make4(&in, "0.0.0.0")));
  CHECK(address_is_loopback(make6(&in6, "::1")));
  CHECK(address_is_loopback(make6(&in6, "::ffff:127.0.0.1")));
  CHECK(!address_is_loopback(make6(&in6, "::ffff:10.0.0.1")));
  CHECK(!address_is_loopback(make6(&in6, "fe80::127.0.0.1")));
  CHECK(!address_is_loopback(make4(&in, "10.0.0.1")));
  CHECK(!address_is_loopback(&other));
}


int main (void) {
  test_texts();
  test_sockets();
  return check_end();
}
