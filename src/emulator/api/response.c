/* SPDX-License-Identifier: MIT
**
** response: see response.h.
*/

#include "response.h"
#include "catalog.h"
#include "../store/text.h"

#include <string.h>

void response_open (struct response *r, const char *request_id) {
  memset(r, 0, sizeof(*r));
  r->status = 500;
  r->request_id = request_id;
  r->headers = sqlite3_str_new(NULL);
}

void response_close (struct response *r) {
  body_close(r->body);
  sqlite3_free(sqlite3_str_finish(r->headers));
  r->body = NULL;
  r->headers = NULL;
}

void response_header (struct response *r, const char *name, const char *value) {
  sqlite3_str_appendf(r->headers, "%s: %s\n", name, value);
}

void response_body (struct response *r, int status, const char *type,
                    struct body *body) {
  body_close(r->body);
  r->body = body;
  r->status = body != NULL ? status : 500;
  if (type != NULL)
    response_header(r, "Content-Type", type);
}

void response_text (struct response *r, int status, const char *type,
                    char *text, size_t length) {
  response_body(r, status, type, body_text(text, length));
}

void response_json (struct response *r, char *json) {
  response_text(r, 200, TYPE_JSON, json, json != NULL ? strlen(json) : 0);
}

void response_built (struct response *r, int status, sqlite3_str *s) {
  size_t length;
  char *text = text_finish(s, &length);
  response_text(r, status, TYPE_JSON, text, length);
}

/* "Not Found" of 404; "Error" of an unknown status. */
static const char *reason_of (int status) {
  switch (status) {
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 402: return "Payment Required";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 408: return "Request Timeout";
    case 409: return "Conflict";
    case 413: return "Payload Too Large";
    case 414: return "URI Too Long";
    case 422: return "Unprocessable Entity";
    case 429: return "Too Many Requests";
    case 500: return "Internal Server Error";
    case 501: return "Not Implemented";
    case 502: return "Bad Gateway";
    case 503: return "Service Unavailable";
    case 504: return "Gateway Timeout";
    default: return "Error";
  }
}

/* Appends ,"name":"text" if there is a text. */
static void member (sqlite3_str *s, const char *name, const char *text) {
  if (text == NULL)
    return;
  sqlite3_str_appendf(s, ",\"%s\":", name);
  text_quote(s, text);
}

void response_error (struct response *r, int status, const char *code,
                     const char *field, const char *message) {
  const struct catalog_entry *entry = code != NULL ? catalog_find(code) : NULL;
  sqlite3_str *s = sqlite3_str_new(NULL);
  if (message == NULL)
    message = entry != NULL ? entry->message : reason_of(status);
  sqlite3_str_appendall(s, "{\"message\":");
  text_quote(s, message);
  sqlite3_str_appendf(s, ",\"statusCode\":%d", status);
  member(s, "error", reason_of(status));
  member(s, "errorCode", code);
  member(s, "field", field);
  member(s, "suggestion", entry != NULL ? entry->suggestion : NULL);
  member(s, "requestId", r->request_id);
  if (r->more != NULL)
    sqlite3_str_appendall(s, r->more);
  sqlite3_str_appendchar(s, 1, '}');
  response_built(r, status, s);
}

void response_code (struct response *r, const char *code) {
  const struct catalog_entry *entry = catalog_find(code);
  response_error(r, entry->status, code, NULL, NULL);
}
