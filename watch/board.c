// SPDX-License-Identifier: GPL-2.0-only
/*
 * The board of shared hooks, in this module: see hook/board.c. Both modules compile the board,
 * each with names of the module's own.
 */
#define LAB_BOARD_MINE		labyrinth_watch_board
#define LAB_BOARD_THEIRS	labyrinth_board
#define LAB_RANK_MINE		LAB_RANK_WATCH

#include "hook/board.c"
