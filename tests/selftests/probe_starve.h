/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef LABYRINTH_PROBE_STARVE_H
#define LABYRINTH_PROBE_STARVE_H

int probe_starve(unsigned long frames);

#endif /* LABYRINTH_PROBE_STARVE_H */
