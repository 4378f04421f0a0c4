/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Labyrinth under torture, in the manner of rcutorture: every call, right and wrong, at random,
 * from every context on every CPU at once, beside a model that knows the result that each call
 * must have.
 *
 * An actor makes calls: a thread, or a kind of interrupt on a CPU. No actor ever runs twice at
 * a time, so the data of a single actor needs no lock. A slip is the model's knowledge of a
 * page. Each actor has slots with a slip in each, empty slips included. Only the actor that has
 * a slip calls about the slip's page, but for calls that must be refused: so the model knows
 * each result. Slips change hands by xchg(), against another or an empty slip, and so do pages
 * between CPUs and contexts.
 */
#ifndef LABYRINTH_TORTURE_H
#define LABYRINTH_TORTURE_H

#include <linux/atomic.h>
#include <linux/dma-mapping.h>
#include <linux/mm.h>
#include <linux/sched.h>

#include "../../labyrinth_alloc.h"

#define TORT_SLOTS	64U
#define TORT_CELLS	32U
/* More than a CPU's cache keeps, so that the cache is trimmed. */
#define TORT_BURST	192U
#define TORT_PARTS	16U	/* buffers of a page, at most */
#define TORT_LONG_QUEUE	256U	/* more lent pages than there ever are */
#define TORT_TURNS	4U	/* pages of such buffers, of an actor's own */
#define TORT_MAX_THREADS 8U	/* on a CPU */
/* As documented: see "Whose page it is afterwards" in usage.rst. */
#define TORT_REFS_HELD	32
#define TORT_REFS_LENT	33

enum tort_context {
	TORT_TASK,
	TORT_SOFTIRQ,		/* a tasklet */
	TORT_HARDIRQ,		/* a timer */
	TORT_IRQ_WORK,
	TORT_NMI,
	TORT_PROCESS,		/* system calls, of processes that map pages */
	TORT_NR_CONTEXTS
};

/* What becomes of calls that map pages and know nothing of Labyrinth. */
enum tort_guarding {
	TORT_GUARD_OFF,
	TORT_GUARD_REFUSES,
	TORT_GUARD_SWITCHED,	/* to and fro, meanwhile */
};

/* The state of a slip's page. */
enum tort_state {
	TORT_EMPTY,		/* the slip has no page */
	TORT_HELD,
	TORT_LENT,
	TORT_MAPPED,		/* the core has mapped the page */
	TORT_PARTED,		/* released while lent: ordinary after the last borrower */
	TORT_ORDINARY,		/* not Labyrinth's: released, or to be adopted */
	TORT_NR_STATES
};

/* The classes of refusals, as in debugfs (labyrinth/refusals). */
enum tort_class {
	TORT_FOREIGN,
	TORT_WRONG_THREAD,
	TORT_UNOWNED,
	TORT_DOUBLE,
	TORT_BUSY,
	TORT_BAD_ADDRESS,
	TORT_BAD_HANDLE,
	TORT_BAD_PAGE,
	TORT_BAD_MAPPING,
	TORT_WRONG_DEVICE,
	TORT_LOST_REFERENCE,
	TORT_LEAKED,
	TORT_LEFT_BEHIND,
	TORT_CORRUPT,
	TORT_OVERWRITTEN,
	TORT_NOT_POSTED,
	TORT_NR_CLASSES
};

enum tort_op {
	TORT_OP_ALLOC,
	TORT_OP_BULK,
	TORT_OP_BURST,
	TORT_OP_FREE,
	TORT_OP_TRANSFER,
	TORT_OP_POST,		/* to another thread's bound owner */
	TORT_OP_COLLECT,	/* a page that another actor posted */
	TORT_OP_LEND,
	TORT_OP_BORROW,		/* ends somebody's loan */
	TORT_OP_RECLAIM,
	TORT_OP_RELEASE,
	TORT_OP_PART,		/* releases a page that is lent */
	TORT_OP_REGAIN,		/* a parted page, from the last borrower */
	TORT_OP_DMA,		/* maps a page for the device, and unmaps */
	TORT_OP_ADOPT,
	TORT_OP_BRING,		/* an ordinary page, from the page allocator */
	TORT_OP_DROP,		/* an ordinary page, to the page allocator */
	TORT_OP_SWAP,		/* slips, with the next actor that swaps */
	TORT_OP_INSPECT,
	TORT_OP_RECEIVE,	/* a buffer, from get to give or put */
	TORT_OP_FRAGMENT,	/* the same with buffers that are parts of pages */
	TORT_OP_CORE_MAP,	/* by code that knows no owner */
	TORT_OP_CORE_UNMAP,
	TORT_OP_CORE_BUSY,	/* calls about a page that the core has mapped */
	TORT_OP_FOREIGN,	/* the first of the attacks */
	TORT_OP_STRANGER,
	TORT_OP_DEAD,
	TORT_OP_FORGED,
	TORT_OP_WRONG_THREAD,
	TORT_OP_BAD_ADDRESS,
	TORT_OP_DOUBLE,
	TORT_OP_BUSY,
	TORT_OP_UNOWNED,
	TORT_OP_BAD_PAGE,
	TORT_OP_LOSE,
	TORT_OP_DUEL,		/* several calls about the same page */
	TORT_OP_VMAP,		/* the first operation that may sleep */
	TORT_OP_FOREIGN_VMAP,	/* by code that knows nothing of Labyrinth */
	TORT_OP_LIFE,		/* of an owner, from creation to destruction */
	TORT_OP_MORTAL,		/* ends an owner that all actors use */
	TORT_OP_PROCESS,	/* a process's call: no actor chooses that */
	TORT_NR_OPS
};

/**
 * struct tort_owner - the model's knowledge of an owner
 * @handle: for calls. Of the mortal owner: NULL while the owner is being destroyed, and another
 *	handle in each life.
 * @dying: the mortal owner's handle while the owner is being destroyed.
 * @name: the owner's name.
 * @index: the owner's number in the marks on pages.
 * @quota: the owner's max_pages.
 * @zero: the owner's pages come zeroed.
 * @shared: any actor may use the owner; else a single actor does.
 * @mortal: the owner is destroyed while actors use the handle, so no actor looks at the
 *	content of the owner's pages.
 * @out: pages out. Counted of the mortal owner, and of owners with a quota: with a quota never
 *	more than are really out.
 */
struct tort_owner {
	struct labyrinth_owner *handle;
	struct labyrinth_owner *dying;
	char name[LABYRINTH_NAME_LEN];
	u16 index;
	unsigned int quota;
	bool zero;
	bool shared;
	bool mortal;
	atomic_t out ____cacheline_aligned_in_smp;
};

/**
 * struct tort_dma - a mapping for the device
 * @addr: the address for the device.
 * @offset: where in the page the part begins that is mapped.
 * @size: bytes.
 * @dir: the direction.
 */
struct tort_dma {
	dma_addr_t addr;
	size_t offset;
	size_t size;
	enum dma_data_direction dir;
};

/**
 * struct tort_slip - the model's knowledge of a page
 * @addr: the page's address; of an empty slip, the last page's.
 * @owner: the page's owner.
 * @handle: the owner's handle when the page became the owner's.
 * @generation: of the mark on the page: no two are alike.
 * @core: in TORT_MAPPED, the core's mapping.
 * @state: see &enum tort_state.
 * @loans_min: the least number of references that borrowers have.
 * @loans_max: the greatest number.
 */
struct tort_slip {
	void *addr;
	struct tort_owner *owner;
	struct labyrinth_owner *handle;
	u32 generation;
	struct tort_dma core;
	u8 state;
	atomic_t loans_min;
	atomic_t loans_max;
};

/**
 * struct tort_frag - the model's knowledge of a receive buffer that is a part of a page
 * @buf: the address; NULL: this is no buffer.
 * @ring: the owner.
 * @turn: the page, if the owner is an actor's own; else NULL.
 * @size: bytes.
 * @generation: of the mark.
 * @marked: the buffer carries a mark.
 * @lent: a borrower has the buffer; else the device.
 */
struct tort_frag {
	void *buf;
	struct labyrinth_owner *ring;
	struct tort_turn *turn;
	unsigned int size;
	u32 generation;
	bool marked;
	bool lent;
};

/**
 * struct tort_turn - the model's knowledge of a page of such buffers, of an actor's own
 * @page: the address; NULL: there is no page.
 * @posted: a bit for each buffer that the device has.
 * @next: the number of buffers that have been handed out.
 * @given: the number of buffers that have been given.
 * @left: the page is the borrowers'.
 * @loans_min: the least number of references that borrowers have.
 * @loans_max: the greatest number.
 * @frags: the buffers.
 */
struct tort_turn {
	void *page;
	unsigned long posted;
	unsigned int next;
	unsigned int given;
	bool left;
	atomic_t loans_min;
	atomic_t loans_max;
	struct tort_frag frags[TORT_PARTS];
};

/* An actor's own owners. */
enum tort_own {
	TORT_OWN_SINGLE,
	TORT_OWN_LOCAL,		/* not SINGLE, but used by this actor alone */
	TORT_OWN_QUOTA,
	TORT_OWN_BOUND,		/* threads only */
	TORT_NR_OWN
};

enum tort_shared {
	TORT_PLAIN,
	TORT_ZERO,
	TORT_RESERVE,
	TORT_NODE,
	TORT_CORE,
	TORT_QUOTA,
	TORT_MORTAL,
	TORT_NR_SHARED,
	TORT_NR_USABLE = TORT_NR_SHARED + TORT_NR_OWN
};

/**
 * struct tort_actor - a thread, or an interrupt of a CPU, that calls Labyrinth
 * @context: the context of the calls.
 * @id: number, unique.
 * @cpu: the actor's CPU.
 * @thread: of a task actor, the thread.
 * @task: the task that the last step ran in, or interrupted.
 * @in_call: the address that a call of Labyrinth, under way, is about.
 * @in_alloc: the owner of the allocation under way, or of the last.
 * @seed: with @id and @step, decides the choices of a step.
 * @step: steps begun.
 * @limit: a thread's share of the steps.
 * @dice: see tort_roll().
 * @last_duel: the number of the last duel that the actor took part in.
 * @last_frag_duel: the same of duels about buffers.
 * @generation: the number of marks that the actor wrote.
 * @slots: the actor's slips.
 * @inbox: a slip in which other actors put a page of the bound owner; NULL while an actor has
 *	taken the slip out.
 * @usable: the owners that the actor may use.
 * @nr_usable: the length of @usable.
 * @own: the owners in @usable that belong to this actor.
 * @dead: the handle of an owner that is gone.
 * @ring: the actor's owner of receive buffers.
 * @parted: the actor's owner of receive buffers that are parts of pages.
 * @parts: how many to a page.
 * @queue: how many such pages may stand in the owner's queue; 0: there is no queue.
 * @open: the page of which the next buffer comes, or NULL.
 * @turns: the pages.
 * @frag: a buffer that no actor has: the place for the next. Changes hands against another's.
 * @own_frag: what @frag is in the beginning.
 * @calls: calls of Labyrinth made.
 * @ops: steps, by kind.
 * @op_calls: calls made in these steps, by kind.
 * @refused: refusals that came as they should, by class.
 * @perhaps: calls that may or may not have been refused in passing, by class.
 * @empty_handed: allocations that rightly gave no page.
 * @entries: how often the interrupt came.
 * @landed: how often the interrupt came in the middle of a call of Labyrinth.
 * @burst: pages on the way through play_burst().
 */
struct tort_actor {
	enum tort_context context;
	unsigned int id;
	unsigned int cpu;
	struct task_struct *thread;
	struct task_struct *task;
	const void *in_call;
	struct tort_owner *in_alloc;
	u64 seed;
	unsigned long step;
	unsigned long limit;
	u64 dice;
	unsigned int last_duel;
	unsigned int last_frag_duel;
	u32 generation;
	struct tort_slip *slots[TORT_SLOTS];
	struct tort_slip *inbox;
	struct tort_owner *usable[TORT_NR_USABLE];
	unsigned int nr_usable;
	struct tort_owner own[TORT_NR_OWN];
	struct labyrinth_owner *dead;
	struct labyrinth_owner *ring;
	struct labyrinth_owner *parted;
	unsigned int parts;
	unsigned int queue;
	struct tort_turn *open;
	struct tort_turn turns[TORT_TURNS];
	struct tort_frag *frag;
	struct tort_frag own_frag;
	unsigned long calls;
	unsigned long ops[TORT_NR_OPS];
	unsigned long op_calls[TORT_NR_OPS];
	unsigned long refused[TORT_NR_CLASSES];
	unsigned long perhaps[TORT_NR_CLASSES];
	unsigned long empty_handed;
	unsigned long entries;
	unsigned long landed;
	void *burst[TORT_BURST];
};

/* main.c: parameters. */
extern unsigned long long tort_seed;
extern unsigned long tort_ops;
extern unsigned int tort_seconds;
extern unsigned int tort_threads;
extern unsigned int tort_irq_us;
extern bool tort_shrunk;
extern bool tort_hungry;
extern unsigned int tort_scribbled;
extern unsigned int tort_guard;
extern bool tort_hushed;
extern unsigned long tort_contexts;

/* run.c: the actors, and the time in which actors play. */
extern struct tort_actor **tort_actors;
extern unsigned int tort_nr_actors;
int tort_run_begin(void);
void tort_run_end(void);
bool tort_running(void);
void tort_stop(void);

/* owner.c: the owners that live as long as the run. */
extern struct tort_owner tort_shared[TORT_NR_SHARED];
extern struct tort_owner tort_nobody;
extern struct tort_owner tort_attacker;
extern struct labyrinth_owner *tort_dead_handle;
int tort_owners_begin(void);
int tort_owners_of(struct tort_actor *a);
void tort_owners_end_of(struct tort_actor *a);
void tort_owners_end(struct tort_actor *a);
void tort_owners_walk(struct tort_actor *a);
struct labyrinth_owner *tort_mortal_create(void);

/* model.c: the state of each page, and the result that a call must have. */
void tort_violation(struct tort_actor *a, const struct tort_slip *p,
		    const char *fmt, ...) __printf(3, 4);
bool tort_failed(void);
void tort_mark(struct tort_actor *a, struct tort_slip *p);
bool tort_check(struct tort_actor *a, const struct tort_slip *p);
bool tort_may_lock(void);
bool tort_is_fed(void);
bool tort_is_scribbled(void);
bool tort_may_lose(const struct tort_slip *p);
bool tort_refs_are(const void *addr, int wanted);
void tort_received(struct tort_actor *a, struct tort_slip *p,
		   struct tort_owner *owner, struct labyrinth_owner *handle,
		   void *addr);
void tort_got_none(struct tort_actor *a, struct tort_owner *owner,
		   const struct labyrinth_owner *handle);
void tort_giving(struct tort_slip *p);
void tort_keeps(struct tort_slip *p);
void tort_gave(struct tort_slip *p);
bool tort_is_owners(const struct tort_slip *p);
bool tort_is_gone(const struct tort_slip *p);
bool tort_succeeded(struct tort_actor *a, const char *what,
		    struct tort_slip *p, bool gone, int err);
void tort_expect(struct tort_actor *a, const char *what,
		 const struct tort_slip *p, int wanted, int got,
		 enum tort_class class);

/* choice.c: dice, and the choice of the next operation. */
int tort_mix_init(const char *mix);
u32 tort_roll(struct tort_actor *a, u32 sides);
void tort_step(struct tort_actor *a);
const char *tort_op_name(enum tort_op op);

/* calls.c: the calls that an owner may make. */
void tort_alloc(struct tort_actor *a, struct tort_slip *p, struct tort_owner *owner);
bool tort_free(struct tort_actor *a, struct tort_slip *p);
void tort_return_loan(struct tort_actor *a, struct tort_slip *p);
void tort_settle(struct tort_actor *a, struct tort_slip *p);
void tort_aba(struct tort_actor *a, struct tort_actor *interrupted);
void tort_play_right(struct tort_actor *a, enum tort_op op,
		     struct tort_slip **at);
extern struct tort_slip *tort_swaps[TORT_CELLS];
extern struct tort_slip *tort_loans[TORT_CELLS];

/* attacks.c: calls that must be refused. */
void tort_play_attack(struct tort_actor *a, enum tort_op op,
		      struct tort_slip **at);
void tort_attack_mapped(struct tort_actor *a, const struct tort_slip *p);
void tort_foreign_vmap(struct tort_actor *a, const struct tort_slip *p);

/* mappings.c: pages that are mapped. */
struct device *tort_device(void);
int tort_device_begin(void);
void tort_device_end(void);
bool tort_may_map_dma(void);
struct tort_dma tort_any_part(struct tort_actor *a);
void tort_check_mapped(struct tort_actor *a, const struct tort_slip *p);
void tort_play_dma(struct tort_actor *a, struct tort_slip **at);
void tort_vmap(struct tort_actor *a, struct tort_slip *p);

/* core_maps.c: pages that the core maps on the owner's behalf. */
void tort_play_core_map(struct tort_actor *a, struct tort_slip **at);
void tort_play_core_unmap(struct tort_actor *a, struct tort_slip **at);
void tort_play_core_busy(struct tort_actor *a, struct tort_slip **at);

/* receive.c: receive buffers. */
int tort_rings_begin(void);
int tort_ring_of(struct tort_actor *a);
void tort_ring_end_of(struct tort_actor *a);
void tort_rings_end(struct tort_actor *a);
void tort_play_receive(struct tort_actor *a, struct tort_slip **at);
unsigned int tort_queue(unsigned int lent);

/* frags.c: receive buffers that are parts of pages. */
struct labyrinth_owner *tort_frags_create(const char *name, unsigned long flags,
					  unsigned int parts, unsigned int lent);
int tort_frags_begin(void);
void tort_frags_destroy(struct tort_actor *a, struct labyrinth_owner *ring);
void tort_frags_end(struct tort_actor *a);
void tort_frags_settle(struct tort_actor *a);
bool tort_frag_get(struct tort_actor *a, struct tort_frag *f, struct labyrinth_owner *ring,
		   unsigned int parts);
void tort_frag_finish(struct tort_actor *a, struct tort_frag *f);
void tort_frag_put(struct tort_actor *a, struct tort_frag *f);
void tort_frag_misuse_done(struct tort_actor *a, const struct tort_frag *f);
void tort_frag_return(struct tort_actor *a, struct tort_frag *f);
void tort_frag_lend(struct tort_actor *a);
void tort_play_fragment(struct tort_actor *a, struct tort_slip **at);

/* frags_duel.c: calls about such a buffer that race. */
bool tort_frags_duel(struct tort_actor *a, const struct tort_frag *first,
		     const struct tort_frag *second);
void tort_frags_duel_join(struct tort_actor *a);

/* frags_own.c: those of an owner that a single actor uses. */
int tort_frags_of(struct tort_actor *a);
void tort_frags_own(struct tort_actor *a);
void tort_frags_settle_own(struct tort_actor *a, struct tort_actor *of);
void tort_frags_end_of(struct tort_actor *a);

/* duel.c: calls that race. */
int tort_duels_begin(void);
void tort_duels_end(struct tort_actor *a);
void tort_duel(struct tort_actor *a);
void tort_duel_join(struct tort_actor *a);
void tort_duel_renew(struct tort_actor *a);

/* mmap.c: pages that processes map. */
int tort_mmap_begin(struct tort_actor *a);
void tort_mmap_rest(void);
void tort_mmap_end(void);

/* lives.c: owners that come and go. */
void tort_life(struct tort_actor *a);
void tort_mortal(struct tort_actor *a);

/* interrupt.c */
void tort_interrupts_prepare(struct tort_actor *a);
int tort_interrupts_begin(void);
void tort_interrupts_end(void);
struct tort_actor *tort_interrupted(const struct tort_actor *a);
void tort_interrupt_steps(struct tort_actor *a);
struct tort_actor *tort_nmi_actor(void);

/* nmi.c */
#ifdef CONFIG_X86
int tort_nmi_begin(void);
void tort_nmi_end(void);
void tort_nmi_send(unsigned int cpu);
void tort_nmi_online(unsigned int cpu);
#else
static inline int tort_nmi_begin(void)
{
	return -EOPNOTSUPP;
}

static inline void tort_nmi_end(void)
{
}

static inline void tort_nmi_send(unsigned int cpu)
{
}

static inline void tort_nmi_online(unsigned int cpu)
{
}
#endif

/* stats.c */
const char *tort_context_name(enum tort_context context);
void tort_stats_begin(void);
void tort_stats_end(void);
void tort_stats_rest(void);
void tort_stats_print(bool ok);

/*
 * Makes a call of Labyrinth, and shows interrupts that the call is under way. @addr: the
 * address that the call is about, or TORT_NO_PAGE.
 */
#define TORT_NO_PAGE	((void *)1)
#define tort_call(actor, addr, call) ({					\
	struct tort_actor *tort_caller = (actor);			\
	typeof(call) tort_result;					\
									\
	WRITE_ONCE(tort_caller->in_call, (addr));			\
	barrier();							\
	tort_result = (call);						\
	barrier();							\
	WRITE_ONCE(tort_caller->in_call, NULL);				\
	tort_caller->calls++;						\
	tort_result;							\
})

#endif /* LABYRINTH_TORTURE_H */
