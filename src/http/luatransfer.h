/* SPDX-License-Identifier: MIT
**
** luatransfer: the type of transfers, which luastart.c makes and luatransfer.c
** reads. Its value (user value, environment) is a table, which it shares with
** its objects and with other transfers of the session: at [1] their owner;
** further on the session, which so outlives it, and the type of the objects.
*/

#ifndef lipsync_luatransfer_h
#define lipsync_luatransfer_h

#include "luahttp.h"

extern const char transfer_type[];

enum slot { SLOT_OWNER = 1, SLOT_SESSION, SLOT_METATABLE, SLOT_TYPE };

struct transfer {
  struct response response; /* its exchange is NULL once closed */
  const struct capi *capi;
  const struct object_type *type; /* of the objects that next gives */
  struct {
    double ends;   /* of the time slice */
    double at;     /* when so many bytes began, */
    uint64_t from; /* and how far the objects were read then */
    int is_slow;   /* the loop, before that: see LOOK_TIME */
  } slice;
};

#endif
