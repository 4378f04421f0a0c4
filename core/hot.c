// SPDX-License-Identifier: GPL-2.0-only
/*
 * The line that every look-up reads. Written by init alone, before there is an owner.
 */
#include <linux/module.h>

#include "inline/hot.h"
#include "labyrinth_compat.h"

/* Exported for the public header, not for drivers. */
struct labyrinth_hot labyrinth_hot __read_mostly;
EXPORT_SYMBOL_NS_GPL(labyrinth_hot, LAB_NS);
