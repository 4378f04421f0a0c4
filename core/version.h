/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The version: the one place to change. What cannot read it from here (dkms.conf,
 * CHANGELOG.md, debian/changelog) is compared with it by check-style.sh.
 */
#ifndef LABYRINTH_VERSION_H
#define LABYRINTH_VERSION_H

#define LABYRINTH_VERSION "0.1.0"

#endif /* LABYRINTH_VERSION_H */
