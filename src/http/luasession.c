/* SPDX-License-Identifier: MIT
**
** luasession: a Lua object over a session of session.c. Its value (user value,
** environment) is a table with weak values that finds the transfer userdata
** for what http_next_ready returns; at [1] it has what luanudge.c drops.
*/

#include <math.h>

#include "luahttp.h"
#include "platform.h"
#include "../digest/sha256.h"

#define RESPONSE_MAX (16u * 1024 * 1024) /* bytes, if nothing else is said, */
#define OBJECT_MAX   (1024u * 1024)      /* of an object in a stream */

#define KEY_MIN        8
#define ACCOUNT_DIGITS 16

static const char session_type[] = "lipsync.Session";

struct session {
  struct http_session *http; /* NULL once closed */
  struct nudge nudge;        /* see luanudge.c */
  struct ceilings most;
};


static struct session *to_session (lua_State *L) {
  return (struct session *)type_self(L, session_type);
}


static struct http_session *check_session (lua_State *L) {
  struct session *s = to_session(L);
  if (s->http == NULL)
    luaL_error(L, "the session is closed");
  return s->http;
}


/* ---- Making one ---- */

static void push_weak_table (lua_State *L) {
  lua_newtable(L);
  lua_createtable(L, 0, 1);
  lua_pushliteral(L, "v");
  lua_setfield(L, -2, "__mode");
  lua_setmetatable(L, -2);
}


/* Pushes a closed session. */
static struct session *push_session (lua_State *L) {
  struct session *s = (struct session *)compat_newuserdata(L, sizeof(*s));
  s->http = NULL;
  nudge_init(&s->nudge);
  type_set(L, session_type);
  push_weak_table(L);
  compat_setslot(L, -2);
  return s;
}


static void read_config (lua_State *L, struct http_config *config) {
  config->base_url = field_string(L, 1, "base_url");
  config->api_key = field_string(L, 1, "api_key");
  config->user_agent = field_string(L, 1, "user_agent");
  config->bare_agent = field_string(L, 1, "bare_agent");
  config->ca_file = field_string(L, 1, "ca_file");
  config->proxy = field_string(L, 1, "proxy");
  config->no_proxy = field_string(L, 1, "no_proxy");
  config->proxy_is_named = field_boolean(L, 1, "proxy_is_named");
  config->connect_timeout = field_number(L, 1, "connect_timeout", 10);
  config->allow_http = field_boolean(L, 1, "allow_http");
  config->media_hosts = field_strings(L, 1, "media_hosts",
                                      &config->media_host_count);
  lua_getfield(L, 1, "headers");
  config->headers = read_headers(L, lua_gettop(L), &config->header_count);
}


static size_t read_ceiling (lua_State *L, const char *name, size_t otherwise) {
  double value = field_number(L, 1, name, (double)otherwise);
  return value >= 4e9 ? (size_t)4000000000u : value >= 1 ? (size_t)value : 1;
}


/* Adds where the key has its first byte above 127. */
static void set_offset (lua_State *L, const char *key) {
  int64_t n = 0;
  while ((unsigned char)key[n] <= '\177')
    n++;
  error_set_number(L, "offset", n);
}


int session_new (lua_State *L) {
  struct http_config config;
  enum http_refusal refusal;
  struct session *s;
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_settop(L, 1);
  read_config(L, &config);
  if (config.base_url == NULL)
    return luaL_argerror(L, 1, "no base_url");
  s = push_session(L);
  s->most.response = read_ceiling(L, "max_response", RESPONSE_MAX);
  s->most.object = read_ceiling(L, "max_object", OBJECT_MAX);
  s->http = http_open(&config, &refusal);
  if (s->http != NULL)
    return 1;
  failure_push_refusal(L, refusal);
  if (refusal == HTTP_KEY_NOT_ASCII)
    set_offset(L, config.api_key);
  return 2;
}


/* ---- Methods ---- */

/* session:start(owner, method, path [, type [, with_key [, headers [,
** idempotency_key [, body [, content_type [, more]]]]]]]): a transfer, whether
** anything of its response is known already, and whether part of the body waits
** to be sent; or nil and a failure. Of the objects, 'owner' and 'type' are the
** owner and the type. The body is bytes or one of http.body. 'more' are those
** that few requests have: { mode, query, origin, bare, blocking, hold,
** no_expect }, see http.h. */
static int session_start (lua_State *L) {
  struct session *s = to_session(L);
  if (s->http == NULL)
    return failure_push_closed(L);
  return transfer_start(L, &s->http, &s->nudge, &s->most);
}


/* Steps. Returns how many transfers wait for next_ready; a closed session has
** nothing to do. */
static unsigned step (struct session *s, double seconds) {
  return s->http == NULL ? 0 : http_step(s->http, seconds);
}


/* session:step([seconds]): works for that time or slightly longer, never much
** more than a millisecond. Returns how many transfers wait for next_ready. */
static int session_step (lua_State *L) {
  struct session *s = to_session(L);
  double seconds = (double)luaL_optnumber(L, 2, HUGE_VAL);
  lua_pushinteger(L, (lua_Integer)step(s, seconds));
  return 1;
}


/* session:drain(): reads all that has arrived. */
static int session_drain (lua_State *L) {
  struct session *s = to_session(L);
  if (s->http != NULL)
    http_drain(s->http);
  return 0;
}


/* session:poll([seconds [, transfer]]): waits, unless that one is ready, then
** steps. Returns what step does; whether that one is ready now, of which
** next_ready then has nothing to say; and when it began and ended. */
static int session_poll (lua_State *L) {
  struct session *s = to_session(L);
  double seconds = (double)luaL_optnumber(L, 2, -1), from = platform_now();
  int has_target = !lua_isnoneornil(L, 3), is_ready = 0;
  unsigned n;
  if (s->http != NULL && (!has_target || !transfer_is_ready(L, 3)))
    http_wait(s->http, seconds);
  n = step(s, HUGE_VAL);
  if (has_target && transfer_is_ready(L, 3)) {
    is_ready = 1;
    n -= transfer_tell(L, 3);
  }
  lua_pushinteger(L, (lua_Integer)n);
  lua_pushboolean(L, is_ready);
  lua_pushnumber(L, (lua_Number)from);
  lua_pushnumber(L, (lua_Number)platform_now());
  return 4;
}


/* session:next_ready(): a transfer with news, or nil. Skips those that were
** collected meanwhile. */
static int session_next_ready (lua_State *L) {
  struct session *s = to_session(L);
  void *user;
  lua_settop(L, 1);
  while (s->http != NULL && (user = http_next_ready(s->http)) != NULL) {
    transfer_push(L, user);
    if (!lua_isnil(L, -1))
      return 1;
    lua_pop(L, 1);
  }
  return 0;
}


/* session:fd(): the one descriptor to watch, or nil. */
static int session_fd (lua_State *L) {
  struct session *s = to_session(L);
  int fd = s->http == NULL ? -1 : http_fd(s->http);
  if (fd < 0)
    return 0;
  lua_pushinteger(L, fd);
  return 1;
}


/* session:timeout(): seconds until the next step is due, or nil. */
static int session_timeout (lua_State *L) {
  struct session *s = to_session(L);
  double seconds = s->http == NULL ? -1 : http_timeout(s->http);
  if (seconds < 0)
    return 0;
  lua_pushnumber(L, (lua_Number)seconds);
  return 1;
}


static int session_origin (lua_State *L) {
  lua_pushstring(L, http_origin(check_session(L)));
  return 1;
}


static int session_host (lua_State *L) {
  lua_pushstring(L, http_host(check_session(L)));
  return 1;
}


/* How many bytes of the key 'text' ends with, because it was cut within. */
static size_t cut_key (const char *text, size_t length, const char *key,
                       size_t n) {
  size_t most = n - 1 < length ? n - 1 : length;
  for (; most >= KEY_MIN; most--)
    if (memcmp(text + length - most, key, most) == 0)
      return most;
  return 0;
}


/* session:account(): a text that differs for any other key, from which the key
** cannot be had; nil without a key. */
static int session_account (lua_State *L) {
  struct session *s = to_session(L);
  const char *key = s->http == NULL ? NULL : http_key(s->http);
  uint8_t digest[SHA256_SIZE];
  char hex[SHA256_HEX];
  if (key == NULL)
    return 0;
  sha256_of(key, strlen(key), digest);
  sha256_hex(digest, hex);
  lua_pushlstring(L, hex, ACCOUNT_DIGITS);
  return 1;
}


/* Where the key is in 'n' bytes of a text, or NULL. */
static const char *find_key (const char *text, size_t n, const char *key,
                             size_t length) {
  const char *at = text;
  size_t left = n;
  while (left >= length
         && (at = (const char *)memchr(at, *key, left - length + 1)) != NULL) {
    if (memcmp(at, key, length) == 0)
      return at;
    at++;
    left = n - (size_t)(at - text);
  }
  return NULL;
}


/* session:redact(text): the text with "(key)" where a server has sent the key
** back. One of less than eight characters is no secret, and may be part of
** any word; and so may as many of one that the text was cut in. */
static int session_redact (lua_State *L) {
  struct session *s = to_session(L);
  size_t rest;
  const char *text = luaL_checklstring(L, 2, &rest), *hit;
  /* made before the key is looked up, which a finalizer may wipe */
  char *made = (char *)compat_newuserdata(L, rest + 1), *end = made;
  size_t cut = 0;
  const char *key = s->http == NULL ? NULL : http_key(s->http);
  size_t length = key == NULL ? 0 : strlen(key);
  while (length >= KEY_MIN
         && (hit = find_key(text, rest, key, length)) != NULL) {
    size_t before = (size_t)(hit - text);
    memcpy(end, text, before);
    memcpy(end + before, "(key)", 5);
    end += before + 5;
    rest -= before + length;
    text = hit + length;
  }
  if (length >= KEY_MIN)
    cut = cut_key(text, rest, key, length);
  memcpy(end, text, rest - cut);
  end += rest - cut;
  if (cut > 0) {
    memcpy(end, "(key)", 5);
    end += 5;
  }
  lua_pushlstring(L, made, (size_t)(end - made));
  return 1;
}


static int session_is_open (lua_State *L) {
  lua_pushboolean(L, to_session(L)->http != NULL);
  return 1;
}


static void release (struct session *s) {
  struct http_session *http = s->http;
  s->http = NULL;
  if (http != NULL)
    http_close(http);
}


/* close and __close. */
static int session_close (lua_State *L) {
  release(to_session(L));
  return 0;
}


static int session_gc (lua_State *L) {
  struct session *s = (struct session *)type_self_or_null(L);
  if (s != NULL)
    release(s);
  return 0;
}


static int session_tostring (lua_State *L) {
  struct session *s = to_session(L);
  if (s->http == NULL)
    lua_pushliteral(L, "Session (closed)");
  else
    lua_pushfstring(L, "Session (%s)", http_origin(s->http));
  return 1;
}


static const luaL_Reg methods[] = {
  {"start", session_start},
  {"step", session_step},
  {"drain", session_drain},
  {"poll", session_poll},
  {"next_ready", session_next_ready},
  {"fd", session_fd},
  {"timeout", session_timeout},
  {"origin", session_origin},
  {"host", session_host},
  {"redact", session_redact},
  {"account", session_account},
  {"is_open", session_is_open},
  {"close", session_close},
  {"__gc", session_gc},
  {"__close", session_close},
  {"__tostring", session_tostring},
  {NULL, NULL},
};


void session_register (lua_State *L) {
  type_register(L, session_type, methods);
}
