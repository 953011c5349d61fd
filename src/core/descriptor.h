/* SPDX-License-Identifier: MIT
**
** descriptor: keeps what we open away from 0, 1 and 2, which the kernel gives
** out where a program has closed them: what it or others write to standard
** error would go there.
*/

#ifndef lipsync_descriptor_h
#define lipsync_descriptor_h

#define DESCRIPTOR_FIRST 3

/* 'fd', or another number for it if it is too low; that closes on exec.
** Negative with errno when 'fd' is, or when that fails; 'fd' is closed then. */
int descriptor_keep (int fd);

/* Takes the low numbers that are free, for while a library opens its own; gives
** them back. */
void descriptor_fill (int taken[DESCRIPTOR_FIRST]);
void descriptor_release (const int taken[DESCRIPTOR_FIRST]);

#endif
