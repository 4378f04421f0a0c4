/* SPDX-License-Identifier: GPL-2.0-only */
/* See sealed_image.c. */
#ifndef LABYRINTH_SEALED_IMAGE_H
#define LABYRINTH_SEALED_IMAGE_H

int sealed_image(void);

#endif /* LABYRINTH_SEALED_IMAGE_H */
