/* SPDX-License-Identifier: MIT
**
** exchange: one request and its response, between libmicrohttpd's callbacks.
** Their first argument is the service.
*/

#ifndef emulator_exchange_h
#define emulator_exchange_h

#include "../service/service.h"

#include <microhttpd.h>

/* MHD_OPTION_URI_LOG_CALLBACK: an exchange begins with its raw target. */
void *exchange_begin (void *service, const char *uri,
                      struct MHD_Connection *connection);

/* MHD_AccessHandlerCallback: head, body so much at a time, then the end. */
enum MHD_Result exchange_step (void *service, struct MHD_Connection *connection,
                               const char *url, const char *method,
                               const char *version, const char *data,
                               size_t *size, void **state);

/* MHD_OPTION_NOTIFY_COMPLETED: it is over, in whatever way. */
void exchange_end (void *service, struct MHD_Connection *connection,
                   void **state, enum MHD_RequestTerminationCode how);

/* Lets this thread, which is the emulator's own, read numbers as they are in
** JSON: SQLite may ask the C library, and the program may have set a locale
** with a decimal comma. */
void exchange_leave_locale (void);

#endif
