/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The tracepoints labyrinth:*, for each step of a page and of an owner, and lab_step(). The
 * slow paths call lab_step() for each step: lab_step() fires the tracepoint and, with trace=1
 * or dynamic debug, prints a line.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM labyrinth

#if !defined(LABYRINTH_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define LABYRINTH_TRACE_H

#include <linux/tracepoint.h>

#include "core/owner.h"
#include "report/report.h"
#include "report/site.h"

#ifndef LABYRINTH_TRACE_DECLARATIONS
#define LABYRINTH_TRACE_DECLARATIONS
/*
 * Classes, calls, states and reasons stand in a record by name: for filters, and for readers
 * outside the kernel, which can neither call a function nor look up an enum.
 */
#define LAB_TRACE_NAME_LEN 16

void lab_step(enum lab_op op, unsigned long pfn,
	      const struct lab_owner *owner, unsigned long ip);
void lab_step_cached(enum lab_op op, unsigned long pfn,
		     const struct lab_owner *owner, unsigned long ip);
void lab_step_batch(enum lab_op op, unsigned int nr,
		    const struct lab_owner *owner, unsigned long ip);
void lab_step_created(const struct lab_owner *owner, unsigned int reserve);
void lab_step_destroyed(const struct lab_owner *owner, unsigned int out);
void lab_step_transfer(unsigned long pfn, const struct lab_owner *from,
		       const struct lab_owner *to, unsigned long ip);
int lab_trace_begin(void);
void lab_trace_end(void);
int lab_trace_init(void);
void lab_trace_exit(void);
#endif

DECLARE_EVENT_CLASS(labyrinth_step,
	TP_PROTO(unsigned long pfn, const struct lab_owner *owner,
		 unsigned long ip),
	TP_ARGS(pfn, owner, ip),
	TP_STRUCT__entry(
		__field(unsigned long, pfn)
		__field(unsigned int, owner_id)
		__field(unsigned long, ip)
		__array(char, owner, LABYRINTH_NAME_LEN)
	),
	TP_fast_assign(
		__entry->pfn = pfn;
		__entry->owner_id = lab_owner_id(owner);
		__entry->ip = ip;
		memcpy(__entry->owner, owner->name, LABYRINTH_NAME_LEN);
	),
	TP_printk("pfn=0x%lx owner_id=%u owner=%s caller=%pS", __entry->pfn,
		  __entry->owner_id, __entry->owner, (void *)__entry->ip)
);

/*
 * Steps with a fast path, which fires no tracepoint: no page takes the fast path while any of
 * these tracepoints is on.
 */
#define LAB_FAST_EVENT(name)						\
DEFINE_EVENT_FN(labyrinth_step, name,					\
	TP_PROTO(unsigned long pfn, const struct lab_owner *owner,	\
		 unsigned long ip),					\
	TP_ARGS(pfn, owner, ip), lab_trace_begin, lab_trace_end)

LAB_FAST_EVENT(page_alloc);
LAB_FAST_EVENT(page_free);
LAB_FAST_EVENT(page_lend);
LAB_FAST_EVENT(page_reclaim);
LAB_FAST_EVENT(page_dma);
LAB_FAST_EVENT(page_unmap);
LAB_FAST_EVENT(page_rx_get);
LAB_FAST_EVENT(page_rx_give);
LAB_FAST_EVENT(page_rx_put);

#define LAB_PAGE_EVENT(name)						\
DEFINE_EVENT(labyrinth_step, name,					\
	TP_PROTO(unsigned long pfn, const struct lab_owner *owner,	\
		 unsigned long ip),					\
	TP_ARGS(pfn, owner, ip))

LAB_PAGE_EVENT(page_refill);
LAB_PAGE_EVENT(page_return);
LAB_PAGE_EVENT(page_limbo);
LAB_PAGE_EVENT(page_release);
LAB_PAGE_EVENT(page_adopt);
LAB_PAGE_EVENT(page_map);
LAB_PAGE_EVENT(page_vmap);

TRACE_EVENT(page_transfer,
	TP_PROTO(unsigned long pfn, const struct lab_owner *from,
		 const struct lab_owner *to, unsigned long ip),
	TP_ARGS(pfn, from, to, ip),
	TP_STRUCT__entry(
		__field(unsigned long, pfn)
		__field(unsigned int, owner_id)
		__field(unsigned int, to_id)
		__field(unsigned long, ip)
		__array(char, owner, LABYRINTH_NAME_LEN)
		__array(char, to, LABYRINTH_NAME_LEN)
	),
	TP_fast_assign(
		__entry->pfn = pfn;
		__entry->owner_id = lab_owner_id(from);
		__entry->to_id = lab_owner_id(to);
		__entry->ip = ip;
		memcpy(__entry->owner, from->name, LABYRINTH_NAME_LEN);
		memcpy(__entry->to, to->name, LABYRINTH_NAME_LEN);
	),
	TP_printk("pfn=0x%lx owner_id=%u owner=%s to_id=%u to=%s caller=%pS",
		  __entry->pfn, __entry->owner_id, __entry->owner,
		  __entry->to_id, __entry->to, (void *)__entry->ip)
);

TRACE_EVENT(alloc_failed,
	TP_PROTO(const struct lab_owner *owner, enum lab_fail fail,
		 unsigned long ip),
	TP_ARGS(owner, fail, ip),
	TP_STRUCT__entry(
		__field(unsigned int, owner_id)
		__field(unsigned long, ip)
		__array(char, reason, LAB_TRACE_NAME_LEN)
		__array(char, owner, LABYRINTH_NAME_LEN)
	),
	TP_fast_assign(
		__entry->owner_id = lab_owner_id(owner);
		strscpy(__entry->reason, lab_fail_name(fail), LAB_TRACE_NAME_LEN);
		__entry->ip = ip;
		memcpy(__entry->owner, owner->name, LABYRINTH_NAME_LEN);
	),
	TP_printk("owner_id=%u owner=%s reason=%s caller=%pS",
		  __entry->owner_id, __entry->owner, __entry->reason,
		  (void *)__entry->ip)
);

DECLARE_EVENT_CLASS(labyrinth_owner,
	TP_PROTO(const struct lab_owner *owner, unsigned int pages),
	TP_ARGS(owner, pages),
	TP_STRUCT__entry(
		__field(unsigned int, owner_id)
		__field(unsigned int, pages)
		__array(char, owner, LABYRINTH_NAME_LEN)
		__array(char, module, LABYRINTH_NAME_LEN)
	),
	TP_fast_assign(
		__entry->owner_id = lab_owner_id(owner);
		__entry->pages = pages;
		memcpy(__entry->owner, owner->name, LABYRINTH_NAME_LEN);
		memcpy(__entry->module, owner->module_name, LABYRINTH_NAME_LEN);
	),
	TP_printk("owner_id=%u owner=%s module=%s pages=%u", __entry->owner_id,
		  __entry->owner, __entry->module, __entry->pages)
);

/* pages: the reserve at creation; what was still out at destruction */
DEFINE_EVENT(labyrinth_owner, owner_create,
	TP_PROTO(const struct lab_owner *owner, unsigned int pages),
	TP_ARGS(owner, pages));
DEFINE_EVENT(labyrinth_owner, owner_destroy,
	TP_PROTO(const struct lab_owner *owner, unsigned int pages),
	TP_ARGS(owner, pages));

TRACE_EVENT(refusal,
	TP_PROTO(const struct lab_refusal *refusal),
	TP_ARGS(refusal),
	TP_STRUCT__entry(
		__array(char, class, LAB_TRACE_NAME_LEN)
		__array(char, op, LAB_TRACE_NAME_LEN)
		__array(char, state, LAB_TRACE_NAME_LEN)
		__array(char, error, LAB_TRACE_NAME_LEN)
		__field(int, err)
		__field(unsigned long, pfn)
		__field(unsigned int, owner_id)
		__field(unsigned int, age_ms)
		__field(unsigned long, site)
		__field(int, caller_id)
		__field(unsigned long, ip)
		__array(char, owner, LABYRINTH_NAME_LEN)
		__array(char, caller, LABYRINTH_NAME_LEN)
		__array(char, caller_module, LABYRINTH_NAME_LEN)
		__array(char, site_name, LAB_SITE_NAME_LEN)
		__array(char, ip_name, LAB_SITE_NAME_LEN)
	),
	TP_fast_assign(
		const struct lab_owner *caller = refusal->caller;
		const struct lab_owner *owner = NULL;

		if (refusal->tag)
			owner = lab_owner_by_id(lab_tag_owner(refusal->tag));
		strscpy(__entry->class, lab_class_name(refusal->class),
			LAB_TRACE_NAME_LEN);
		strscpy(__entry->op, lab_op_name(refusal->op), LAB_TRACE_NAME_LEN);
		strscpy(__entry->state, lab_state_name(lab_tag_state(refusal->tag)),
			LAB_TRACE_NAME_LEN);
		lab_error_name(__entry->error, LAB_TRACE_NAME_LEN, refusal->err);
		__entry->err = refusal->err;
		__entry->pfn = lab_tag_pfn(refusal->tag);
		__entry->owner_id = lab_tag_owner(refusal->tag);
		/* Of a page that nobody holds there is none. */
		__entry->age_ms = refusal->note.site ? refusal->note.age_ms : 0;
		__entry->site = refusal->note.site;
		__entry->caller_id = caller ? (int)lab_owner_id(caller) : -1;
		__entry->ip = refusal->ip;
		strscpy(__entry->owner, owner ? owner->name : "-",
			LABYRINTH_NAME_LEN);
		strscpy(__entry->caller, caller ? caller->name : "-",
			LABYRINTH_NAME_LEN);
		strscpy(__entry->caller_module,
			caller ? caller->module_name : "-", LABYRINTH_NAME_LEN);
		strscpy(__entry->site_name, refusal->note.site ?
			lab_site_name(refusal->note.site).text : "-", LAB_SITE_NAME_LEN);
		strscpy(__entry->ip_name, lab_site_name(refusal->ip).text, LAB_SITE_NAME_LEN);
	),
	TP_printk("class=%s op=%s err=%s pfn=0x%lx state=%s owner_id=%u owner=%s age_ms=%u site=%s caller_id=%d caller=%s module=%s ip=%s",
		  __entry->class, __entry->op, __entry->error, __entry->pfn,
		  __entry->state, __entry->owner_id, __entry->owner, __entry->age_ms,
		  __entry->site_name, __entry->caller_id, __entry->caller,
		  __entry->caller_module, __entry->ip_name)
);

#endif /* LABYRINTH_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH report
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
