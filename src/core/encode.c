/* SPDX-License-Identifier: MIT
**
** encode: JSON text of Lua values. Tables are read raw, and no Lua object is
** made meanwhile, so no metamethod or finalizer can change a table that is
** being read. Most values need so little room that the C stack has it. Else a
** userdata owns the C memory, because Lua may run out of memory.
*/

#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>

#include "core.h"
#include "json_write.h"

static const char encoder_type[] = "lipsync.Encoder";

#define CEILING     (16 * 1024 * 1024) /* bytes of text if none is given */
#define PATH_LENGTH 200                /* bytes of a path in a message */

#define SHORT_TEXT  1024 /* bytes on the C stack, */
#define SHORT_NAMES 24   /* and names */

/* In their order on the stack. KEYS is a table, which holds the names of the
** open objects; where there is room for a short value only, they are on the
** stack themselves, from SHORT_KEYS on. After them come the open tables, then
** the value at hand. */
enum { VALUE = 1, LIMIT, ENCODER, KEYS, SHORT_KEYS = ENCODER };

/* A member's name. 'text' is that of the 'key'th string of the names. */
struct name {
  const char *text;
  size_t length;
  int key;
};

/* What has to be freed, but for a short value. */
struct encoder {
  struct buf text;
  struct name *names; /* of the open objects, the innermost one's last */
  unsigned count, capacity;
};

/* A table that is open: 'next' of 'count' members were begun. */
struct level {
  int is_array;
  unsigned count, next;
  unsigned first; /* an object: its first name in 'names' */
};

struct walk {
  lua_State *L;
  struct encoder *e;
  int is_short;      /* it has no more room than there is, and no words */
  const void *array; /* the metatable that marks arrays */
  unsigned depth;    /* open tables; later, those that the path names */
  struct level levels[JSON_DEPTH_MAX];
};

/* What the keys of a table are. */
struct keys {
  unsigned names;
  unsigned elements;  /* whole numbers from 1 on */
  lua_Number largest; /* of those */
  int others;         /* other numbers */
};


/* ---- Failures ---- */

/* Pushes what is wrong with the current value. Returns 0, which means failure
** in all callers; 1 is success. */
static int fail (struct walk *w, const char *format, ...) {
  va_list arguments;
  if (w->is_short)
    return 0; /* all is done once more */
  va_start(arguments, format);
  lua_pushvfstring(w->L, format, arguments);
  va_end(arguments);
  return 0;
}


static int check (struct walk *w, enum json_written status) {
  switch (status) {
    case JSON_W_OK: return 1;
    case JSON_W_MEMORY: return error_no_memory(w->L);
    case JSON_W_UTF8: return fail(w, "invalid UTF-8");
    case JSON_W_NUMBER: return fail(w, "not a finite number");
    default:
      w->depth = 0; /* no single value is at fault */
      return fail(w, "more than %d bytes of JSON", (int)w->e->text.ceiling);
  }
}


static int put (struct walk *w, const char *text, size_t length) {
  return check(w, json_write_text(&w->e->text, text, length));
}


static int put_byte (struct walk *w, char c) {
  struct buf *b = &w->e->text;
  char *room;
  if (buf_reserve(b, 1, &room) != BUF_OK)
    return put(w, &c, 1);
  *room = c;
  buf_added(b, 1);
  return 1;
}


/* ---- Keys ---- */

/* There are never more names than bytes of text. */
static int reserve_name (struct walk *w) {
  struct encoder *e = w->e;
  unsigned n = e->capacity == 0 ? 16 : 2 * e->capacity;
  struct name *names;
  if (e->count == e->text.ceiling)
    return check(w, JSON_W_FULL);
  if (e->count < e->capacity)
    return 1;
  if (w->is_short)
    return 0;
  names = (struct name *)realloc(e->names, n * sizeof(*names));
  if (names == NULL)
    error_no_memory(w->L);
  e->names = names;
  e->capacity = n;
  return 1;
}


/* Keeps the name at -2. */
static int add_name (struct walk *w) {
  struct encoder *e = w->e;
  struct name *n;
  if (!reserve_name(w))
    return 0;
  n = &e->names[e->count];
  n->text = lua_tolstring(w->L, -2, &n->length);
  n->key = (int)e->count++;
  lua_pushvalue(w->L, -2);
  if (w->is_short)
    lua_replace(w->L, SHORT_KEYS + n->key);
  else
    lua_rawseti(w->L, KEYS, n->key + 1);
  return 1;
}


static void push_name (struct walk *w, const struct name *n) {
  if (w->is_short)
    lua_pushvalue(w->L, SHORT_KEYS + n->key);
  else
    lua_rawgeti(w->L, KEYS, n->key + 1);
}


/* A number above UINT_MAX counts as whole: an element before it is missing. */
static void add_number (struct keys *k, lua_Number key) {
  if (key < 1 || (key <= UINT_MAX && key != (lua_Number)(unsigned)key))
    k->others = 1;
  else {
    k->elements++;
    if (key > k->largest)
      k->largest = key;
  }
}


/* Looks at all keys of the table at the top; its names are the last ones. */
static int read_keys (struct walk *w, struct keys *k) {
  lua_State *L = w->L;
  memset(k, 0, sizeof(*k));
  for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1))
    switch (lua_type(L, -2)) {
      case LUA_TSTRING:
        if (!add_name(w))
          return 0;
        k->names++;
        break;
      case LUA_TNUMBER: add_number(k, lua_tonumber(L, -2)); break;
      default:
        return fail(w, "cannot write a key of type %s", luaL_typename(L, -2));
    }
  return 1;
}


/* Reports the first missing element of the table at the top. */
static int fail_missing (struct walk *w) {
  int n = 0, is_missing;
  do {
    lua_rawgeti(w->L, -1, ++n);
    is_missing = lua_isnil(w->L, -1);
    lua_pop(w->L, 1);
  } while (!is_missing);
  return fail(w, "element %d is missing (lipsync.null stands for null)", n);
}


static int check_keys (struct walk *w, const struct keys *k, int is_array) {
  if (k->others)
    return fail(w,
                "cannot write a key that is neither a name nor a whole "
                "number from 1 on");
  if (is_array && k->names > 0)
    return fail(w, "cannot write an array with names among its keys");
  if (k->largest > k->elements)
    return fail_missing(w);
  return 1;
}


static int compare_names (const void *a, const void *b) {
  const struct name *x = (const struct name *)a, *y = (const struct name *)b;
  int order = memcmp(x->text, y->text,
                     x->length < y->length ? x->length : y->length);
  return order != 0 ? order : (x->length > y->length) - (x->length < y->length);
}


/* ---- Values ---- */

/* Whether the table at the top is marked as an array. Any other metatable is
** refused, because its members may not be in the table. */
static int read_mark (struct walk *w, int *is_array) {
  *is_array = 0;
  if (!lua_getmetatable(w->L, -1))
    return 1;
  *is_array = lua_topointer(w->L, -1) == w->array;
  lua_pop(w->L, 1);
  return *is_array || fail(w, "cannot write a table with a metatable");
}


/* Begins the table at the top, which becomes the innermost level. */
static int open_table (struct walk *w) {
  struct level *l = &w->levels[w->depth];
  struct keys keys;
  if (w->depth == JSON_DEPTH_MAX)
    return fail(w, "nested more than %d deep; does a table hold itself?",
                JSON_DEPTH_MAX);
  luaL_checkstack(w->L, 4, "nested too deeply");
  l->first = w->e->count;
  if (!read_mark(w, &l->is_array) || !read_keys(w, &keys))
    return 0;
  l->is_array = l->is_array || keys.elements > 0;
  if (!check_keys(w, &keys, l->is_array))
    return 0;
  if (keys.names > 1)
    qsort(w->e->names + l->first, keys.names, sizeof(struct name),
          compare_names);
  l->count = l->is_array ? keys.elements : keys.names;
  l->next = 0;
  w->depth++;
  return put_byte(w, l->is_array ? '[' : '{');
}


static int close_table (struct walk *w, const struct level *l) {
  w->e->count = l->first;
  w->depth--;
  lua_pop(w->L, 1);
  return put_byte(w, l->is_array ? ']' : '}');
}


static int write_string (struct walk *w) {
  size_t length;
  const char *text = lua_tolstring(w->L, -1, &length);
  return check(w, json_write_string(&w->e->text, text, length));
}


static int write_number (struct walk *w) {
  struct buf *b = &w->e->text;
  int64_t n;
  if (compat_toint64(w->L, -1, &n))
    return check(w, json_write_integer(b, n));
  return check(w, json_write_number(b, (double)lua_tonumber(w->L, -1)));
}


/* Writes null or an object of the service; JSON has no form for others. */
static int write_other (struct walk *w) {
  size_t length;
  const char *text = object_text(w->L, &length);
  if (text != NULL)
    return put(w, text, length);
  if (lua_islightuserdata(w->L, -1) && lua_touserdata(w->L, -1) == NULL)
    return put(w, "null", 4);
  return fail(w, "cannot write a value of type %s", luaL_typename(w->L, -1));
}


/* Writes the value at the top and pops it; a table becomes one more level. */
static int write_value (struct walk *w) {
  int good;
  switch (lua_type(w->L, -1)) {
    case LUA_TTABLE: return open_table(w);
    case LUA_TSTRING: good = write_string(w); break;
    case LUA_TNUMBER: good = write_number(w); break;
    case LUA_TBOOLEAN:
      good = lua_toboolean(w->L, -1) ? put(w, "true", 4) : put(w, "false", 5);
      break;
    default: good = write_other(w);
  }
  if (good)
    lua_pop(w->L, 1);
  return good;
}


/* Pushes the next element. Its number fits an int: each element is at least a
** byte of text, and the ceiling is at most INT_MAX. */
static int next_element (struct walk *w, struct level *l) {
  lua_rawgeti(w->L, -1, (int)++l->next);
  return 1;
}


/* Writes the next member's name and pushes the value. */
static int next_member (struct walk *w, struct level *l) {
  const struct name *n = &w->e->names[l->first + l->next];
  enum json_written status = json_write_string(&w->e->text, n->text, n->length);
  if (status == JSON_W_UTF8) {
    w->depth--; /* the path ends at the object: the name is no text */
    return fail(w, "a name with invalid UTF-8");
  }
  l->next++;
  push_name(w, n);
  lua_rawget(w->L, -2);
  return check(w, status) && put_byte(w, ':');
}


/* Writes the next member of the innermost table, or its end. */
static int step (struct walk *w) {
  struct level *l = &w->levels[w->depth - 1];
  if (l->next == l->count)
    return close_table(w, l);
  if (l->next > 0 && !put_byte(w, ','))
    return 0;
  return (l->is_array ? next_element(w, l) : next_member(w, l))
         && write_value(w);
}


static int write_all (struct walk *w) {
  int good = write_value(w);
  while (good && w->depth > 0)
    good = step(w);
  return good;
}


/* ---- Where it went wrong ---- */

/* Whether the name can follow a dot. */
static int is_word (const struct name *n) {
  size_t i;
  for (i = 0; i < n->length; i++) {
    char c = n->text[i];
    if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'
          || (c >= '0' && c <= '9' && i > 0)))
      return 0;
  }
  return n->length > 0;
}


static enum json_written write_index (struct buf *path, unsigned n) {
  enum json_written status = json_write_text(path, "[", 1);
  if (status == JSON_W_OK)
    status = json_write_integer(path, n);
  return status == JSON_W_OK ? json_write_text(path, "]", 1) : status;
}


static enum json_written write_name (struct buf *path, const struct name *n) {
  enum json_written status = JSON_W_OK;
  if (is_word(n)) {
    if (path->length > 0)
      status = json_write_text(path, ".", 1);
    return status == JSON_W_OK ? json_write_text(path, n->text, n->length)
                               : status;
  }
  status = json_write_text(path, "[", 1);
  if (status == JSON_W_OK)
    status = json_write_string(path, n->text, n->length);
  return status == JSON_W_OK ? json_write_text(path, "]", 1) : status;
}


/* Writes the path to the current value as in Lua: input[2].url. */
static enum json_written write_path (struct walk *w, struct buf *path) {
  enum json_written status = JSON_W_OK;
  unsigned i;
  for (i = 0; i < w->depth && status == JSON_W_OK; i++) {
    const struct level *l = &w->levels[i];
    if (l->is_array)
      status = write_index(path, l->next);
    else
      status = write_name(path, &w->e->names[l->first + l->next - 1]);
  }
  return status;
}


/* Pushes nil and the path to the wrong value, followed by the phrase at the
** top. */
static int push_failure (struct walk *w) {
  lua_State *L = w->L;
  struct buf *path = &w->e->text;
  enum json_written status;
  luaL_checkstack(L, 4, "nested too deeply");
  if (w->depth > 0) {
    buf_free(path);
    buf_init(path, PATH_LENGTH);
    status = write_path(w, path);
    if (status == JSON_W_MEMORY)
      return error_no_memory(L);
    lua_pushlstring(L, path->length > 0 ? buf_data(path) : "", path->length);
    lua_pushstring(L, status == JSON_W_FULL ? "...: " : ": ");
    lua_pushvalue(L, -3);
    lua_concat(L, 3);
  }
  lua_pushnil(L);
  lua_insert(L, -2);
  return 2;
}


/* ---- For Lua ---- */

static void encoder_free (struct encoder *e) {
  buf_free(&e->text);
  free(e->names);
  e->names = NULL;
}


static int encoder_gc (lua_State *L) {
  struct encoder *e = (struct encoder *)type_self_or_null(L);
  if (e != NULL)
    encoder_free(e);
  return 0;
}


static struct encoder *push_encoder (lua_State *L, size_t ceiling) {
  struct encoder *e = (struct encoder *)lua_newuserdata(L, sizeof(*e));
  memset(e, 0, sizeof(*e));
  buf_init(&e->text, ceiling);
  type_set(L, encoder_type);
  return e;
}


/* Writes the value in little room, with nothing made that had to be freed.
** False where that is not enough, or something is wrong. */
static int encode_short (struct walk *w, size_t ceiling) {
  lua_State *L = w->L;
  struct name names[SHORT_NAMES];
  char text[SHORT_TEXT];
  struct encoder e;
  buf_lend(&e.text, text, ceiling < SHORT_TEXT ? ceiling : SHORT_TEXT);
  e.names = names;
  e.count = 0;
  e.capacity = SHORT_NAMES;
  w->e = &e;
  w->is_short = 1;
  luaL_checkstack(L, SHORT_NAMES + 3, "no room for names");
  lua_settop(L, SHORT_KEYS + SHORT_NAMES - 1);
  lua_pushvalue(L, VALUE);
  if (!write_all(w))
    return 0;
  lua_pushlstring(L, text, e.text.length);
  return 1;
}


static int encode_long (struct walk *w, size_t ceiling) {
  lua_State *L = w->L;
  int results = 1;
  lua_settop(L, LIMIT);
  w->e = push_encoder(L, ceiling);
  w->depth = 0;
  w->is_short = 0;
  lua_createtable(L, 2 * SHORT_NAMES, 0); /* KEYS */
  lua_pushvalue(L, VALUE);
  if (write_all(w))
    lua_pushlstring(L, buf_data(&w->e->text), w->e->text.length);
  else
    results = push_failure(w);
  encoder_free(w->e);
  return results;
}


int encode_value (lua_State *L) {
  lua_Number ceiling = luaL_optnumber(L, LIMIT, CEILING);
  struct walk w;
  luaL_checkany(L, VALUE);
  luaL_argcheck(L, ceiling >= 0 && ceiling <= INT_MAX, LIMIT, "out of range");
  lua_settop(L, LIMIT);
  luaL_getmetatable(L, ARRAY_TYPE);
  w.array = lua_topointer(L, -1);
  w.L = L;
  w.depth = 0;
  return encode_short(&w, (size_t)ceiling) ? 1
                                           : encode_long(&w, (size_t)ceiling);
}


int encode_compact (lua_State *L) {
  size_t length;
  const char *text = luaL_checklstring(L, 1, &length);
  char *out = (char *)lua_newuserdata(L, length);
  lua_pushlstring(L, out, json_compact(text, length, out));
  return 1;
}


void encode_register (lua_State *L) {
  static const luaL_Reg methods[] = {{"__gc", encoder_gc}, {NULL, NULL}};
  type_register(L, encoder_type, methods);
}
