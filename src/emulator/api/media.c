/* SPDX-License-Identifier: MIT
**
** media: see media.h.
*/

#include "media.h"
#include "output.h"
#include "range.h"
#include "../../digest/sha256.h"
#include "../service/signing.h"
#include "../store/iso_time.h"
#include "../store/text.h"

#include <fcntl.h>
#include <string.h>

#define TYPE_XML "application/xml"

/* ---- Refusals, in S3's form ---- */

/* Appends <name>text</name>. */
static void element (sqlite3_str *s, const char *name, const char *text) {
  sqlite3_str_appendf(s, "<%s>%s</%s>", name, text, name);
}

/* Begins a refusal. */
static sqlite3_str *refusal (const char *code, const char *message) {
  sqlite3_str *s = sqlite3_str_new(NULL);
  sqlite3_str_appendall(s,
                        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
                        "<Error>");
  element(s, "Code", code);
  element(s, "Message", message);
  return s;
}

static void refuse (struct call *c, int status, sqlite3_str *s) {
  size_t length;
  char *text;
  element(s, "RequestId", c->request->id);
  sqlite3_str_appendall(s, "</Error>");
  text = text_finish(s, &length);
  response_text(c->response, status, TYPE_XML, text, length);
}

void media_refuse (struct call *c, int status, const char *code,
                   const char *message) {
  refuse(c, status, refusal(code, message));
}

static void refuse_expired (struct call *c, const char *lifetime,
                            int64_t until) {
  sqlite3_str *s = refusal("AccessDenied", "Request has expired");
  char time[TIME_SIZE];
  element(s, "X-Amz-Expires", lifetime);
  time_format(until, time);
  element(s, "Expires", time);
  time_format(service_now(c->service), time);
  element(s, "ServerTime", time);
  refuse(c, 403, s);
}

/* The path of a request as it is signed: without what leads to it and what
** follows it. To be freed; NULL: there is none. */
static char *signed_path (const struct request *r) {
  const char *path = strstr(r->target, "/media/");
  return path != NULL ? text_copy(path, strcspn(path, "?")) : NULL;
}

int media_check (struct call *c, const char *headers, const char *values) {
  const struct request *r = c->request;
  char *path = signed_path(r);
  struct signing what = {r->method, path, headers, values};
  enum signing_code code = SIGNING_WRONG;
  int repeated;
  int64_t until = 0;
  const char *date = request_param(r, "X-Amz-Date", &repeated);
  const char *lifetime = request_param(r, "X-Amz-Expires", &repeated);
  if (path != NULL)
    code = signing_check(c->service, &what, date, lifetime,
                         request_param(r, "X-Amz-Signature", &repeated),
                         &until);
  sqlite3_free(path);
  if (code == SIGNING_EXPIRED)
    refuse_expired(c, lifetime, until);
  else if (code == SIGNING_WRONG)
    refuse(c, 403,
           refusal("SignatureDoesNotMatch",
                   "The request is not the one that was signed."));
  return code == SIGNING_GOOD;
}

/* ---- Files ---- */

/* What is served: computed bytes, a text, or what a descriptor has. */
struct file {
  int64_t size;
  const char *type, *etag; /* a strong one */
  const struct output *output;
  const char *text;
  int fd; /* where there is none of these */
};

/* Which part of it is to be sent. */
struct slice {
  int64_t first, length;
  enum range_code code;
};

/* Reads the range that is asked for; a condition may make it the whole. That is
** one strong tag, no list as in If-Match. */
static void read_slice (const struct request *r, const struct settings *s,
                        const struct file *f, struct slice *slice) {
  const char *condition = request_header(r, "If-Range");
  int same = s->media_etag == ETAG_STRONG && condition != NULL
             && strcmp(condition, f->etag) == 0;
  slice->code = range_read(s->media_ignore_range || (condition != NULL && !same)
                             ? NULL
                             : request_header(r, "Range"),
                           f->size, &slice->first, &slice->length);
}

/* Adds the headers that describe the file. */
static void describe (struct call *c, const struct settings *s,
                      const struct file *f) {
  if (s->media_etag != ETAG_NONE)
    sqlite3_str_appendf(c->response->headers, "ETag: %s%s\n",
                        s->media_etag == ETAG_WEAK ? "W/" : "", f->etag);
  if (!s->media_ignore_range)
    response_header(c->response, "Accept-Ranges", "bytes");
}

static struct body *make_body (const struct file *f, const struct slice *s) {
  int fd;
  if (f->output != NULL)
    return output_body(f->output, s->first, s->length);
  if (f->text != NULL)
    return body_text(text_copy(f->text + s->first, (size_t)s->length),
                     (size_t)s->length);
  fd = fcntl(f->fd, F_DUPFD_CLOEXEC, 3);
  return fd >= 0 ? body_file(fd, s->first, s->length) : NULL;
}

static void send_slice (struct call *c, const struct settings *s,
                        const struct file *f, const struct slice *slice) {
  struct body *body = make_body(f, slice);
  if (body != NULL && s->media_chunked)
    body->length = -1;
  describe(c, s, f);
  if (slice->code == RANGE_PART)
    sqlite3_str_appendf(
      c->response->headers, "Content-Range: bytes %lld-%lld/%lld\n",
      (long long)slice->first, (long long)(slice->first + slice->length - 1),
      (long long)f->size);
  response_body(c->response, slice->code == RANGE_PART ? 206 : 200, f->type,
                body);
}

static void refuse_range (struct call *c, const struct file *f) {
  sqlite3_str_appendf(c->response->headers, "Content-Range: bytes */%lld\n",
                      (long long)f->size);
  refuse(c, 416,
         refusal("InvalidRange", "The requested range is not satisfiable"));
}

/* Answers that a condition of the request fails; 0: none does. */
static int fail_condition (struct call *c, const struct settings *s,
                           const struct file *f) {
  const struct request *r = c->request;
  const char *match = request_header(r, "If-Match");
  const char *none = request_header(r, "If-None-Match");
  const char *etag = s->media_etag == ETAG_STRONG ? f->etag : "W/";
  if (s->media_etag != ETAG_NONE && match != NULL
      && !range_names_etag(match, etag)) {
    refuse(c, 412,
           refusal("PreconditionFailed", "The file has another entity tag"));
    return 1;
  }
  if (s->media_etag == ETAG_NONE || !range_names_etag(none, f->etag))
    return 0;
  describe(c, s, f);
  c->response->status = 304;
  return 1;
}

static void send_file (struct call *c, const struct settings *s,
                       const struct file *f) {
  struct slice slice;
  if (fail_condition(c, s, f))
    return;
  read_slice(c->request, s, f, &slice);
  if (slice.code == RANGE_OUTSIDE)
    refuse_range(c, f);
  else
    send_slice(c, s, f, &slice);
}

static const char *name_of (const struct request *r) {
  return r->segments[r->segment_count - 1];
}

/* Sends on to elsewhere; 0 where the settings do not say so. */
static int redirect (struct call *c) {
  char *prefix = service_redirect(c->service), *location;
  if (prefix == NULL || *prefix == '\0' || c->request->route->subject != NULL) {
    sqlite3_free(prefix);
    return 0;
  }
  location = sqlite3_mprintf("%z%s", prefix, c->request->target);
  c->response->status = 302;
  if (location != NULL)
    response_header(c->response, "Location", location);
  sqlite3_free(location);
  return 1;
}

int media_begin (struct call *c) {
  c->response->plain = 1;
  return media_check(c, "host", "") && !redirect(c);
}

void media_text (struct call *c, const char *type, char *text, size_t length) {
  struct settings s;
  uint8_t digest[SHA256_SIZE];
  char hex[SHA256_HEX], etag[SHA256_HEX + 2];
  struct file file = {(int64_t)length, type, etag, NULL, text, -1};
  service_settings(c->service, &s);
  sha256_of(text, length, digest);
  sha256_hex(digest, hex);
  sqlite3_snprintf(sizeof(etag), etag, "\"%s\"", hex);
  send_file(c, &s, &file);
  sqlite3_free(text);
}

void media_output (struct call *c) {
  struct settings s;
  struct output output;
  struct file file = {0, NULL, NULL, &output, NULL, -1};
  if (!media_begin(c))
    return;
  service_settings(c->service, &s);
  output_open(&output, name_of(c->request), s.media_size, s.media_version);
  file.size = output.size;
  file.type = output.type;
  file.etag = output.etag;
  send_file(c, &s, &file);
}

void media_upload (struct call *c) {
  struct settings s;
  struct upload upload;
  struct file file = {0, NULL, NULL, NULL, NULL, -1};
  char etag[SHA256_HEX + 2];
  if (!media_begin(c))
    return;
  if (!uploads_find(&c->service->uploads, name_of(c->request), NULL, &upload)) {
    refuse(c, 404, refusal("NoSuchKey", "There is no such file."));
    return;
  }
  service_settings(c->service, &s);
  sqlite3_snprintf(sizeof(etag), etag, "\"%s\"", upload.digest);
  file.size = upload.size;
  file.type = *upload.type != '\0' ? upload.type : "binary/octet-stream";
  file.etag = etag;
  file.fd = upload.fd;
  if (upload.fd >= 0)
    send_file(c, &s, &file);
  else
    refuse(c, 404, refusal("NoSuchKey", "Its bytes are not kept."));
  upload_close(&upload);
}
