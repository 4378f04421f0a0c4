// SPDX-License-Identifier: GPL-2.0-only
/*
 * Chooses the next operation of an actor. The dice of a step follow from the seed, the actor's
 * number and the step's number, and not from the dice of earlier steps. So a seed gives every
 * actor the same slots again, in the same order, and the same operations for pages in the same
 * state.
 */
#define pr_fmt(fmt) "labyrinth_torture: " fmt

#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "torture.h"

/* So many that the least weight has some. */
#define CHOICES		8192U

#define IN_TASK		BIT(TORT_TASK)
#define IN_SOFT		(IN_TASK | BIT(TORT_SOFTIRQ))
#define ANYWHERE	(BIT(TORT_NR_CONTEXTS) - 1)

#define IF_EMPTY	BIT(TORT_EMPTY)
#define IF_HELD		BIT(TORT_HELD)
#define IF_LENT		BIT(TORT_LENT)
#define IF_MAPPED	BIT(TORT_MAPPED)
#define IF_PARTED	BIT(TORT_PARTED)
#define IF_ORDINARY	BIT(TORT_ORDINARY)
#define IF_UNOWNED	(IF_PARTED | IF_ORDINARY)
#define IF_OWNED	(IF_HELD | IF_LENT)
#define ALWAYS		(BIT(TORT_NR_STATES) - 1)

struct play {
	const char *name;
	unsigned int weight;
	unsigned int contexts;
	unsigned int states;
};

/* The weights are such that about half of the slots are in use. */
static struct play plays[] = {
	[TORT_OP_ALLOC] = { "alloc", 400, ANYWHERE, IF_EMPTY },
	[TORT_OP_BULK] = { "bulk", 20, ANYWHERE, IF_EMPTY },
	[TORT_OP_BURST] = { "burst", 4, IN_SOFT, IF_EMPTY },
	[TORT_OP_FREE] = { "free", 300, ANYWHERE, IF_HELD },
	[TORT_OP_TRANSFER] = { "transfer", 100, ANYWHERE, IF_HELD },
	[TORT_OP_POST] = { "post", 20, ANYWHERE, IF_HELD },
	[TORT_OP_COLLECT] = { "collect", 20, IN_TASK, IF_EMPTY },
	[TORT_OP_LEND] = { "lend", 60, ANYWHERE, IF_HELD },
	[TORT_OP_BORROW] = { "borrow", 40, ANYWHERE, ALWAYS },
	[TORT_OP_RECLAIM] = { "reclaim", 300, ANYWHERE, IF_OWNED },
	[TORT_OP_RELEASE] = { "release", 30, ANYWHERE, IF_HELD },
	[TORT_OP_PART] = { "part", 60, ANYWHERE, IF_LENT },
	[TORT_OP_REGAIN] = { "regain", 300, ANYWHERE, IF_PARTED },
	[TORT_OP_DMA] = { "dma", 60, ANYWHERE, IF_HELD },
	[TORT_OP_ADOPT] = { "adopt", 100, ANYWHERE, IF_ORDINARY },
	[TORT_OP_BRING] = { "bring", 30, ANYWHERE, IF_EMPTY },
	[TORT_OP_DROP] = { "drop", 50, ANYWHERE, IF_ORDINARY },
	[TORT_OP_SWAP] = { "swap", 200, ANYWHERE, ALWAYS },
	[TORT_OP_INSPECT] = { "inspect", 40, ANYWHERE, IF_OWNED },
	[TORT_OP_RECEIVE] = { "receive", 60, ANYWHERE, ALWAYS },
	[TORT_OP_FRAGMENT] = { "fragment", 120, ANYWHERE, ALWAYS },
	[TORT_OP_CORE_MAP] = { "core-map", 60, ANYWHERE, IF_HELD },
	[TORT_OP_CORE_UNMAP] = { "core-unmap", 300, ANYWHERE, IF_MAPPED },
	[TORT_OP_CORE_BUSY] = { "core-busy", 60, ANYWHERE, IF_MAPPED },
	[TORT_OP_FOREIGN] = { "foreign", 50, ANYWHERE, IF_OWNED | IF_MAPPED },
	[TORT_OP_STRANGER] = { "stranger", 50, ANYWHERE, ALWAYS },
	[TORT_OP_DEAD] = { "dead", 10, ANYWHERE, ALWAYS },
	[TORT_OP_FORGED] = { "forged", 10, ANYWHERE, ALWAYS },
	[TORT_OP_WRONG_THREAD] = { "wrong-thread", 10, ANYWHERE, ALWAYS },
	[TORT_OP_BAD_ADDRESS] = { "bad-address", 10, ANYWHERE, ALWAYS },
	[TORT_OP_DOUBLE] = { "double", 40, ANYWHERE, IF_HELD },
	[TORT_OP_BUSY] = { "busy", 20, ANYWHERE, IF_OWNED },
	[TORT_OP_UNOWNED] = { "unowned", 40, ANYWHERE, IF_UNOWNED },
	[TORT_OP_BAD_PAGE] = { "bad-page", 10, ANYWHERE,
			       IF_EMPTY | IF_UNOWNED },
	[TORT_OP_LOSE] = { "lose", 30, ANYWHERE, IF_HELD },
	[TORT_OP_DUEL] = { "duel", 100, ANYWHERE, ALWAYS },
	[TORT_OP_VMAP] = { "vmap", 10, IN_TASK, IF_HELD },
	[TORT_OP_FOREIGN_VMAP] = { "foreign-vmap", 5, IN_TASK, IF_HELD },
	[TORT_OP_LIFE] = { "life", 1, IN_TASK, IF_EMPTY },
	[TORT_OP_MORTAL] = { "mortal", 1, IN_TASK, IF_EMPTY },
	[TORT_OP_PROCESS] = { "process", 0, 0, 0 },
};

static_assert(ARRAY_SIZE(plays) == TORT_NR_OPS);

static u8 choices[TORT_NR_CONTEXTS][TORT_NR_STATES][CHOICES];

const char *tort_op_name(enum tort_op op)
{
	return plays[op].name;
}

static bool may_play(enum tort_op op, enum tort_context context,
		     enum tort_state state)
{
	return plays[op].contexts & BIT(context) &&
	       plays[op].states & BIT(state);
}

static unsigned int total_weight(enum tort_context context,
				 enum tort_state state)
{
	unsigned int total = 0;
	enum tort_op op;

	for (op = 0; op < TORT_NR_OPS; op++)
		if (may_play(op, context, state))
			total += plays[op].weight;
	return total;
}

/* Each play's share of the choices is the share of the play's weight, rounded up. */
static int fill_choices(enum tort_context context, enum tort_state state)
{
	unsigned int total = total_weight(context, state), next = 0;
	unsigned long sum = 0;
	enum tort_op op;

	if (!total)
		return -EINVAL;
	for (op = 0; op < TORT_NR_OPS; op++) {
		unsigned int first = next;

		if (!may_play(op, context, state))
			continue;
		sum += plays[op].weight;
		while (next < DIV_ROUND_UP(sum * CHOICES, total))
			choices[context][state][next++] = op;
		if (plays[op].weight && next == first) {
			pr_err("mix: beside such weights nobody would choose '%s'\n",
			       plays[op].name);
			return -EINVAL;
		}
	}
	return 0;
}

static int set_weight(char *pair)
{
	char *name = strsep(&pair, "=");
	enum tort_op op;

	for (op = 0; op < TORT_NR_OPS; op++)
		if (pair && !strcmp(name, plays[op].name))
			return kstrtouint(pair, 0, &plays[op].weight);
	pr_err("mix: '%s' is no operation with a weight\n", name);
	return -EINVAL;
}

static int set_weights(const char *mix)
{
	char *copy = kstrdup(mix, GFP_KERNEL), *rest = copy, *pair;
	int err = copy ? 0 : -ENOMEM;

	while (!err && (pair = strsep(&rest, ",")))
		if (*pair)
			err = set_weight(pair);
	kfree(copy);
	return err;
}

/*
 * @mix: "name=weight,...", for the operations that are to differ from the default.
 * Context: Task; may sleep. Return: 0, -EINVAL, -ENOMEM.
 */
int tort_mix_init(const char *mix)
{
	enum tort_context context;
	enum tort_state state;
	int err = set_weights(mix);

	for (context = 0; context < TORT_NR_CONTEXTS; context++)
		for (state = 0; state < TORT_NR_STATES && !err; state++)
			err = fill_choices(context, state);
	return err;
}

/* Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014. */
static u64 splitmix(u64 x)
{
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
	return x ^ (x >> 31);
}

static void new_dice(struct tort_actor *a)
{
	u64 stream = a->seed + a->id * 0xd1342543de82ef95ULL;

	a->dice = splitmix(stream + ++a->step * 0x9e3779b97f4a7c15ULL);
}

/* A number below @sides. Context: Any. */
u32 tort_roll(struct tort_actor *a, u32 sides)
{
	a->dice = a->dice * 0x5851f42d4c957f2dULL + 1;
	return ((a->dice >> 32) * sides) >> 32;
}

static void play(struct tort_actor *a, enum tort_op op,
		 struct tort_slip **at)
{
	/*
	 * end_mortal() waits for this section: no owner goes between a call and the counting of
	 * the call.
	 */
	rcu_read_lock();
	if (op >= TORT_OP_FOREIGN)
		tort_play_attack(a, op, at);
	else
		tort_play_right(a, op, at);
	rcu_read_unlock();
}

/*
 * Makes @a's next step.
 * Context: Any; @a does nothing else meanwhile.
 */
void tort_step(struct tort_actor *a)
{
	unsigned long calls = a->calls;
	struct tort_slip **at, *p;
	enum tort_op op;

	WRITE_ONCE(a->task, current);
	new_dice(a);
	at = &a->slots[tort_roll(a, TORT_SLOTS)];
	p = *at;
	op = choices[a->context][p->state][tort_roll(a, CHOICES)];
	a->ops[op]++;
	if (p->state != TORT_EMPTY && unlikely(!tort_check(a, p)))
		return;
	if (unlikely(op == TORT_OP_VMAP))
		tort_vmap(a, p);
	else if (unlikely(op == TORT_OP_FOREIGN_VMAP))
		tort_foreign_vmap(a, p);
	else if (unlikely(op == TORT_OP_LIFE))
		tort_life(a);
	else if (unlikely(op == TORT_OP_MORTAL))
		tort_mortal(a);
	else
		play(a, op, at);
	tort_duel_join(a);
	tort_frags_duel_join(a);
	a->op_calls[op] += a->calls - calls;
}
