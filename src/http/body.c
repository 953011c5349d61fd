/* SPDX-License-Identifier: MIT
**
** body: see body.h. A body is a list of pieces, each a part of 'bytes' or of a
** file, which is held open.
*/

#include <stdlib.h>
#include <string.h>

#include "body.h"
#include "input.h"

struct body_piece {
  uint64_t offset; /* in 'bytes' or in the file */
  uint64_t length;
  int fd; /* -1: bytes */
  unsigned part;
  char *path; /* NULL: bytes, or a file given by its descriptor */
  struct body_stamp stamp;
};


struct body *body_new (void) {
  struct body *b = (struct body *)calloc(1, sizeof(*b));
  if (b == NULL)
    return NULL;
  b->owners = 1;
  buf_init(&b->bytes, (size_t)-1);
  return b;
}


void body_retain (struct body *b) {
  b->owners++;
}


void body_release (struct body *b) {
  size_t i;
  if (b == NULL || --b->owners > 0)
    return;
  for (i = 0; i < b->count; i++) {
    if (b->pieces[i].fd >= 0)
      input_close(b->pieces[i].fd);
    free(b->pieces[i].path);
  }
  free(b->pieces);
  buf_free(&b->bytes);
  free(b);
}


/* ---- Adding ---- */

/* One more piece at the end, or NULL. */
static struct body_piece *add_piece (struct body *b) {
  struct body_piece *pieces = (struct body_piece *)realloc(
    b->pieces, (b->count + 1) * sizeof(*pieces));
  struct body_piece *p;
  if (pieces == NULL)
    return NULL;
  b->pieces = pieces;
  p = &pieces[b->count++];
  memset(p, 0, sizeof(*p));
  p->fd = -1;
  p->part = b->parts == 0 ? 1 : b->parts;
  return p;
}


static int is_bytes (const struct body_piece *p) {
  return p->fd < 0;
}


enum body_status body_add_bytes (struct body *b, const void *data, size_t n) {
  struct body_piece *p = b->count == 0 ? NULL : &b->pieces[b->count - 1];
  if (n == 0)
    return BODY_OK;
  if (p == NULL || !is_bytes(p)) {
    p = add_piece(b);
    if (p == NULL)
      return BODY_NO_MEMORY;
    p->offset = b->bytes.length;
  }
  if (buf_append(&b->bytes, data, n) != BUF_OK)
    return BODY_NO_MEMORY;
  p->length += n;
  b->length += n;
  return BODY_OK;
}


static enum body_status add_text (struct body *b, const char *text) {
  return body_add_bytes(b, text, strlen(text));
}


/* ---- Files ---- */

enum body_status body_add_file (struct body *b, const char *path, int fd,
                                uint64_t offset, uint64_t length,
                                int *os_error) {
  struct body_stamp stamp;
  struct body_piece *p;
  enum body_status status = input_open(path, fd, &fd, &stamp, os_error);
  if (status == BODY_OK && offset >= stamp.size)
    status = BODY_RANGE;
  if (status == BODY_OK && length == BODY_REST)
    length = stamp.size - offset;
  if (status == BODY_OK && (length == 0 || length > stamp.size - offset))
    status = BODY_RANGE;
  p = status == BODY_OK ? add_piece(b) : NULL;
  if (p == NULL) {
    if (fd >= 0)
      input_close(fd);
    return status == BODY_OK ? BODY_NO_MEMORY : status;
  }
  p->fd = fd;
  p->offset = offset;
  p->length = length;
  p->stamp = stamp;
  b->has_files = 1;
  b->length += length;
  if (path != NULL && (p->path = strdup(path)) == NULL)
    return BODY_NO_MEMORY;
  return BODY_OK;
}


int body_file_of (const struct body *b, unsigned part, const char **path,
                  struct body_stamp *stamp) {
  size_t i;
  for (i = 0; i < b->count; i++)
    if (!is_bytes(&b->pieces[i]) && b->pieces[i].part == part) {
      *path = b->pieces[i].path;
      *stamp = b->pieces[i].stamp;
      return 1;
    }
  return 0;
}


static int is_same (const struct body_stamp *a, const struct body_stamp *b) {
  return a->device == b->device && a->inode == b->inode && a->size == b->size
         && a->seconds == b->seconds && a->nanoseconds == b->nanoseconds;
}


/* Whether the open file is as it was, and still what its path leads to. */
static int is_unchanged (const struct body_piece *p) {
  struct body_stamp now;
  int os_error;
  if (!input_stamp(p->fd, &now) || !is_same(&p->stamp, &now))
    return 0;
  return p->path == NULL
         || (body_stamp(p->path, &now, &os_error) == BODY_OK
             && is_same(&p->stamp, &now));
}


unsigned body_changed (const struct body *b) {
  size_t i;
  for (i = 0; i < b->count; i++)
    if (!is_bytes(&b->pieces[i]) && !is_unchanged(&b->pieces[i]))
      return b->pieces[i].part;
  return 0;
}


/* ---- Multipart ---- */

enum body_status body_set_boundary (struct body *b, const char *boundary) {
  static const char letters[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    "abcdefghijklmnopqrstuvwxyz0123456789-_";
  size_t n = strspn(boundary, letters);
  if (n == 0 || n >= sizeof(b->boundary) || boundary[n] != '\0')
    return BODY_MALFORMED;
  memcpy(b->boundary, boundary, n + 1);
  return BODY_OK;
}


/* Adds ' KEY="name"'. As in the HTML standard a quote and line breaks are
** percent-encoded, a percent sign is not; in the name of a field, but not of a
** file, each line break counts as CR LF. */
static enum body_status add_name (struct body *b, const char *key,
                                  const char *name, size_t n, int is_field) {
  enum body_status status = add_text(b, key);
  size_t i;
  for (i = 0; i < n && status == BODY_OK; i++) {
    char c = name[i];
    int is_break = c == '\r' || c == '\n';
    if (is_break && is_field) {
      if (c == '\r' && i + 1 < n && name[i + 1] == '\n')
        i++;
      status = add_text(b, "%0D%0A");
    }
    else if (is_break)
      status = add_text(b, c == '\r' ? "%0D" : "%0A");
    else if (c == '"')
      status = add_text(b, "%22");
    else
      status = c == '\0' ? BODY_MALFORMED : body_add_bytes(b, &c, 1);
  }
  return status == BODY_OK ? add_text(b, "\"") : status;
}


static enum body_status add_type (struct body *b, const char *type) {
  const char *c;
  enum body_status status;
  for (c = type; *c != '\0'; c++)
    if ((unsigned char)*c < ' ' || *c == '\177')
      return BODY_MALFORMED;
  status = add_text(b, "\r\nContent-Type: ");
  return status == BODY_OK ? add_text(b, type) : status;
}


/* Ends the part before, and writes a boundary. */
static enum body_status add_boundary (struct body *b) {
  enum body_status status = add_text(b, b->parts == 0 ? "--" : "\r\n--");
  return status == BODY_OK ? add_text(b, b->boundary) : status;
}


enum body_status body_begin_part (struct body *b, const char *name,
                                  size_t name_length, const char *filename,
                                  size_t filename_length, const char *type) {
  enum body_status status = add_boundary(b);
  b->parts++;
  if (status == BODY_OK)
    status = add_name(b, "\r\nContent-Disposition: form-data; name=\"", name,
                      name_length, 1);
  if (status == BODY_OK && filename != NULL)
    status = add_name(b, "; filename=\"", filename, filename_length, 0);
  if (status == BODY_OK && type != NULL)
    status = add_type(b, type);
  return status == BODY_OK ? add_text(b, "\r\n\r\n") : status;
}


enum body_status body_end_parts (struct body *b) {
  enum body_status status = add_boundary(b);
  return status == BODY_OK ? add_text(b, "--\r\n") : status;
}


/* ---- Reading ---- */

void body_open (struct body_reader *r, struct body *b, uint64_t hold) {
  memset(r, 0, sizeof(*r));
  if (b == NULL)
    return;
  body_retain(b);
  r->body = b;
  r->hold = hold < b->length ? hold : b->length;
}


void body_close (struct body_reader *r) {
  body_release(r->body);
  r->body = NULL;
}


const char *body_whole (const struct body_reader *r) {
  const struct body *b = r->body;
  int is_short = b != NULL && b->length > 0 && b->length <= BODY_SLICE;
  return is_short && !b->has_files && r->hold == 0 ? buf_data(&b->bytes) : NULL;
}


void body_take_whole (struct body_reader *r) {
  r->given = r->body->length;
}


int body_is_held (const struct body_reader *r) {
  return r->hold > 0 && r->given == r->body->length - r->hold;
}


/* Reads 'n' bytes of a piece, which has so many left; '*got' may be fewer. */
static enum body_status read_piece (struct body_reader *r,
                                    const struct body_piece *p, char *out,
                                    size_t n, size_t *got) {
  enum body_status status;
  if (is_bytes(p)) {
    memcpy(out, buf_data(&r->body->bytes) + p->offset + r->at, n);
    *got = n;
    return BODY_OK;
  }
  r->os_error = 0;
  status = input_read(p->fd, out, n, p->offset + r->at, got, &r->os_error);
  if (status != BODY_OK)
    r->part = p->part;
  return status;
}


static size_t at_most (size_t n, uint64_t most) {
  return n < most ? n : (size_t)most;
}


enum body_status body_read (struct body_reader *r, char *out, size_t room,
                            size_t *n) {
  size_t left = at_most(at_most(room, BODY_SLICE),
                        r->body->length - r->hold - r->given);
  *n = 0;
  while (left > 0) {
    const struct body_piece *p = &r->body->pieces[r->piece];
    size_t got;
    enum body_status status = read_piece(
      r, p, out + *n, at_most(left, p->length - r->at), &got);
    if (status != BODY_OK)
      return status;
    *n += got;
    left -= got;
    r->at += got;
    r->given += got;
    if (r->at == p->length) {
      r->piece++;
      r->at = 0;
    }
  }
  return BODY_OK;
}
