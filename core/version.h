/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The version: the only place to change. check-style.sh compares the version with dkms.conf,
 * CHANGELOG.md and debian/changelog, which cannot include this file.
 */
#ifndef LABYRINTH_VERSION_H
#define LABYRINTH_VERSION_H

#define LABYRINTH_VERSION "0.1.0"

#endif /* LABYRINTH_VERSION_H */
