/* SPDX-License-Identifier: MIT
**
** media: see media.h.
*/

#include "media.h"
#include "output.h"
#include "range.h"
#include "../service/signing.h"
#include "../store/iso_time.h"
#include "../store/text.h"

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

/* Whether the request's URL was signed for it, and is still good; else it has
** refused. 'headers' and 'values' are as in struct signing. */
static int check_signature (struct call *c, const char *headers,
                            const char *values) {
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

/* ---- Outputs ---- */

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

/* What is to be sent. */
struct slice {
  int64_t first, length;
  enum range_code code;
};

/* Reads the range that is asked for; a condition may make it the whole. */
static void read_slice (const struct request *r, const struct settings *s,
                        const struct output *o, struct slice *slice) {
  const char *condition = request_header(r, "If-Range");
  int same = s->media_etag == ETAG_STRONG
             && range_names_etag(condition, o->etag);
  slice->code = range_read(s->media_ignore_range || (condition != NULL && !same)
                             ? NULL
                             : request_header(r, "Range"),
                           o->size, &slice->first, &slice->length);
}

/* Adds the headers that describe the file. */
static void describe (struct call *c, const struct settings *s,
                      const struct output *o) {
  if (s->media_etag != ETAG_NONE)
    sqlite3_str_appendf(c->response->headers, "ETag: %s%s\n",
                        s->media_etag == ETAG_WEAK ? "W/" : "", o->etag);
  if (!s->media_ignore_range)
    response_header(c->response, "Accept-Ranges", "bytes");
}

static void send_slice (struct call *c, const struct settings *s,
                        const struct output *o, const struct slice *slice) {
  struct body *body = output_body(o, slice->first, slice->length);
  if (body != NULL && s->media_chunked)
    body->length = -1;
  describe(c, s, o);
  if (slice->code == RANGE_PART)
    sqlite3_str_appendf(
      c->response->headers, "Content-Range: bytes %lld-%lld/%lld\n",
      (long long)slice->first, (long long)(slice->first + slice->length - 1),
      (long long)o->size);
  response_body(c->response, slice->code == RANGE_PART ? 206 : 200, o->type,
                body);
}

static void refuse_range (struct call *c, const struct output *o) {
  sqlite3_str_appendf(c->response->headers, "Content-Range: bytes */%lld\n",
                      (long long)o->size);
  refuse(c, 416,
         refusal("InvalidRange", "The requested range is not satisfiable"));
}

/* Answers by the conditions of the request; 0 where there is none to fail. */
static int fail_condition (struct call *c, const struct settings *s,
                           const struct output *o) {
  const struct request *r = c->request;
  const char *match = request_header(r, "If-Match");
  const char *none = request_header(r, "If-None-Match");
  const char *etag = s->media_etag == ETAG_STRONG ? o->etag : "W/";
  if (s->media_etag != ETAG_NONE && match != NULL
      && !range_names_etag(match, etag)) {
    refuse(c, 412,
           refusal("PreconditionFailed", "The file has another entity tag"));
    return 1;
  }
  if (s->media_etag == ETAG_NONE || !range_names_etag(none, o->etag))
    return 0;
  describe(c, s, o);
  c->response->status = 304;
  return 1;
}

void media_output (struct call *c) {
  const struct request *r = c->request;
  const char *name = r->segments[r->segment_count - 1];
  struct settings settings;
  struct output output;
  struct slice slice;
  c->response->plain = 1;
  if (!check_signature(c, "host", "") || redirect(c))
    return;
  service_settings(c->service, &settings);
  output_open(&output, name, settings.media_size, settings.media_version);
  if (fail_condition(c, &settings, &output))
    return;
  read_slice(r, &settings, &output, &slice);
  if (slice.code == RANGE_OUTSIDE)
    refuse_range(c, &output);
  else
    send_slice(c, &settings, &output, &slice);
}
