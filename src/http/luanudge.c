/* SPDX-License-Identifier: MIT
**
** luanudge: has the collector find transfers that were abandoned. It does not
** see C memory: such a transfer is small to it, whatever it holds.
*/

#include "luahttp.h"
#include "platform.h"

/* How much there may be before a new transfer moves the collector on. */
#define NUDGE_TRANSFERS 64
#define NUDGE_BYTES     (8u * 1024 * 1024) /* of responses */

#define GC_TIME 0.5e-3 /* seconds of the collector at a start, see below */

void nudge_init (struct nudge *nudge) {
  memset(nudge, 0, sizeof(*nudge));
  nudge->transfers = NUDGE_TRANSFERS;
  nudge->bytes = NUDGE_BYTES;
}


/* Whether there is nothing at [1] of the table at the top. */
static int is_collected (lua_State *L) {
  int is;
  lua_rawgeti(L, -1, 1);
  is = lua_isnil(L, -1);
  lua_pop(L, 1);
  return is;
}


/* Runs a few steps of the collector. Whether they have ended a cycle that knew
** of what was dropped before: by its own word, if something dropped earlier was
** collected since the last end (a cycle that had looked by then takes it for
** used); or, of a generational collector, which gives no word, where two on end
** have each collected something. The session is at 1. */
static int collect (lua_State *L, struct nudge *nudge) {
  int is_end, is_gone, n = COMPAT_GC_GROUP;
  compat_getslot(L, 1); /* a table of weak values */
  if (is_collected(L)) {
    lua_newtable(L);
    lua_rawseti(L, -2, 1);
  }
  do {
    is_end = lua_gc(L, LUA_GCSTEP, 0) > 0;
    is_gone = is_collected(L);
  } while (!is_end && !is_gone && --n > 0);
  lua_pop(L, 1);
  if (is_gone) {
    nudge->has_seen = 1;
    nudge->young = 0;
  }
  nudge->collected = is_gone && !is_end ? nudge->collected + 1 : 0;
  is_end = is_end && nudge->has_seen;
  nudge->has_seen &= !is_end;
  return is_end || nudge->collected >= 2;
}


/* Twice of what is in use, but no less than 'least'. */
static size_t allow (size_t used, size_t least) {
  return used < least / 2 ? least : 2 * used;
}


/* At the end of a cycle. Transfers that were started since it has looked are
** left out: it had to take them for used. */
static void set_allowed (const struct http_session *http, struct nudge *nudge) {
  size_t all = http_count(http), held = http_held(http);
  size_t old = all > nudge->young ? all - nudge->young : 0;
  nudge->transfers = allow(old, NUDGE_TRANSFERS);
  nudge->bytes = allow(all > 0 ? held / all * old : 0, NUDGE_BYTES);
}


/* Where there are more transfers than are allowed, or they hold more, each new
** one moves the collector on, the further the more that is: not for long where
** there are only many, which may all be in use, since a frame of the program
** waits for it. At the end of a cycle it is known how much is in use, and twice
** as much is allowed. Not in a large step: what the collector looks through is
** the program's. */
void nudge_collector (lua_State *L, struct http_session *const *http,
                      struct nudge *nudge) {
  size_t many = http_count(*http) / nudge->transfers;
  size_t much = http_held(*http) / nudge->bytes;
  size_t steps = (many + much) * COMPAT_GC_STEPS;
  double most = GC_TIME * (double)(1 + many / 8 + 4 * much);
  double ends = steps == 0 ? 0 : platform_worked() + most;
  nudge->young++;
  for (; steps > 0 && *http != NULL && platform_worked() < ends; steps--)
    if (collect(L, nudge) && *http != NULL) {
      set_allowed(*http, nudge);
      return;
    }
}
