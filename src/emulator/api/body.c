/* SPDX-License-Identifier: MIT
**
** body: see body.h. Every kind begins with a struct body.
*/

#include "body.h"
#include "../store/text.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#define ZIP_INPUT   16384
#define GZIP_WINDOW (15 + 16) /* zlib: the largest window, gzip's format */
#define ZIP_MEMORY  8         /* zlib's default */
#define DRIPS       20        /* pieces a second of a slow transfer */

void *body_new (size_t size, ssize_t (*read)(struct body *, char *, size_t),
                void (*close)(struct body *), int64_t length) {
  struct body *b = calloc(1, size);
  if (b != NULL) {
    b->read = read;
    b->close = close;
    b->length = length;
    b->left = -1;
  }
  return b;
}

/* How much may be given now, after having waited for it; 0: no more. */
static size_t allow (struct body *b, size_t size) {
  double piece = b->rate / DRIPS;
  if (b->left >= 0 && (uint64_t)b->left < size)
    size = (size_t)b->left;
  if (b->rate <= 0 || size == 0)
    return size;
  if (piece < 1)
    piece = 1;
  if (piece < (double)size)
    size = (size_t)piece;
  return b->sleep(b->arg, (int64_t)((double)size * 1000 / b->rate)) ? size : 0;
}

ssize_t body_read (struct body *b, char *out, size_t size) {
  ssize_t n;
  size = allow(b, size);
  if (size == 0)
    return BODY_CUT;
  n = b->read(b, out, size);
  if (n > 0 && b->left >= 0)
    b->left -= n;
  return n;
}

void body_spoil (struct body *b, double rate, int64_t cut,
                 int (*sleep)(void *arg, int64_t milliseconds), void *arg) {
  b->rate = rate;
  b->left = cut;
  b->sleep = sleep;
  b->arg = arg;
}

void body_close (struct body *b) {
  if (b != NULL)
    b->close(b);
  free(b);
}

/* ---- A text ---- */

struct text_body {
  struct body body;
  char *text;
  size_t length, at;
};

/* Gives the next bytes of the text. */
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
}

struct body *body_text (char *text, size_t length) {
  struct text_body *t = NULL;
  if (text != NULL)
    t = body_new(sizeof(*t), text_read, text_close, (int64_t)length);
  if (t == NULL) {
    sqlite3_free(text);
    return NULL;
  }
  t->text = text;
  t->length = length;
  return &t->body;
}

/* ---- A listing ---- */

struct listing_body {
  struct text_body batch; /* what was read from the store */
  struct store *store;
  struct scope scope;
  struct scan scan;
  int64_t (*now)(void *arg);
  void *arg;
  int begun; /* whether the array's beginning was given */
  int over;  /* whether its end is in 'batch' */
};

/* Reads the next rows; they follow a "[" or a ",". Returns 0 on failure. */
static int listing_fill (struct listing_body *l) {
  sqlite3_str *s = sqlite3_str_new(NULL);
  struct text_body *batch = &l->batch;
  enum store_code code;
  sqlite3_str_appendchar(s, 1, l->begun ? ',' : '[');
  l->scope.now = l->now(l->arg);
  do
    code = store_scan(l->store, &l->scope, &l->scan, s);
  while (code == STORE_OK && sqlite3_str_length(s) == 1);
  if (code == STORE_NONE) {
    sqlite3_str_reset(s);
    sqlite3_str_appendall(s, l->begun ? "]" : "[]");
    l->over = 1;
  }
  l->begun = 1;
  sqlite3_free(batch->text);
  batch->at = 0;
  batch->text = text_finish(s, &batch->length);
  return batch->text != NULL && code != STORE_FAILED;
}

static ssize_t listing_read (struct body *b, char *out, size_t size) {
  struct listing_body *l = (struct listing_body *)b;
  if (l->batch.at == l->batch.length && !l->over && !listing_fill(l))
    return BODY_CUT; /* too late for a status of 500 */
  return text_read(b, out, size);
}

static void listing_close (struct body *b) {
  scope_close(&((struct listing_body *)b)->scope);
  text_close(b);
}

struct body *body_listing (struct store *s, struct scope *scope,
                           int64_t (*now)(void *arg), void *arg) {
  struct listing_body *l = body_new(sizeof(*l), listing_read, listing_close,
                                    -1);
  if (l == NULL)
    return NULL;
  l->store = s;
  l->scope = *scope;
  memset(scope, 0, sizeof(*scope));
  l->now = now;
  l->arg = arg;
  if (store_scan_open(s, &l->scan) == STORE_OK && listing_fill(l))
    return &l->batch.body;
  body_close(&l->batch.body);
  return NULL;
}

/* ---- A file ---- */

struct file_body {
  struct body body;
  int fd;
  int64_t at, end;
};

static ssize_t file_read (struct body *b, char *out, size_t size) {
  struct file_body *f = (struct file_body *)b;
  ssize_t n;
  if (f->end - f->at < (int64_t)size)
    size = (size_t)(f->end - f->at);
  if (size == 0)
    return 0;
  n = pread(f->fd, out, size, (off_t)f->at);
  if (n <= 0)
    return BODY_CUT;
  f->at += n;
  return n;
}

static void file_close (struct body *b) {
  close(((struct file_body *)b)->fd);
}

struct body *body_file (int fd, int64_t offset, int64_t length) {
  struct file_body *f = body_new(sizeof(*f), file_read, file_close, length);
  if (f == NULL) {
    close(fd);
    return NULL;
  }
  f->fd = fd;
  f->at = offset;
  f->end = offset + length;
  return &f->body;
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
}

struct body *body_gzip (struct body *inner) {
  struct gzip_body *g = NULL;
  if (inner != NULL)
    g = body_new(sizeof(*g), gzip_read, gzip_close, -1);
  if (g == NULL
      || deflateInit2(&g->zip, Z_BEST_SPEED, Z_DEFLATED, GZIP_WINDOW,
                      ZIP_MEMORY, Z_DEFAULT_STRATEGY)
           != Z_OK) {
    free(g);
    body_close(inner);
    return NULL;
  }
  g->inner = inner;
  return &g->body;
}
