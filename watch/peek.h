/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How labyrinth_watch reads the kernel's memory: by copies that survive a fault. Nothing
 * that is read is locked, so each object may change or be freed while it is being read.
 * A reader therefore asks of every address whether the object that should be there is.
 */
#ifndef WATCH_PEEK_H
#define WATCH_PEEK_H

#include <linux/mm.h>
#include <linux/uaccess.h>

/* Frames that there are, the last one excluded. */
extern unsigned long watch_end_pfn;

void watch_peek_init(void);

/*
 * What lies below the direct map is no kernel memory. Some kernels take an address for a
 * kernel's that the processor, with four levels of page tables, does not.
 */
static inline bool watch_peek(void *to, const void *from, size_t size)
{
	return (unsigned long)from >= PAGE_OFFSET && !copy_from_kernel_nofault(to, from, size);
}

/* One object, whose type the compiler compares. */
#define WATCH_PEEK(to, from) ({						\
	const typeof(to) *watch_from = (from);				\
									\
	watch_peek(&(to), watch_from, sizeof(*watch_from));		\
})

/*
 * Whether @test, as PageSlab(), holds of @page. A page may become something else while it
 * is asked, which data_race() says: an answer is a hint of where to look, and nothing that
 * follows from it needs it to be true.
 */
#define WATCH_IS(test, page)	data_race(test(page))

/* Whether @addr is in the direct map, or would be if the frame were there. */
static inline bool watch_is_direct(unsigned long addr)
{
	return addr - PAGE_OFFSET < watch_end_pfn << PAGE_SHIFT;
}

static inline unsigned long watch_direct_pfn(unsigned long addr)
{
	return (addr - PAGE_OFFSET) >> PAGE_SHIFT;
}

/* Some pointers to pages carry marks in their lowest bits. */
#define WATCH_MARKS	7UL

/*
 * Which frame @word names: as a pointer to its struct page, or as an address in it.
 * Return: the frame's number, or 0.
 */
static inline unsigned long watch_word_pfn(unsigned long word)
{
	unsigned long offset = (word & ~WATCH_MARKS) - VMEMMAP_START;

	if (watch_is_direct(word))
		return watch_direct_pfn(word);
	if (offset >= watch_end_pfn * sizeof(struct page) || offset % sizeof(struct page))
		return 0;
	return offset / sizeof(struct page);
}

/* The struct page of the frame that has @addr, or NULL. */
struct page *watch_page_at(const void *addr);

#endif /* WATCH_PEEK_H */
