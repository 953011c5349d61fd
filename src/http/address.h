/* SPDX-License-Identifier: MIT
**
** address: what kind of place an IP address is. Pure: knows neither sessions
** nor libcurl.
*/

#ifndef lipsync_address_h
#define lipsync_address_h

#include <stddef.h>

struct sockaddr;

enum address_kind {
  ADDRESS_PUBLIC,
  ADDRESS_LOOPBACK, /* this machine: 127.0.0.0/8, ::1, or unspecified */
  ADDRESS_SPECIAL,  /* private, link-local, shared, mapped, reserved, … */
  ADDRESS_NONE      /* no IP address at all */
};

enum address_kind address_kind (const struct sockaddr *address);

/* The same for the first 'n' bytes of a text, such as the host of a URL: "[…]"
** around IPv6 and a zone in it are taken off. ADDRESS_NONE for a name. */
enum address_kind address_kind_of_text (const char *text, size_t n);

/* Whether a connection to the address leads to this machine, also where an IPv4
** address is mapped into IPv6. */
int address_is_loopback (const struct sockaddr *address);

#endif
