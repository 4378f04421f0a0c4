/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How labyrinth_watch reads the kernel's memory: by copies that survive a fault. No lock is
 * taken, so the kernel may change or free any object during the read. A reader therefore
 * checks for every address that the expected object is there.
 */
#ifndef WATCH_PEEK_H
#define WATCH_PEEK_H

#include <linux/mm.h>
#include <linux/uaccess.h>

/* The first frame number after the machine's last frame. */
extern unsigned long watch_end_pfn;

void watch_peek_init(void);

/*
 * No kernel memory lies below the direct map. With four levels of page tables, some kernels'
 * copy_from_kernel_nofault() accepts such an address, though the processor does not.
 */
static inline bool watch_peek(void *to, const void *from, size_t size)
{
	return (unsigned long)from >= PAGE_OFFSET && !copy_from_kernel_nofault(to, from, size);
}

/* Copy a single object; the compiler compares the types. */
#define WATCH_PEEK(to, from) ({						\
	const typeof(to) *watch_from = (from);				\
									\
	watch_peek(&(to), watch_from, sizeof(*watch_from));		\
})

/*
 * Whether @test, for instance PageSlab(), holds of @page. The allocator may change the page
 * during the test, hence data_race(). The answer is a hint of where to look: no caller needs
 * a true answer.
 */
#define WATCH_IS(test, page)	data_race(test(page))

/*
 * A word that the core writes by plain stores, maybe meanwhile: data_race(), since the value is a
 * hint that the caller checks; READ_ONCE(), since the caller checks that very value.
 */
#define WATCH_LOAD(word)	data_race(READ_ONCE(word))

/* The page allocator has no larger blocks. */
#define WATCH_MAX_ORDER	18

/*
 * The head of @page's block, which is @page itself for most pages. NULL where the word that leads
 * to the head leads to none: any stale pointer in the kernel may have written that word. The
 * core's tests of struct page follow the word, so only a page that is a head is tested. Between
 * the look here and such a test the word may change, as for the core's own /proc/kpageflags.
 */
static inline struct page *watch_head(struct page *page)
{
	/* Harmless: a head that is old is checked as any other. */
	struct page *head = (struct page *)data_race(compound_head(page));
	unsigned long distance = (unsigned long)page - (unsigned long)head;

	if (likely(!distance))
		return page;
	if (distance >= sizeof(struct page) << WATCH_MAX_ORDER || distance % sizeof(struct page) ||
	    !pfn_to_online_page(page_to_pfn(head)))
		return NULL;
	/* Harmless: as above. */
	return data_race(compound_head(head)) == (void *)head ? head : NULL;
}

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
 * Which frame @word names: as a pointer to the struct page, or as an address in the frame.
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
