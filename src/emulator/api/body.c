/* SPDX-License-Identifier: MIT
**
** body: see body.h. Every kind begins with a struct body; memory is constant
** however long the body is.
*/

#include "body.h"
#include "../store/text.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#define ZIP_INPUT   16384
#define GZIP_WINDOW (15 + 16) /* zlib: the largest window, gzip's format */
#define ZIP_MEMORY  8         /* zlib's default */
#define DRIPS       20        /* pieces a second of a slow transfer */

ssize_t body_read (struct body *b, char *out, size_t size) {
  return b->read(b, out, size);
}

void body_close (struct body *b) {
  if (b != NULL)
    b->close(b);
}

/* ---- A text ---- */

struct text_body {
  struct body body;
  char *text;
  size_t length, at;
};

static ssize_t text_read (struct body *b, char *out, size_t size) {
  struct text_body *t = (struct text_body *)b;
  size_t n = t->length - t->at;
  if (n > size)
    n = size;
  memcpy(out, t->text + t->at, n);
  t->at += n;
  return (ssize_t)n;
}

static void text_close (struct body *b) {
  sqlite3_free(((struct text_body *)b)->text);
  free(b);
}

struct body *body_text (char *text, size_t length) {
  struct text_body *t = text != NULL ? calloc(1, sizeof(*t)) : NULL;
  if (t == NULL) {
    sqlite3_free(text);
    return NULL;
  }
  t->body.read = text_read;
  t->body.close = text_close;
  t->body.length = (int64_t)length;
  t->text = text;
  t->length = length;
  return &t->body;
}

/* ---- A listing ---- */

struct listing_body {
  struct body body;
  struct store *store;
  struct scope scope;
  struct scan scan;
  int64_t (*now)(void *arg);
  void *now_arg;
  char *batch; /* what was read from the store and not yet given */
  size_t length, at;
  int begun; /* whether the array's beginning was given */
  int over;  /* whether its end is in 'batch' */
};

/* Reads the next rows; they follow a "[" or a ",". Returns 0 on failure. */
static int listing_fill (struct listing_body *l) {
  sqlite3_str *s = sqlite3_str_new(NULL);
  enum store_code code;
  sqlite3_str_appendchar(s, 1, l->begun ? ',' : '[');
  l->scope.now = l->now(l->now_arg);
  do
    code = store_scan(l->store, &l->scope, &l->scan, s);
  while (code == STORE_OK && sqlite3_str_length(s) == 1);
  if (code == STORE_NONE) {
    sqlite3_str_reset(s);
    sqlite3_str_appendall(s, l->begun ? "]" : "[]");
    l->over = 1;
  }
  l->begun = 1;
  sqlite3_free(l->batch);
  l->at = 0;
  l->batch = text_finish(s, &l->length);
  return l->batch != NULL && code != STORE_FAILED;
}

static ssize_t listing_read (struct body *b, char *out, size_t size) {
  struct listing_body *l = (struct listing_body *)b;
  size_t n = l->length - l->at;
  if (n == 0 && l->over)
    return 0;
  if (n == 0 && !listing_fill(l))
    return BODY_CUT; /* too late for a status of 500 */
  n = l->length - l->at;
  if (n > size)
    n = size;
  memcpy(out, l->batch + l->at, n);
  l->at += n;
  return (ssize_t)n;
}

static void listing_close (struct body *b) {
  struct listing_body *l = (struct listing_body *)b;
  scope_close(&l->scope);
  sqlite3_free(l->batch);
  free(l);
}

struct body *body_listing (struct store *s, struct scope *f,
                           int64_t (*now)(void *arg), void *arg) {
  struct listing_body *l = calloc(1, sizeof(*l));
  if (l == NULL)
    return NULL;
  l->body.read = listing_read;
  l->body.close = listing_close;
  l->body.length = -1;
  l->store = s;
  l->scope = *f;
  memset(f, 0, sizeof(*f));
  l->now = now;
  l->now_arg = arg;
  if (store_scan_open(s, &l->scan) == STORE_OK && listing_fill(l))
    return &l->body;
  listing_close(&l->body);
  return NULL;
}

/* ---- gzip ---- */

struct gzip_body {
  struct body body;
  struct body *inner;
  z_stream zip;
  int over; /* 'inner' has ended */
  unsigned char input[ZIP_INPUT];
};

/* Gives zlib the next input where it has read the last. */
static int gzip_fill (struct gzip_body *g) {
  ssize_t n;
  if (g->zip.avail_in > 0 || g->over)
    return 1;
  n = body_read(g->inner, (char *)g->input, sizeof(g->input));
  if (n < 0)
    return 0;
  g->over = n == 0;
  g->zip.next_in = g->input;
  g->zip.avail_in = (uInt)n;
  return 1;
}

static ssize_t gzip_read (struct body *b, char *out, size_t size) {
  struct gzip_body *g = (struct gzip_body *)b;
  int code = Z_OK;
  g->zip.next_out = (unsigned char *)out;
  g->zip.avail_out = (uInt)(size < ZIP_INPUT ? size : ZIP_INPUT);
  size = g->zip.avail_out;
  while (g->zip.avail_out == size && code == Z_OK) {
    if (!gzip_fill(g))
      return BODY_CUT;
    code = deflate(&g->zip, g->over ? Z_FINISH : Z_NO_FLUSH);
  }
  return (ssize_t)(size - g->zip.avail_out);
}

static void gzip_close (struct body *b) {
  struct gzip_body *g = (struct gzip_body *)b;
  deflateEnd(&g->zip);
  body_close(g->inner);
  free(g);
}

struct body *body_gzip (struct body *inner) {
  struct gzip_body *g = inner != NULL ? calloc(1, sizeof(*g)) : NULL;
  if (g == NULL
      || deflateInit2(&g->zip, Z_BEST_SPEED, Z_DEFLATED, GZIP_WINDOW,
                      ZIP_MEMORY, Z_DEFAULT_STRATEGY)
           != Z_OK) {
    free(g);
    body_close(inner);
    return NULL;
  }
  g->body.read = gzip_read;
  g->body.close = gzip_close;
  g->body.length = -1;
  g->inner = inner;
  return &g->body;
}

/* ---- Slow or cut ---- */

struct faulty_body {
  struct body body;
  struct body *inner;
  double rate;
  int64_t left; /* until the cut; -1: none */
  int (*nap)(void *arg, int64_t ms);
  void *nap_arg;
};

/* How much may be given now, after having waited for it. */
static size_t faulty_allow (struct faulty_body *f, size_t size) {
  double piece = f->rate / DRIPS;
  if (f->left >= 0 && (uint64_t)f->left < size)
    size = (size_t)f->left;
  if (f->rate <= 0 || size == 0)
    return size;
  if (piece < 1)
    piece = 1;
  if (piece < (double)size)
    size = (size_t)piece;
  return f->nap(f->nap_arg, (int64_t)((double)size * 1000 / f->rate)) ? size
                                                                      : 0;
}

static ssize_t faulty_read (struct body *b, char *out, size_t size) {
  struct faulty_body *f = (struct faulty_body *)b;
  ssize_t n;
  size = faulty_allow(f, size);
  if (size == 0)
    return BODY_CUT;
  n = body_read(f->inner, out, size);
  if (n > 0 && f->left >= 0)
    f->left -= n;
  return n;
}

static void faulty_close (struct body *b) {
  body_close(((struct faulty_body *)b)->inner);
  free(b);
}

struct body *body_faulty (struct body *inner, double rate, int64_t cut,
                          int (*nap)(void *arg, int64_t ms), void *arg) {
  struct faulty_body *f = inner != NULL ? calloc(1, sizeof(*f)) : NULL;
  if (f == NULL) {
    body_close(inner);
    return NULL;
  }
  f->body.read = faulty_read;
  f->body.close = faulty_close;
  f->body.length = inner->length;
  f->inner = inner;
  f->rate = rate;
  f->left = cut;
  f->nap = nap;
  f->nap_arg = arg;
  return &f->body;
}
