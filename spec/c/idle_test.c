/* SPDX-License-Identifier: MIT
**
** Unit test of idle.c.
*/

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "check.h"
#include "idle.h"

#define COUNT 20 /* so that the list grows */

static int peers[COUNT];

/* Fills the list: the socket number n has the port 1000 + n. */
static struct idle make (int *sockets) {
  struct idle i;
  int n;
  memset(&i, 0, sizeof(i));
  for (n = 0; n < COUNT; n++) {
    int pair[2];
    if (!CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0))
      break;
    sockets[n] = pair[0];
    peers[n] = pair[1];
    idle_add(&i, sockets[n], 1000 + n);
  }
  return i;
}


static void end (struct idle *i, const int *sockets) {
  int n;
  idle_free(i);
  CHECK(i->count == 0 && i->sockets == NULL);
  for (n = 0; n < COUNT; n++) {
    close(sockets[n]);
    close(peers[n]);
  }
}


static void say (int n) {
  CHECK(write(peers[n], "x", 1) == 1);
}


/* Whether the peer of a socket sees that its connection has ended. */
static int has_ended (int n) {
  char byte;
  return recv(peers[n], &byte, 1, MSG_DONTWAIT) == 0;
}


/* One is looked at when it is taken, and no other one. */
static void test_take (void) {
  int sockets[COUNT], n;
  struct idle i = make(sockets);
  CHECK(idle_take(&i, 999));
  say(3);
  for (n = 0; n < COUNT; n++) {
    CHECK(idle_take(&i, 1000 + n) == (n != 3));
    CHECK(has_ended(n) == (n == 3));
    CHECK(i.count == (unsigned)(COUNT - 1 - n));
  }
  CHECK(idle_take(&i, 1003));
  end(&i, sockets);
}


/* One that is taken out, wherever it is, is not looked at any more. */
static void test_remove (void) {
  int sockets[COUNT], n;
  struct idle i = make(sockets);
  idle_remove(&i, -1);
  CHECK(i.count == COUNT);
  for (n = 0; n < COUNT; n++) {
    say(n);
    idle_remove(&i, sockets[n]);
    CHECK(i.count == (unsigned)(COUNT - 1 - n));
    CHECK(idle_take(&i, 1000 + n));
    CHECK(!has_ended(n));
  }
  end(&i, sockets);
}


/* The first, the last and the only one. */
static void test_ends (void) {
  int sockets[COUNT], n;
  struct idle i = make(sockets);
  for (n = 1; n < COUNT - 1; n++)
    idle_remove(&i, sockets[n]);
  CHECK(i.count == 2);
  idle_remove(&i, sockets[0]);
  CHECK(i.count == 1 && i.sockets[0].socket == sockets[COUNT - 1]);
  say(COUNT - 1);
  CHECK(!idle_take(&i, 1000 + COUNT - 1));
  CHECK(i.count == 0);
  end(&i, sockets);
}


int main (void) {
  test_take();
  test_remove();
  test_ends();
  return check_end();
}
