/* SPDX-License-Identifier: MIT
**
** Unit test of no_proxy.c.
*/

#include <string.h>

#include "check.h"
#include "no_proxy.h"

static const struct {
  const char *list;
  const char *host;
  int has;
} cases[] = {
  {"", "a.example", 0},
  {" ,\t,", "a.example", 0},
  {"*", "a.example", 1},
  {"*", "[::1]", 1},
  {"*.example", "a.example", 0},
  {"a.example", "a.example", 1},
  {"a.example", "A.EXAMPLE", 1},
  {"A.Example.", "a.example", 1},
  {"a.example", "a.example.", 1},
  {"example", "a.example", 1},
  {".example", "a.example", 1},
  {".example", "example", 1},
  {"ample", "a.example", 0},
  {"a.example", "ba.example", 0},
  {"b.a.example", "a.example", 0},
  {"x,y\tz, a.example ,w", "a.example", 1},
  {"x y a.example", "a.example", 1},
  {".", "a.example", 0},
  {".", "a..", 0},
  {"..", "a.example", 0},
  {"192.0.2.9", "192.0.2.9", 1},
  {"192.0.2.9", "192.0.2.90", 0},
  {"2.9", "192.0.2.9", 0},
  {"192.0.2", "192.0.2.9", 0},
  {"192.0.2.0/24", "192.0.2.9", 1},
  {"192.0.3.0/24", "192.0.2.9", 0},
  {"192.0.2.8/29", "192.0.2.15", 1},
  {"192.0.2.8/29", "192.0.2.16", 0},
  {"192.0.2.9/32", "192.0.2.9", 1},
  {"192.0.2.8/32", "192.0.2.9", 0},
  {"192.0.2.9/33", "192.0.2.9", 0},
  {"192.0.2.9/", "192.0.2.9", 0},
  {"192.0.2.9/-1", "192.0.2.9", 0},
  {"192.0.2.9/24x", "192.0.2.9", 0},
  {"0.0.0.0/0", "192.0.2.9", 1},
  {"192.0.2.0/24", "a.example", 0},
  {"192.0.2.0/24", "[2001:db8::9]", 0},
  {"2001:db8::9", "[2001:db8::9]", 1},
  {"[2001:db8::9]", "[2001:DB8:0::9]", 1},
  {"2001:db8::/32", "2001:db8::9", 1},
  {"2001:db9::/32", "[2001:db8::9]", 0},
  {"2001:db8::/128", "[2001:db8::9]", 0},
};


static void test_long (void) {
  char text[1024];
  memset(text, 'a', sizeof(text));
  text[sizeof(text) - 1] = '\0';
  CHECK(!no_proxy_has(text, "a"));
  CHECK(!no_proxy_has("a", text));
  memcpy(text + sizeof(text) - 3, ",b", 3);
  CHECK(no_proxy_has(text, "b"));
}


int main (void) {
  size_t i;
  for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
    CHECK(no_proxy_has(cases[i].list, cases[i].host) == cases[i].has);
  CHECK(!no_proxy_has(NULL, "a.example"));
  test_long();
  return check_end();
}
