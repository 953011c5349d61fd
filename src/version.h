/* SPDX-License-Identifier: MIT
**
** version: of the client and of the emulator, which are released together.
** scripts/dist reads it from here.
*/

#ifndef lipsync_version_h
#define lipsync_version_h

#define LIPSYNC_VERSION "0.2.0"

#endif
