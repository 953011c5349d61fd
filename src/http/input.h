/* SPDX-License-Identifier: MIT
**
** input: the files that the bodies of requests are read from, see platform.h.
*/

#ifndef lipsync_input_h
#define lipsync_input_h

#include "body.h"

/* Opens a file, or duplicates its descriptor, into '*opened' (-1: it cannot),
** and judges what it is only then: it may have become something else before.
** Nothing is waited for, not even the writer of a pipe. */
enum body_status input_open (const char *path, int fd, int *opened,
                             struct body_stamp *stamp, int *os_error);

void input_close (int fd);

/* The stamp of an open file; false where there is none. */
int input_stamp (int fd, struct body_stamp *stamp);

/* Reads at most 'n' bytes from 'offset' on, which are there unless the file has
** become shorter. */
enum body_status input_read (int fd, char *out, size_t n, uint64_t offset,
                             size_t *got, int *os_error);

#endif
