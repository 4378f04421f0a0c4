// SPDX-License-Identifier: GPL-2.0-only
/*
 * The machine behind shim.h: CPUs, nodes, memory, the page allocator, and work that waits. A
 * CPU is a number, and its memory of alloc_percpu() a copy. Frames are shared out among the
 * nodes in equal parts, CPUs likewise.
 *
 * The page allocator hands a node's frames out in runs of RUN in a row, the runs in an order that
 * the seed decides, as on a machine that has been up for long. A page that was given back is the
 * next to be handed out, on the same node.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "shim.h"
#include "machine.h"

/* Pages in a row: a bulk allocation takes half of these. */
#define RUN		32U
#define MAX_NODES	8U
#define QUEUE		4096U

unsigned int sim_cpu, sim_cpus, nr_node_ids;
unsigned long sim_frames, sim_loads, sim_pages_got, jiffies;
struct page *sim_pages;
const unsigned long sim_percpu_unit = 1UL << 22;
char sim_this_ip[1];

void (*sim_allocated)(const void *memory, size_t size);

static struct node {
	unsigned long handed_out;	/* of the node's frames, in the order of sim_scatter() */
	unsigned long *back;		/* those that were given back */
	unsigned long nr_back, room;
} nodes[MAX_NODES];

static uint64_t seed;
static char *percpu;
static size_t percpu_used;
static struct {
	struct work_struct *work;
	unsigned int cpu;
} queue[QUEUE];
static unsigned int queued;

void sim_die(const char *why, const char *what)
{
	fprintf(stderr, "simulate: %s: %s\n", why, what);
	exit(1);
}

/* A generator of 64 bits: splitmix64. */
uint64_t sim_random(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15ULL;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
	return z ^ z >> 31;
}

/* Zeroes, which cost memory only when touched. */
void *sim_memory(size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (memory == MAP_FAILED)
		sim_die("no memory", "mmap");
	return memory;
}

/* A bijection of numbers below 2^@bits: three rounds of a multiplication and a shift. */
static uint64_t shuffle(uint64_t nr, unsigned int bits, uint64_t key)
{
	uint64_t mask = (1ULL << bits) - 1;
	unsigned int round;

	for (round = 0; round < 3; round++) {
		uint64_t random = sim_random(&key);

		nr = (nr * (random | 1) + (random >> 32)) & mask;
		nr ^= nr >> ((bits + 1) / 2);
	}
	return nr;
}

/*
 * Of @of things, the one at place @nr of an order in which runs of @run stay together. Runs that
 * would lie outside are skipped, by walking the cycle until a run is inside.
 */
unsigned long sim_scatter(unsigned long nr, unsigned long of, unsigned int run, uint64_t key)
{
	unsigned long runs = of / run, at = nr / run;
	unsigned int bits = 64 - __builtin_clzl(runs > 1 ? runs - 1 : 1);

	if (at >= runs)
		return nr;
	do {
		at = shuffle(at, bits, key);
	} while (at >= runs);
	return at * run + nr % run;
}

void sim_machine(unsigned int cpus, unsigned int node_nr, unsigned long frames, uint64_t new_seed)
{
	sim_cpus = cpus;
	nr_node_ids = node_nr;
	sim_frames = frames;
	seed = new_seed;
	sim_pages = sim_memory(frames * sizeof(struct page));
	percpu = sim_alloc(sim_percpu_unit * SIM_MAX_CPUS);
}

unsigned int sim_node_of_cpu(unsigned int cpu)
{
	return cpu * nr_node_ids / sim_cpus;
}

unsigned int sim_node_of_pfn(unsigned long pfn)
{
	return pfn / (sim_frames / nr_node_ids);
}

static struct page *make_page(unsigned long pfn)
{
	struct page *page = &sim_pages[pfn];

	page->page_type = UINT32_MAX;
	page->_refcount.counter = 1;
	sim_pages_got++;
	return page;
}

/* A page of node @nid, or of the CPU's own node for NUMA_NO_NODE; NULL when the node has none. */
struct page *sim_page_get(int nid)
{
	unsigned int from = nid < 0 ? sim_node_of_cpu(sim_cpu) : (unsigned int)nid;
	unsigned long each = sim_frames / nr_node_ids;
	struct node *node = &nodes[from];
	unsigned long pfn;

	if (node->nr_back)
		return make_page(node->back[--node->nr_back]);
	do {
		if (node->handed_out == each)
			return NULL;
		pfn = from * each + sim_scatter(node->handed_out++, each, RUN, seed + from);
	} while (!pfn);
	return make_page(pfn);
}

void sim_page_put(struct page *page)
{
	struct node *node = &nodes[sim_node_of_pfn(page - sim_pages)];

	if (node->nr_back == node->room) {
		node->room = node->room ? 2 * node->room : 1024;
		node->back = realloc(node->back, node->room * sizeof(*node->back));
		if (!node->back)
			sim_die("no memory", "pages given back");
	}
	node->back[node->nr_back++] = page - sim_pages;
}

/* Each piece begins at a line, as a large one does in the kernel. */
void *sim_alloc(size_t size)
{
	void *memory = sim_memory(size);

	if (sim_allocated)
		sim_allocated(memory, size);
	return memory;
}

void sim_free(const void *memory)
{
}

void *sim_alloc_percpu(size_t size)
{
	void *piece = percpu + percpu_used;

	percpu_used += (size + SIM_LINE - 1) / SIM_LINE * SIM_LINE;
	if (percpu_used > sim_percpu_unit)
		sim_die("no memory", "per CPU");
	return piece;
}

void sim_queue(struct work_struct *work)
{
	if (work->queued)
		return;
	if (queued == QUEUE)
		sim_die("too much work", "queued");
	work->queued = true;
	queue[queued].work = work;
	queue[queued++].cpu = sim_cpu;
}

/* What an interrupt does at once. */
void sim_irq_work(struct work_struct *work)
{
	struct irq_work *kick = container_of(work, struct irq_work, work);

	kick->fn(kick);
}

/* Does the work that waits, each piece on the CPU that queued the work. */
void sim_work(void)
{
	unsigned int cpu = sim_cpu, i;

	for (i = 0; i < queued; i++) {
		if (!queue[i].work->queued)
			continue;
		queue[i].work->queued = false;
		sim_cpu = queue[i].cpu;
		queue[i].work->fn(queue[i].work);
	}
	queued = 0;
	sim_cpu = cpu;
}
