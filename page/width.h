/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How many bytes an instruction reads or writes. See page/width.c.
 */
#ifndef LABYRINTH_WIDTH_H
#define LABYRINTH_WIDTH_H

unsigned int lab_width_at(unsigned long ip);

#endif /* LABYRINTH_WIDTH_H */
