/* SPDX-License-Identifier: MIT
**
** assets: files that an organization keeps: how they are announced, uploaded by
** a signed PUT, named, listed and deleted.
*/

#ifndef emulator_assets_h
#define emulator_assets_h

#include "resource.h"

/* POST: where to put a file, and where it is then. */
void assets_announce (struct call *c);

/* PUT to a URL that assets_announce gave. */
void assets_put (struct call *c);

/* POST: makes an asset of an uploaded file, or of any URL. */
void assets_create (struct call *c);

/* POST: those with the ids of the body, as {items}. */
void assets_many (struct call *c);

/* The name in the store that a URL of the emulator's own gives, whose signature
** it cuts off; NULL: it is another's URL. */
const char *assets_own_name (const struct call *c, char *url);

extern const struct resource assets;

#endif
