// SPDX-License-Identifier: GPL-2.0-only
/*
 * The board: which functions are hooked by a direct call, and by whom. Compiled into both
 * modules, so each module loads alone, by insmod, with no third module to be loaded first. The
 * state owned here is the board itself: a piece of memory that belongs to neither module. The
 * module that comes first makes the board; the other module finds the board by the first one's
 * symbol, and the module that leaves last frees the board.
 *
 * ftrace gives a function's direct call to a single user. So if both modules want a function,
 * one direct call serves both: the stub of lower rank is called, and jumps to the other stub in
 * place of returning. The ftrace_ops of a direct call stands in the board's memory, not in a
 * module's. So a module can leave while the other module stays hooked: ftrace is told to call
 * the other stub, and there is no moment without a hook.
 *
 * Why a stub may leave: no task sleeps in a stub, and before the module goes, the caller of
 * lab_board_detach() waits for a grace period of RCU-tasks. That covers a task that has loaded
 * the word @next of the other module's stub, and not yet jumped.
 *
 * If both modules are loaded in the same moment, neither finds the other. Each then has a board
 * of its own, and a function that both want is -EBUSY for the later module.
 */
#include <linux/cache.h>
#include <linux/ftrace.h>
#include <linux/list.h>
#include <linux/lockdep.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/random.h>
#include <linux/refcount.h>
#include <linux/slab.h>
#include <linux/string.h>
#ifdef CONFIG_X86_KERNEL_IBT
#include <asm/ibt.h>
#endif

#include "hook/board.h"
#include "labyrinth_compat.h"

#ifndef ENDBR_INSN_SIZE
#define ENDBR_INSN_SIZE	0
#endif

/* A hooked function. */
struct lab_post {
	struct list_head node;
	unsigned long addr;
	unsigned long called;		/* where ftrace has the function call a stub */
	struct lab_stub *stubs[LAB_NR_RANKS];
	struct ftrace_ops ops;
};

struct lab_board {
	size_t layout;			/* BOARD_LAYOUT of the module that made the board */
	refcount_t users;		/* modules */
	char name[16];			/* of the lock */
	struct list_head posts;
	/*
	 * Protects all of the board, and the words @next. ftrace's locks nest in this lock. The
	 * lock outlives the module that made the board, and so do the lock's class and name.
	 */
	struct mutex lock;
	struct lock_class_key key;
};

/* Data, not a call: for no user but the other module. */
#define LAB_EXPORT_BOARD(board)	EXPORT_SYMBOL_NS_GPL(board, LAB_NS)

/*
 * Both modules must be built alike. The number goes up with each change of a structure above, of
 * struct lab_stub, or of what a word of theirs means: sums of sizes may be equal.
 */
#define BOARD_CHANGES	1UL
#define BOARD_LAYOUT	(BOARD_CHANGES << 16 | (sizeof(struct lab_board) + sizeof(struct lab_post)))

/*
 * The module's board, for the other module to find. Each module is built with the names of both
 * symbols.
 */
struct lab_board *LAB_BOARD_MINE;
LAB_EXPORT_BOARD(LAB_BOARD_MINE);

unsigned long lab_call_token __ro_after_init;

/* While the symbol is held, the other module cannot leave, nor free the board. */
static struct lab_board *join_theirs(void)
{
	struct lab_board **theirs = symbol_get(LAB_BOARD_THEIRS), *board;

	if (!theirs)
		return NULL;
	board = *theirs;
	if (board && board->layout == BOARD_LAYOUT)
		refcount_inc(&board->users);
	else
		board = NULL;
	symbol_put(LAB_BOARD_THEIRS);
	return board;
}

/* Not canonical, so no address. */
static unsigned long make_token(void)
{
	return get_random_u64() >> 1 | 1UL << 62;
}

static struct lab_board *make_board(void)
{
	struct lab_board *board = kzalloc(sizeof(*board), GFP_KERNEL);

	if (!board)
		return NULL;
	board->layout = BOARD_LAYOUT;
	refcount_set(&board->users, 1);
	INIT_LIST_HEAD(&board->posts);
	lockdep_register_key(&board->key);
	strscpy(board->name, "labyrinth_board", sizeof(board->name));
	__mutex_init(&board->lock, board->name, &board->key);
	return board;
}

/* Context: Task; may sleep. At module init. Return: 0 or -ENOMEM. */
int lab_board_open(void)
{
	LAB_BOARD_MINE = join_theirs() ?: make_board();
	if (!LAB_BOARD_MINE)
		return -ENOMEM;
	lab_call_token = make_token();
	return 0;
}

/*
 * Not under the lock: the other module, which may leave at the same time, would free the board in
 * the middle of this one's mutex_unlock().
 * Context: Task; may sleep. At module exit, with no stub attached.
 */
void lab_board_close(void)
{
	struct lab_board *board = LAB_BOARD_MINE;

	if (!refcount_dec_and_test(&board->users))
		return;
	lockdep_unregister_key(&board->key);
	kfree(board);
}

static struct lab_post *post_of(struct lab_board *board, unsigned long addr)
{
	struct lab_post *post;

	list_for_each_entry(post, &board->posts, node)
		if (post->addr == addr)
			return post;
	return NULL;
}

/* Where another stub jumps to: the ENDBR that an indirect jump needs. */
static unsigned long entry_of(const struct lab_stub *stub)
{
	return (unsigned long)stub->entry;
}

/* Where a hooked function calls: behind the ENDBR, one instruction fewer for all others. */
static unsigned long call_of(const struct lab_stub *stub)
{
	return entry_of(stub) + ENDBR_INSN_SIZE;
}

static int hook_function(struct lab_post *post, struct lab_stub *stub)
{
	int err = ftrace_set_filter_ip(&post->ops, post->addr, 0, 1);

	post->called = call_of(stub);
	err = err ?: lab_direct_register(&post->ops, post->called);
	if (err)
		ftrace_free_filter(&post->ops);
	return err;
}

static int call_instead(struct lab_post *post, const struct lab_stub *stub)
{
	int err = lab_direct_modify(&post->ops, call_of(stub));

	if (!err)
		post->called = call_of(stub);
	return err;
}

static int attach_first(struct lab_board *board, unsigned long addr, struct lab_stub *stub)
{
	struct lab_post *post = kzalloc(sizeof(*post), GFP_KERNEL);
	int err;

	if (!post)
		return -ENOMEM;
	post->addr = addr;
	post->stubs[LAB_RANK_MINE] = stub;
	err = hook_function(post, stub);
	if (err)
		kfree(post);
	else
		list_add(&post->node, &board->posts);
	return err;
}

/* The other module's stub. */
static struct lab_stub *other_stub(const struct lab_post *post)
{
	return post->stubs[LAB_NR_RANKS - 1 - LAB_RANK_MINE];
}

static int attach_beside(struct lab_post *post, struct lab_stub *stub)
{
	struct lab_stub *other = other_stub(post);
	int err = 0;

	if (LAB_RANK_MINE) {
		WRITE_ONCE(other->next, entry_of(stub));
	} else {
		stub->next = entry_of(other);
		err = call_instead(post, stub);
	}
	if (!err)
		post->stubs[LAB_RANK_MINE] = stub;
	else
		stub->next = 0;
	return err;
}

/**
 * lab_board_attach() - have a function call a stub first
 * @addr: the function.
 * @stub: the stub.
 *
 * Context: Task; may sleep. Return: 0, -ENOMEM, or ftrace's errno: -EBUSY if a BPF program has the
 * function's direct call, or a livepatch the function.
 */
int lab_board_attach(unsigned long addr, struct lab_stub *stub)
{
	struct lab_board *board = LAB_BOARD_MINE;
	struct lab_post *post;
	int err;

	stub->next = 0;
	mutex_lock(&board->lock);
	post = post_of(board, addr);
	err = post ? attach_beside(post, stub) : attach_first(board, addr, stub);
	mutex_unlock(&board->lock);
	return err;
}

static int unhook_function(struct lab_post *post)
{
	int err = lab_direct_unregister(&post->ops, post->called);

	if (err)
		return err;
	ftrace_free_filter(&post->ops);
	list_del(&post->node);
	kfree(post);
	return 0;
}

static int detach_beside(struct lab_post *post)
{
	struct lab_stub *other = other_stub(post);
	int err = 0;

	if (LAB_RANK_MINE)
		WRITE_ONCE(other->next, 0);
	else
		err = call_instead(post, other);
	if (!err)
		post->stubs[LAB_RANK_MINE] = NULL;
	return err;
}

/**
 * lab_board_detach() - undo lab_board_attach()
 * @addr: the function.
 * @stub: the stub. A call may still be in the stub.
 *
 * Context: Task; may sleep. Return: 0, or ftrace's errno: then calls go on coming to the stub.
 */
int lab_board_detach(unsigned long addr, struct lab_stub *stub)
{
	struct lab_board *board = LAB_BOARD_MINE;
	struct lab_post *post;
	int err;

	mutex_lock(&board->lock);
	post = post_of(board, addr);
	err = other_stub(post) ? detach_beside(post) : unhook_function(post);
	mutex_unlock(&board->lock);
	return err;
}
