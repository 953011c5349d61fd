/* SPDX-License-Identifier: MIT
**
** fault: see fault.h. The linker turns our objects' calls of malloc into
** calls of __wrap_malloc, and __real_malloc into the C library's own; so for
** every function in WRAPPED of check.mk. What the C library allocates for
** itself is left alone.
*/

#include <curl/curl.h>
#include <errno.h>
#include <locale.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <zlib.h>

#include "fault.h"

static struct {
  int armed;
  enum fault_kind kind;
  unsigned long at; /* the first that fails */
  int lasting;
  unsigned long count; /* how many were asked for since it was armed */
  unsigned long failed;
} fault;

static long held[FAULT_KINDS];


/* A thread of libcurl's, which looks up a name, may do so at the same time. */
static void hold (enum fault_kind which, long bytes) {
  __atomic_fetch_add(&held[which], bytes, __ATOMIC_RELAXED);
}


void fault_arm (enum fault_kind kind, unsigned long at, int lasting) {
  memset(&fault, 0, sizeof(fault));
  fault.kind = kind;
  fault.at = at;
  fault.lasting = lasting;
  fault.armed = 1;
}


unsigned long fault_disarm (void) {
  fault.armed = 0;
  return fault.failed;
}


long fault_held (enum fault_kind kind) {
  return __atomic_load_n(&held[kind], __ATOMIC_RELAXED);
}


/* Whether the allocation that is asked for now fails. */
static int strikes (enum fault_kind kind) {
  if (!fault.armed || kind != fault.kind)
    return 0;
  fault.count++;
  if (fault.count < fault.at || (!fault.lasting && fault.count > fault.at))
    return 0;
  fault.failed++;
  return 1;
}


/* ---- malloc and its like ---- */

void *__real_malloc (size_t size);
void *__real_calloc (size_t n, size_t size);
void *__real_realloc (void *block, size_t size);
void __real_free (void *block);

void *__wrap_malloc (size_t size);
void *__wrap_calloc (size_t n, size_t size);
void *__wrap_realloc (void *block, size_t size);
char *__wrap_strdup (const char *text);
void __wrap_free (void *block);


static void *note (void *block) {
  if (block != NULL)
    hold(FAULT_C, (long)malloc_usable_size(block));
  return block;
}


static void forget (void *block) {
  if (block != NULL)
    hold(FAULT_C, -(long)malloc_usable_size(block));
}


void *__wrap_malloc (size_t size) {
  return strikes(FAULT_C) ? NULL : note(__real_malloc(size));
}


void *__wrap_calloc (size_t n, size_t size) {
  return strikes(FAULT_C) ? NULL : note(__real_calloc(n, size));
}


void *__wrap_realloc (void *block, size_t size) {
  void *fresh;
  if (strikes(FAULT_C))
    return NULL;
  forget(block);
  fresh = __real_realloc(block, size);
  note(fresh != NULL || size == 0 ? fresh : block);
  return fresh;
}


char *__wrap_strdup (const char *text) {
  size_t size = strlen(text) + 1;
  char *copy = (char *)__wrap_malloc(size);
  return copy == NULL ? NULL : (char *)memcpy(copy, text, size);
}


void __wrap_free (void *block) {
  forget(block);
  __real_free(block);
}


int fault_hook_curl (void) {
  return curl_global_init_mem(CURL_GLOBAL_DEFAULT, __wrap_malloc, __wrap_free,
                              __wrap_realloc, __wrap_strdup, __wrap_calloc)
         == CURLE_OK;
}


static voidpf zlib_new (voidpf unused, uInt n, uInt size) {
  (void)unused;
  return __wrap_calloc(n, size);
}


static void zlib_free (voidpf unused, voidpf block) {
  (void)unused;
  __wrap_free(block);
}


/* The linker sees that libcurl uses it too, so it must not be hidden. */
#pragma GCC visibility push(default)
int __real_inflateInit2_ (z_streamp s, int bits, const char *version, int size);
int __wrap_inflateInit2_ (z_streamp s, int bits, const char *version, int size);
#pragma GCC visibility pop

int __wrap_inflateInit2_ (z_streamp s, int bits, const char *version,
                          int size) {
  s->zalloc = zlib_new;
  s->zfree = zlib_free;
  return __real_inflateInit2_(s, bits, version, size);
}


locale_t __real_newlocale (int mask, const char *name, locale_t base);
locale_t __wrap_newlocale (int mask, const char *name, locale_t base);

locale_t __wrap_newlocale (int mask, const char *name, locale_t base) {
  return strikes(FAULT_C) ? (locale_t)0 : __real_newlocale(mask, name, base);
}


/* ---- Lua ---- */

/* Lua may rely on it that making a block smaller never fails. */
void *fault_lua (void *unused, void *block, size_t old, size_t size) {
  void *fresh;
  (void)unused;
  if (block == NULL)
    old = 0; /* it is then the type of what is made */
  if (size == 0) {
    __real_free(block);
    hold(FAULT_LUA, -(long)old);
    return NULL;
  }
  if (size > old && strikes(FAULT_LUA))
    return NULL;
  fresh = __real_realloc(block, size);
  if (fresh != NULL)
    hold(FAULT_LUA, (long)size - (long)old);
  return fresh;
}


/* ---- Descriptors ---- */

int __real_socket (int family, int type, int protocol);
int __wrap_socket (int family, int type, int protocol);
int __real_open64 (const char *path, int flags, ...);
int __wrap_open64 (const char *path, int flags, ...);
int __real_epoll_create1 (int flags);
int __wrap_epoll_create1 (int flags);
int __real_epoll_ctl (int set, int what, int fd, struct epoll_event *event);
int __wrap_epoll_ctl (int set, int what, int fd, struct epoll_event *event);


static int fails_with (int error) {
  if (!strikes(FAULT_SYSTEM))
    return 0;
  errno = error;
  return 1;
}


int __wrap_socket (int family, int type, int protocol) {
  return fails_with(EMFILE) ? -1 : __real_socket(family, type, protocol);
}


/* Nothing here is opened to be made, so there is no mode. */
int __wrap_open64 (const char *path, int flags, ...) {
  return fails_with(EMFILE) ? -1 : __real_open64(path, flags);
}


int __wrap_epoll_create1 (int flags) {
  return fails_with(EMFILE) ? -1 : __real_epoll_create1(flags);
}


/* Taking a socket out needs no memory. */
int __wrap_epoll_ctl (int set, int what, int fd, struct epoll_event *event) {
  if (what == EPOLL_CTL_ADD && fails_with(ENOMEM))
    return -1;
  return __real_epoll_ctl(set, what, fd, event);
}
