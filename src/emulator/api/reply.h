/* SPDX-License-Identifier: MIT
**
** reply: an answer in the making: status, headers, body; and the service's
** form of errors.
*/

#ifndef emulator_reply_h
#define emulator_reply_h

#include "body.h"

#define TYPE_JSON "application/json; charset=utf-8"
#define TYPE_TEXT "text/plain; charset=utf-8"

struct reply {
  int status;
  struct body *body;    /* owned; NULL: empty */
  sqlite3_str *headers; /* lines "Name: value\n" */
  const char *request_id;
  int plain; /* must not be compressed */
};

/* 'request_id' must outlive the reply. */
void reply_open (struct reply *r, const char *request_id);

void reply_close (struct reply *r);

void reply_header (struct reply *r, const char *name, const char *value);

/* Answers with a body, which is then the reply's; NULL is out of memory. */
void reply_body (struct reply *r, int status, const char *type,
                 struct body *body);

/* Answers with a text of SQLite's memory, which is then the reply's. */
void reply_text (struct reply *r, int status, const char *type, char *text,
                 size_t length);

/* Answers with what a builder holds, and ends that. */
void reply_built (struct reply *r, int status, sqlite3_str *s);

/* Answers with an error. 'code' (NULL: none) is of the catalog, which gives
** the suggestion, and where 'message' is NULL that too; 'field' (or NULL) is
** the parameter that is wrong. */
void reply_error (struct reply *r, int status, const char *code,
                  const char *field, const char *message);

/* The same, its status and texts being those of the catalog. */
void reply_code (struct reply *r, const char *code);

/* "Not Found" of 404; "Error" of what is not known. */
const char *reply_reason (int status);

#endif
