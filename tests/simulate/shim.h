/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * As much of the kernel as Labyrinth's table, lists, caches, depot, owners and main calls ask
 * for, in user space: scripts/simulate.sh has every <linux/...> header lead here. The machine
 * behind it, its CPUs, nodes and page allocator, is in machine.c.
 *
 * A single thread plays all CPUs, one call after the other, so locks, preemption and RCU are
 * nothing here. Every load, store and atomic operation is told to lines.c by the compiler
 * (-fsanitize=thread).
 */
#ifndef LABYRINTH_SIMULATE_SHIM_H
#define LABYRINTH_SIMULATE_SHIM_H

#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The configuration. UML's means: no sealed pages, which are not simulated. */
#define CONFIG_64BIT			1
#define CONFIG_X86_64			1
#define CONFIG_UML			1
#define CONFIG_SPARSEMEM_VMEMMAP	1

#define LAB_TAKE_SECOND(ignored, second, ...) second
#define LAB_PLACEHOLDER_1 0,
#define LAB_IS_SET(value) LAB_IS_SET_2(value)
#define LAB_IS_SET_2(value) LAB_IS_SET_3(LAB_PLACEHOLDER_##value)
#define LAB_IS_SET_3(junk) LAB_TAKE_SECOND(junk 1, 0)
#define IS_ENABLED(option) LAB_IS_SET(option)

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef unsigned long long u64;
typedef int8_t s8;
typedef int32_t s32;
typedef long long s64;
typedef unsigned int gfp_t;
typedef u64 dma_addr_t;
typedef struct { int counter; } atomic_t;
typedef struct { long counter; } atomic_long_t;

#define U32_MAX			UINT32_MAX
#define S32_MAX			INT32_MAX
#define U64_MAX			ULLONG_MAX

#define EPERM			1
#define ENOENT			2
#define EAGAIN			11
#define ENOMEM			12
#define EBUSY			16
#define EINVAL			22
#define ENOSPC			28
#define EOPNOTSUPP		95
#define EUCLEAN			117
#define ESTALE			116

#define likely(x)		__builtin_expect(!!(x), 1)
#define unlikely(x)		__builtin_expect(!!(x), 0)
#undef __always_inline
#define __always_inline		inline __attribute__((always_inline))
#define noinline		__attribute__((noinline))
#define __aligned(x)		__attribute__((aligned(x)))
#define __percpu
#define __read_mostly
#define __acquires(x)
#define __releases(x)
#define __init
#define __exit
#define __must_check
#define static_assert(expr, ...) _Static_assert(expr, #expr)
#define BUILD_BUG_ON(cond)	_Static_assert(!(cond), #cond)
#define barrier()		__asm__ volatile("" : : : "memory")
#define data_race(expr)		(expr)
#define OPTIMIZER_HIDE_VAR(var)	__asm__("" : "=r" (var) : "0" (var))
#define _RET_IP_		((unsigned long)__builtin_return_address(0))
#define _THIS_IP_		((unsigned long)sim_this_ip)
extern char sim_this_ip[];

#define container_of(ptr, type, member) \
	((type *)((char *)(ptr) - offsetof(type, member)))
#define offsetofend(type, member) \
	(offsetof(type, member) + sizeof(((type *)0)->member))

#define SMP_CACHE_BYTES		64
#define L1_CACHE_BYTES		64
#define ____cacheline_aligned	__aligned(SMP_CACHE_BYTES)
#define PAGE_SHIFT		12
#define PAGE_SIZE		(1UL << PAGE_SHIFT)
#define SZ_4K			4096
#define BITS_PER_BYTE		8
#define BITS_PER_LONG_LONG	64
#define TASK_COMM_LEN		16
#define HZ			250
#define MSEC_PER_SEC		1000
#define NUMA_NO_NODE		(-1)

#define BIT(n)			(1UL << (n))
#define BIT_ULL(n)		(1ULL << (n))
#define GENMASK(h, l)		((~0UL << (l)) & (~0UL >> (63 - (h))))
#define GENMASK_ULL(h, l)	((~0ULL << (l)) & (~0ULL >> (63 - (h))))
#define ARRAY_SIZE(a)		(sizeof(a) / sizeof((a)[0]))
#define DIV64_U64_ROUND_UP(a, b) (((a) + (b) - 1) / (b))
#define div64_u64(a, b)		((u64)(a) / (b))
#define roundup(x, y)		(((x) + (y) - 1) / (y) * (y))
#define lower_32_bits(n)	((u32)(n))
#define upper_32_bits(n)	((u32)((u64)(n) >> 32))

#define min(a, b) ({ __auto_type sim_a = (a); __auto_type sim_b = (b);	\
	sim_a < sim_b ? sim_a : sim_b; })
#define max(a, b) ({ __auto_type sim_a = (a); __auto_type sim_b = (b);	\
	sim_a > sim_b ? sim_a : sim_b; })
#define min_t(type, a, b)	min((type)(a), (type)(b))
#define max_t(type, a, b)	max((type)(a), (type)(b))
#define clamp(v, lo, hi)	min_t(__typeof__(v), max_t(__typeof__(v), v, lo), hi)
#define clamp_t(type, v, lo, hi) min_t(type, max_t(type, v, lo), hi)

static inline u32 ror32(u32 word, unsigned int shift)
{
	return word >> (shift & 31) | word << (-shift & 31);
}

static inline u32 rol32(u32 word, unsigned int shift)
{
	return word << (shift & 31) | word >> (-shift & 31);
}

static inline u64 ror64(u64 word, unsigned int shift)
{
	return word >> (shift & 63) | word << (-shift & 63);
}

static inline unsigned long roundup_pow_of_two(unsigned long n)
{
	return n > 1 ? 1UL << (64 - __builtin_clzl(n - 1)) : 1;
}

static inline unsigned long rounddown_pow_of_two(unsigned long n)
{
	return 1UL << (63 - __builtin_clzl(n));
}

#define is_power_of_2(n)	((n) && !((n) & ((n) - 1)))
#define __ffs(word)		((unsigned int)__builtin_ctzl(word))
static inline unsigned int hweight32(u32 word)
{
	unsigned int bits = 0;

	for (; word; word &= word - 1)
		bits++;
	return bits;
}


/* Loads and stores. fill.c counts the loads of tags, which no other u64 is in a look-up. */
#ifdef SIM_COUNT_LOADS
extern unsigned long sim_loads;
#define READ_ONCE(x) ({							\
	sim_loads += __builtin_types_compatible_p(__typeof__(x), u64);	\
	*(const volatile __typeof__(x) *)&(x);				\
})
#else
#define READ_ONCE(x)		(*(const volatile __typeof__(x) *)&(x))
#endif
#define WRITE_ONCE(x, value)	(*(volatile __typeof__(x) *)&(x) = (value))
/* A single thread plays all CPUs: no barrier pairs with anything. */
#define smp_load_acquire(p)	__atomic_load_n(p, __ATOMIC_ACQUIRE)
#define smp_store_release(p, value) __atomic_store_n(p, value, __ATOMIC_RELEASE)
#define smp_rmb()		barrier()
#define smp_wmb()		barrier()
#define smp_mb__before_atomic()	barrier()
#define smp_mb__after_atomic()	barrier()
#define cpu_relax()		barrier()
#define cmpxchg(ptr, old, new) ({					\
	__typeof__(*(ptr)) sim_old = (old);				\
	__atomic_compare_exchange_n(ptr, &sim_old, new, false,		\
				    __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST); \
	sim_old;							\
})
#define try_cmpxchg(ptr, old, new) \
	__atomic_compare_exchange_n(ptr, old, new, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)
#define xchg(ptr, value)	__atomic_exchange_n(ptr, value, __ATOMIC_SEQ_CST)

#define atomic_read(v)		__atomic_load_n(&(v)->counter, __ATOMIC_RELAXED)
#define atomic_read_acquire(v)	__atomic_load_n(&(v)->counter, __ATOMIC_ACQUIRE)
#define atomic_set(v, i)	__atomic_store_n(&(v)->counter, i, __ATOMIC_RELAXED)
#define atomic_add(i, v)	((void)__atomic_fetch_add(&(v)->counter, i, __ATOMIC_SEQ_CST))
#define atomic_sub(i, v)	((void)__atomic_fetch_sub(&(v)->counter, i, __ATOMIC_SEQ_CST))
#define atomic_inc(v)		atomic_add(1, v)
#define atomic_dec(v)		atomic_sub(1, v)
#define atomic_inc_return(v)	(__atomic_fetch_add(&(v)->counter, 1, __ATOMIC_SEQ_CST) + 1)
#define atomic_try_cmpxchg(v, old, new)	try_cmpxchg(&(v)->counter, old, new)
#define atomic_long_read	atomic_read
#define atomic_long_add		atomic_add
#define atomic_long_sub		atomic_sub
#define atomic_long_inc		atomic_inc
#define atomic_long_dec		atomic_dec

#define test_bit(nr, addr)	(!!(READ_ONCE(*(addr)) & BIT(nr)))
#define set_bit(nr, addr)	((void)__atomic_fetch_or(addr, BIT(nr), __ATOMIC_RELAXED))
#define clear_bit(nr, addr)	((void)__atomic_fetch_and(addr, ~BIT(nr), __ATOMIC_RELAXED))

/* Strings. A copy is told to lines.c, which the compiler does not do by itself. */
void sim_touch(const void *addr, size_t size, bool write);
int strcmp(const char *a, const char *b);
void *memset(void *to, int value, size_t size);

#define memcpy(to, from, size) ({					\
	sim_touch(from, size, false);					\
	sim_touch(to, size, true);					\
	__builtin_memcpy(to, from, size);				\
})
#define strscpy(to, from, size)	({ __builtin_strncpy(to, from, (size) - 1); 0; })

/* Hashes: as the kernel's, save for siphash, of which only that it is a hash matters here. */
#define GOLDEN_RATIO_32		0x61C88647U
#define GOLDEN_RATIO_64		0x61C8864680B583EBULL
#define hash_long(value, bits)	((u64)(value) * GOLDEN_RATIO_64 >> (64 - (bits)))

static inline u32 jhash_2words(u32 a, u32 b, u32 initval)
{
	u32 c = initval + 0xdeadbeefU + (2U << 2);

	a += c;
	b += c;
	c ^= b; c -= rol32(b, 14);
	a ^= c; a -= rol32(c, 11);
	b ^= a; b -= rol32(a, 25);
	c ^= b; c -= rol32(b, 16);
	a ^= c; a -= rol32(c, 4);
	b ^= a; b -= rol32(a, 14);
	c ^= b; c -= rol32(b, 24);
	return c;
}

typedef struct { u64 key[2]; } siphash_key_t;

static inline u64 siphash_2u64(u64 a, u64 b, const siphash_key_t *key)
{
	return (a ^ ror64(b, 29) ^ key->key[0]) * GOLDEN_RATIO_64;
}

#define siphash_1u32(a, key)	siphash_2u64(a, 0, key)
#define siphash_1u64(a, key)	siphash_2u64(a, 0, key)
#define siphash_2u32(a, b, key)	siphash_2u64(a, b, key)
#define get_random_bytes(to, size) memset(to, 0x5a, size)

struct list_head {
	struct list_head *next, *prev;
};

#define LIST_HEAD(name)		struct list_head name = { &(name), &(name) }

static inline void list_add_tail(struct list_head *new, struct list_head *head)
{
	new->next = head;
	new->prev = head->prev;
	head->prev->next = new;
	head->prev = new;
}

static inline void list_del(struct list_head *entry)
{
	entry->next->prev = entry->prev;
	entry->prev->next = entry->next;
}

#define list_first_entry_or_null(head, type, member) \
	((head)->next == (head) ? NULL : container_of((head)->next, type, member))

/* Locks and contexts: there is nobody else, and no context but a task's. */
struct mutex { int unused; };
typedef struct { int unused; } raw_spinlock_t;
struct rw_semaphore { int unused; };
struct mm_struct { struct rw_semaphore mmap_lock; };

#define DEFINE_MUTEX(name)	struct mutex name
#define mutex_lock(lock)	((void)(lock))
#define mutex_trylock(lock)	((void)(lock), true)
#define mutex_unlock(lock)	((void)(lock))
#define down_write_trylock(lock) ((void)(lock), true)
#define lockdep_assert_held(lock) ((void)(lock))
#define raw_spin_lock_init(lock) ((void)(lock))
#define raw_spin_lock_irqsave(lock, flags)	((void)(lock), (flags) = 0)
#define raw_spin_unlock_irqrestore(lock, flags)	((void)(lock), (void)(flags))
#define local_irq_save(flags)	((flags) = 0)
#define local_irq_restore(flags) ((void)(flags))
#define preempt_disable()	barrier()
#define preempt_enable()	barrier()
#define preemptible()		true
#define rcu_read_lock()		barrier()
#define rcu_read_unlock()	barrier()
#define synchronize_rcu_expedited() barrier()
#define cond_resched()		barrier()
#define in_nmi()		false
#define in_hardirq()		false
#define in_serving_softirq()	false
#define in_task()		true
#define current			((struct task_struct *)NULL)
extern unsigned long jiffies;
#define time_before(a, b)	((long)((a) - (b)) < 0)

/* Messages and parameters. */
struct kernel_param_ops { int unused; };
struct kernel_param { int unused; };
struct module { char name[32]; };
struct device { int unused; };
struct seq_file;
struct vm_area_struct { unsigned long vm_flags; };

#define MODULE_INFO(tag, info)
#define MODULE_PARM_DESC(name, text)
/* A parameter's value can be reached by its name. */
#define module_param_cb(name, ops, arg, mode) \
	extern void *sim_param_##name;		\
	void *sim_param_##name = (arg)
#define EXPORT_SYMBOL_NS_GPL(sym, ns)
#define THIS_MODULE		((struct module *)NULL)
#define WARN_ONCE(cond, text)	((void)(cond))
#define pr_err_once(text)	((void)0)
#define pr_warn(text, args...)	((void)0)
#define IS_ERR(ptr)		((unsigned long)(ptr) >= -4095UL)
#define ERR_PTR(err)		((void *)(long)(err))
#define PTR_ERR(ptr)		((long)(ptr))

/* CPUs and nodes. Each CPU has its own copy of the memory of alloc_percpu(). */
extern unsigned int sim_cpu, sim_cpus, nr_node_ids;
extern const unsigned long sim_percpu_unit;

void *sim_alloc_percpu(size_t size);
unsigned int sim_node_of_cpu(unsigned int cpu);

#define alloc_percpu(type)	((type *)sim_alloc_percpu(sizeof(type)))
#define free_percpu(ptr)	((void)(ptr))
#define per_cpu_ptr(ptr, cpu) \
	((__typeof__(ptr))((char *)(ptr) + (cpu) * sim_percpu_unit))
#define this_cpu_ptr(ptr)	per_cpu_ptr(ptr, sim_cpu)
#define this_cpu_inc_return(var) (++*this_cpu_ptr(&(var)))
#define this_cpu_dec_return(var) (--*this_cpu_ptr(&(var)))
#define num_possible_cpus()	sim_cpus
#define for_each_possible_cpu(cpu) for ((cpu) = 0; (unsigned int)(cpu) < sim_cpus; (cpu)++)
#define for_each_online_cpu	for_each_possible_cpu
#define numa_mem_id()		sim_node_of_cpu(sim_cpu)

/* Memory. */
#define GFP_KERNEL		0U
#define GFP_ATOMIC		0U
#define __GFP_ZERO		0U
#define __GFP_NOWARN		0U
#define __GFP_THISNODE		0U
#define __GFP_RETRY_MAYFAIL	0U
#define __GFP_NORETRY		0U

void *sim_alloc(size_t size);
void sim_free(const void *memory);

#define size_add(a, b)		((size_t)(a) + (b))
#define array_size(n, size)	((size_t)(n) * (size))
#define struct_size(ptr, member, n) \
	(sizeof(*(ptr)) + (n) * sizeof((ptr)->member[0]))
#define vzalloc(size)		sim_alloc(size)
#define vfree(memory)		sim_free(memory)
#define kmalloc(size, gfp)	sim_alloc(size)
#define kzalloc(size, gfp)	sim_alloc(size)
#define kvzalloc(size, gfp)	sim_alloc(size)
#define kvcalloc(n, size, gfp)	sim_alloc(array_size(n, size))
#define kfree(memory)		sim_free(memory)
#define kfree_rcu(memory, head)	sim_free(memory)
struct rcu_head { int unused; };
#define kvfree(memory)		sim_free(memory)

/* Pages. The words of struct page stand where they do in the kernel. */
struct page {
	unsigned long flags;
	union {
		struct list_head lru;
		unsigned long pp_magic;
	};
	void *mapping;
	unsigned long index;
	unsigned long private;
	u32 page_type;
	atomic_t _refcount;
	unsigned long unused;
};

_Static_assert(sizeof(struct page) == 64, "as in the kernel");

enum { PG_locked, PG_uptodate, PG_lru, PG_head, PG_owner_priv_1, PG_hwpoison, SIM_PAGE_FLAGS };

#define __PG_HWPOISON		BIT(PG_hwpoison)
#define PAGE_FLAGS_CHECK_AT_PREP GENMASK(SIM_PAGE_FLAGS - 1, 0)
#define PAGE_FLAGS_CHECK_AT_FREE (BIT(PG_locked) | BIT(PG_lru))
#define PAGE_TYPE_BASE		0xf0000000
#define PG_offline		0x00000100
#define POISON_POINTER_DELTA	0xdead000000000000UL
#define LIST_POISON1		((void *)(0x100UL + POISON_POINTER_DELTA))
#define LIST_POISON2		((void *)(0x122UL + POISON_POINTER_DELTA))
#define PP_SIGNATURE		(0x40UL + POISON_POINTER_DELTA)

extern struct page *sim_pages;		/* by frame number */
extern unsigned long sim_frames;

struct page *sim_page_get(int nid);
void sim_page_put(struct page *page);
unsigned int sim_node_of_pfn(unsigned long pfn);

#define pfn_to_page(pfn)	(&sim_pages[pfn])
#define page_to_pfn(page)	((unsigned long)((page) - sim_pages))
#define pfn_valid(pfn)		((pfn) < sim_frames)
#define page_to_nid(page)	((int)sim_node_of_pfn(page_to_pfn(page)))
#define page_is_pfmemalloc(page) ((void)(page), false)
#define page_ref_count(page)	atomic_read(&(page)->_refcount)
#define page_ref_add(page, nr)	atomic_add(nr, &(page)->_refcount)
#define page_ref_inc(page)	page_ref_add(page, 1)
#define page_ref_sub(page, nr)	page_ref_add(page, -(nr))
#define PageOffline(page)	((page)->page_type == ~(u32)PG_offline)
#define page_ref_freeze(page, nr) ({					\
	int sim_nr = (nr);						\
	atomic_try_cmpxchg(&(page)->_refcount, &sim_nr, 0);		\
})
#define page_address(page)	((void)(page), (void *)NULL)
#define PAGE_ALIGNED(addr)	(!((unsigned long)(addr) & (PAGE_SIZE - 1)))
#define virt_addr_valid(addr)	((void)(addr), true)
#define kasan_reset_tag(addr)	(addr)
#define PAGE_OFFSET		0UL
#define copy_from_kernel_nofault(to, from, size) \
	({ __builtin_memcpy(to, from, size); 0; })
#define is_vmalloc_addr(addr)	((void)(addr), false)
#define clear_page(addr)	((void)(addr))

#define alloc_pages_node(nid, gfp, order) sim_page_get(nid)
#define __free_page(page)	sim_page_put(page)
/* With the last reference, the page goes. */
#define put_page(page) ({						\
	if (page_ref_count(page) == 1)					\
		sim_page_put(page);					\
	else								\
		page_ref_sub(page, 1);					\
})

static inline unsigned long sim_alloc_bulk(int nid, unsigned int nr, struct page **pages)
{
	unsigned int i;

	for (i = 0; i < nr; i++) {
		pages[i] = sim_page_get(nid);
		if (!pages[i])
			break;
	}
	return i;
}

#define alloc_pages_bulk_array_node(gfp, nid, nr, pages) sim_alloc_bulk(nid, nr, pages)

/* Work that is queued is done on the same CPU, when the call under way is over. */
struct work_struct {
	void (*fn)(struct work_struct *work);
	bool queued;
};

struct delayed_work {
	struct work_struct work;
};

struct irq_work {
	struct work_struct work;
	void (*fn)(struct irq_work *work);
};

void sim_queue(struct work_struct *work);
void sim_irq_work(struct work_struct *work);

#define to_delayed_work(w)	container_of(w, struct delayed_work, work)
#define INIT_DELAYED_WORK(d, f)	((d)->work.fn = (f))
#define DECLARE_DELAYED_WORK(name, f) struct delayed_work name = { .work.fn = (f) }
#define schedule_delayed_work(d, delay)	sim_queue(&(d)->work)
#define cancel_delayed_work_sync(d) ((d)->work.queued = false)
#define IRQ_WORK_INIT_HARD(f)	((struct irq_work){ .work.fn = sim_irq_work, .fn = (f) })
#define irq_work_queue(w)	sim_queue(&(w)->work)
#define irq_work_sync(w)	((w)->work.queued = false)

/* DMA and receive buffers: not simulated. The headers name these. */
enum dma_data_direction { DMA_BIDIRECTIONAL, DMA_TO_DEVICE, DMA_FROM_DEVICE, DMA_NONE };

static inline void dma_sync_single_range_for_cpu(struct device *dev, dma_addr_t addr,
						 size_t offset, size_t size,
						 enum dma_data_direction dir)
{
}

#define dma_sync_single_range_for_device dma_sync_single_range_for_cpu

/* Tracepoints: off. */
#define TP_PROTO(args...)	args
#define TRACE_EVENT(name, proto, rest...) \
	static inline void trace_##name(proto) { }
#define DECLARE_EVENT_CLASS(name, rest...)
#define DEFINE_EVENT(class, name, proto, rest...) \
	static inline void trace_##name(proto) { }
#define DEFINE_EVENT_FN		DEFINE_EVENT

#endif /* LABYRINTH_SIMULATE_SHIM_H */
