/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The key that labyrinth_keeper keeps and labyrinth_thief looks for. The first word is random,
 * and each other word follows from the word before. So the thief knows the key at sight, without
 * a copy to compare with, which the search would find first.
 */
#ifndef LABYRINTH_KEY_H
#define LABYRINTH_KEY_H

#include <linux/types.h>

#define KEY_WORDS	4U

static inline u64 key_word_after(u64 word)
{
	word ^= word >> 29;
	return word * 0xbf58476d1ce4e5b9ULL;
}

static inline bool is_key(const u64 *words)
{
	unsigned int i;

	/* 0 follows 0, and most of memory is that. */
	if (!words[0])
		return false;
	for (i = 1; i < KEY_WORDS; i++)
		if (words[i] != key_word_after(words[i - 1]))
			return false;
	return true;
}

#endif /* LABYRINTH_KEY_H */
