/* SPDX-License-Identifier: MIT
**
** response: an answer in the making: status, headers, body; and the service's
** form of errors.
*/

#ifndef emulator_response_h
#define emulator_response_h

#include "body.h"

#define TYPE_JSON "application/json; charset=utf-8"
#define TYPE_TEXT "text/plain; charset=utf-8"

struct response {
  int status;
  struct body *body;    /* owned; NULL: empty */
  sqlite3_str *headers; /* lines "Name: value\n" */
  const char *request_id;
  int plain;        /* must not be compressed */
  const char *more; /* of an error's body: ,"member":value..., or NULL */
};

/* 'request_id' must outlive the response. */
void response_open (struct response *r, const char *request_id);

void response_close (struct response *r);

void response_header (struct response *r, const char *name, const char *value);

/* Answers with a body, which is then the response's; NULL is out of memory. */
void response_body (struct response *r, int status, const char *type,
                    struct body *body);

/* Answers with a text of SQLite's memory, which is then the response's. */
void response_text (struct response *r, int status, const char *type,
                    char *text, size_t length);

/* Answers with 200 and JSON, which is then the response's. */
void response_json (struct response *r, char *json);

/* Answers with what a builder holds, and ends that. */
void response_built (struct response *r, int status, sqlite3_str *s);

/* Answers with an error. 'code' (NULL: none) is of the catalog, which gives
** the suggestion, and where 'message' is NULL that too; 'field' (or NULL) is
** the parameter that is wrong. */
void response_error (struct response *r, int status, const char *code,
                     const char *field, const char *message);

/* The same, its status and texts being those of the catalog. */
void response_code (struct response *r, const char *code);

#endif
