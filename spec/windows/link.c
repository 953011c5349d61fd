/* SPDX-License-Identifier: MIT
**
** link: how specs that run under Wine speak to spec/windows/relay.lua, which
** runs on Linux beside them: messages over one connection. Each has its length
** before it, as ten digits.
*/

#include <winsock2.h>
#include <windows.h>
#include <stdio.h>
#include <stdlib.h>

#include "compat.h"

#define DIGITS 10

static SOCKET relay = INVALID_SOCKET;


/* link.connect(port). */
static int link_connect (lua_State *L) {
  struct sockaddr_in address;
  WSADATA data;
  memset(&address, 0, sizeof(address));
  address.sin_family = AF_INET;
  address.sin_port = htons((u_short)luaL_checkinteger(L, 1));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (WSAStartup(MAKEWORD(2, 2), &data) != 0)
    return luaL_error(L, "no sockets");
  relay = socket(AF_INET, SOCK_STREAM, 0);
  if (connect(relay, (struct sockaddr *)&address, sizeof(address)) != 0)
    return luaL_error(L, "no relay: error %d", WSAGetLastError());
  return 0;
}


static void send_all (lua_State *L, const char *data, size_t n) {
  while (n > 0) {
    int sent = send(relay, data, n > 65536 ? 65536 : (int)n, 0);
    if (sent <= 0)
      luaL_error(L, "the relay is gone");
    data += sent;
    n -= (size_t)sent;
  }
}


static void receive_all (lua_State *L, char *out, size_t n) {
  while (n > 0) {
    int got = recv(relay, out, n > 65536 ? 65536 : (int)n, 0);
    if (got <= 0)
      luaL_error(L, "the relay is gone");
    out += got;
    n -= (size_t)got;
  }
}


/* link.ask(message): the message that answers it. */
static int link_ask (lua_State *L) {
  char digits[DIGITS + 1];
  char *answer;
  size_t n;
  const char *message = luaL_checklstring(L, 1, &n);
  snprintf(digits, sizeof(digits), "%0*lu", DIGITS, (unsigned long)n);
  send_all(L, digits, DIGITS);
  send_all(L, message, n);
  receive_all(L, digits, DIGITS);
  digits[DIGITS] = '\0';
  n = strtoul(digits, NULL, 10);
  answer = (char *)lua_newuserdata(L, n + 1);
  receive_all(L, answer, n);
  lua_pushlstring(L, answer, n);
  return 1;
}


/* link.now(): seconds on a clock that only goes forward. */
static int link_now (lua_State *L) {
  lua_pushnumber(L, (lua_Number)GetTickCount64() / 1000);
  return 1;
}


/* link.sleep(seconds). */
static int link_sleep (lua_State *L) {
  Sleep((DWORD)(luaL_checknumber(L, 1) * 1000));
  return 0;
}


static const luaL_Reg functions[] = {
  {"connect", link_connect}, {"ask", link_ask}, {"now", link_now},
  {"sleep", link_sleep},     {NULL, NULL},
};


COMPAT_EXPORT int luaopen_link (lua_State *L);

COMPAT_EXPORT int luaopen_link (lua_State *L) {
  luaL_newlib(L, functions);
  return 1;
}
