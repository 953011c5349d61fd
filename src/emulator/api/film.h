/* SPDX-License-Identifier: MIT
**
** film: a real, small video, written here by hand: a second of 64 x 64 pixels
** in one color, as H.264 in MP4. The first picture gives the color of its first
** block plainly and lets all others follow it; 24 pictures that say "as before"
** come after.
*/

#ifndef emulator_film_h
#define emulator_film_h

#include <stddef.h>
#include <stdint.h>

#define FILM_SIZE 1536 /* bytes that suffice for it */

/* Writes one; 'color' is luminance, blue and red difference, each from 1 to
** 254. Returns how many bytes it has. */
size_t film_make (uint8_t out[FILM_SIZE], const uint8_t color[3]);

#endif
