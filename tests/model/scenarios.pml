/* SPDX-License-Identifier: GPL-2.0-only */
/* How large each scenario of the model is; what happens in it: labyrinth.pml. */

/* BASE stands for LAB_REFS_EXCLUSIVE: more than others ever take or drop here. */
#if defined(CALLS)
#define PAGES	1
#define SLOTS	2
#define OWNERS	2
#define CPUS	2
#define PROCS	4
#define BASE	4
#elif defined(LISTS)
#define PAGES	3
#define SLOTS	3
#define OWNERS	1
#define CPUS	2
#define PROCS	4
#define BASE	2
#elif defined(SHRINK)
#define PAGES	2
#define SLOTS	2
#define OWNERS	1
#define CPUS	2
#define PROCS	5
#define BASE	2
#elif defined(DESTROY)
#define PAGES	2
#define SLOTS	2
#define STASH	2
#define WIDTH	1
#define OWNERS	1
#define CPUS	1
#define PROCS	6
#define BASE	2
#elif defined(RETIRE)
#define PAGES	1
#define SLOTS	2
#define OWNERS	2
#define CPUS	1
#define PROCS	6
#define BASE	3
#elif defined(LOOKUP)
#define PAGES	4
#define SLOTS	4
#define STASH	2
#define WIDTH	1
#define OWNERS	1
#define CPUS	1
#define PROCS	5
#define BASE	2
#elif defined(DEPOT)
#define PAGES	3
#define SLOTS	3
#define OWNERS	1
#define CPUS	2
#define PROCS	5
#define BASE	2
#elif defined(LIMBO_LIST)
#define PAGES	3
#define SLOTS	3
#define OWNERS	1
#define CPUS	1
#define PROCS	5
#define BASE	2
#elif defined(BULK)
#define PAGES	2
#define SLOTS	2
#define OWNERS	2
#define CPUS	1
#define PROCS	5
#define BASE	2
#elif defined(SINGLE)
#define PAGES	2
#define SLOTS	2
#define OWNERS	2
#define CPUS	2
#define PROCS	4
#define BASE	2
#endif

#ifndef STASH
#define STASH	SLOTS
#define WIDTH	SLOTS
#endif

/* How many tags fit a description. */
#define TAGS_OF(p)	COUNT(PAGE, p)
#define TAGS_OWNED(o)	COUNT(TAGGED_BY, (o) + 1)
#define TAGGED_BY(tag)	((tag) == 0 -> 0 : OWNER(tag) + 1)
#define COUNT2(what, x)	((what(tags[0]) == (x)) + (what(tags[1]) == (x)))
#define COUNT3(what, x)	(COUNT2(what, x) + (what(tags[2]) == (x)))
#define COUNT4(what, x)	(COUNT3(what, x) + (what(tags[3]) == (x)))
/* Where the tag of a page stands that has one. */
#define SLOT2(p)	(PAGE(tags[0]) == (p) -> 0 : 1)
#define SLOT3(p)	(PAGE(tags[2]) == (p) -> 2 : SLOT2(p))
#define SLOT4(p)	(PAGE(tags[3]) == (p) -> 3 : SLOT3(p))
#if SLOTS == 2
#define COUNT	COUNT2
#define SLOT_OF	SLOT2
#elif SLOTS == 3
#define COUNT	COUNT3
#define SLOT_OF	SLOT3
#elif SLOTS == 4
#define COUNT	COUNT4
#define SLOT_OF	SLOT4
#endif
