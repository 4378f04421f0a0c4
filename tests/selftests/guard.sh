#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Foreign code tries every way to a page that is held, with the guard refusing,
# reporting and off. After each try the page is as it was: its content (unless the
# way is open), its owner and its state. Documentation/guard.rst has the same ways
# in a table.

. "${0%/*}/ktap.sh"

DEBUGFS=/sys/kernel/debug/labyrinth
DO=$(deeds_of labyrinth_probe)
PARAMETERS=/sys/module/labyrinth/parameters
TRACING=/sys/kernel/tracing
INTRUDE="${0%/*}/user/intrude"
PEEK="${0%/*}/user/peek"

# A way, how to use what it gives, and what comes of it with guard=refuse, with
# report and with off; "same" is "as with report". Where the last is an error all
# the same, the core refuses it for the page's type.
ways() {
	cat <<-'END'
		vmap			now	ENOMEM	done	same
		vmap-range		now	ENOMEM	done	same
		vm_map_ram		now	ENOMEM	done	same
		vmap_pfn		now	ENOMEM	ENOMEM	same
		set_memory_uc		now	EPERM	done	same
		splice_to_pipe		pipe	done	done	same
		splice_to_pipe		socket	EPERM	done	same
		dma_map_page		now	EIO	done	same
		dma_map_page-range	now	EIO	done	same
		dma_map_page-walk	now	EIO	done	same
		dma_map_single		now	EIO	done	same
		dma_map_resource	now	EIO	done	same
		dma_map_sg-range	now	EIO	done	same
		dma_map_sgtable-range	now	EPERM	done	same
		vm_insert_page		write	EPERM	EINVAL	same
		vm_insert_pages-range	write	EPERM	EINVAL	same
		vm_map_pages-range	write	EPERM	EINVAL	same
		vm_map_pages_zero-range	write	EPERM	EINVAL	same
		remap_pfn_range		write	EPERM	mapped	same
		remap_pfn_range-range	write	EPERM	mapped	same
		vm_iomap_memory		write	EPERM	mapped	same
		vmf_insert_page		write	SIGBUS	SIGBUS	same
		vmf_insert_pfn		write	SIGBUS	mapped	same
		vmf_insert_pfn_prot	write	SIGBUS	mapped	same
		vmf_insert_pfn_pmd	write	SIGBUS	SIGBUS	same
		vmf_insert_mixed	write	SIGBUS	mapped	same
		fault			read	SIGBUS	mapped	same
		fault			write	SIGBUS	mapped	same
		fault			cow	SIGBUS	mapped	same
	END
}

# Ways that no guard stands in, for the core itself does: by whom tried, and what
# comes of it.
natives() {
	kcore=$(by_kcore 00)
	cat <<-END
		peek	kcore	$kcore
		peek	read	EPERM
		peek	mmap	EPERM
		intrude	ioremap	ENOMEM
	END
}

# by_kcore BYTE: the byte, or what is said where lockdown=confidentiality closes /proc/kcore.
by_kcore() {
	if can_open /proc/kcore; then
		echo "$1"
	else
		echo EPERM
	fi
}

held() { grep "^$pfn " $DEBUGFS/pages | cut -d ' ' -f 1-4; }
found() { awk '{ sub(/.*found=/, ""); n += $1 } END { print n }' $DEBUGFS/guard; }
peek() { "$PEEK" "$1" "$2" 2>&1; }
intrude() { "$INTRUDE" "$@" 2>&1; }
set_guard() { echo "$1" >$PARAMETERS/guard; }
set_classes() { echo "$1" >$PARAMETERS/guard_classes; }
paint() { intrude paint "$pfn" now >/dev/null; }
painted() { [ "$(intrude look "$pfn" now)" = "done" ]; }

# try_way MODE WAY HOW EXPECTED: two results. What is mapped may be written to,
# anything else may not have been.
try_way() {
	paint
	[ "$1" = off ] || before=$(found)
	got=$(intrude "$2" "$pfn" "$3")
	tried=$((tried + 1))
	ktap_equal "$1: $2 ($3) gives $4" "$4" "$got"
	case $4 in
	mapped | done) open=$((open + 1)) ;;
	*) refused=$((refused + 1)) ;;
	esac
	state=$(held)
	[ "$1" = off ] || [ "$(found)" -gt "$before" ] || state="$state, unseen"
	[ "$4" = mapped ] || painted || state="$state, changed"
	ktap_equal "$1: $2 ($3) leaves the page with its owner" "$owner" "$state"
}

# A typed page that a fault maps makes 6.1 say "Bad page map", as long as nobody
# refuses, which makes lockdep give up. Who maps memory by vmap_pfn() or ioremap() is
# warned by the kernel itself.
KERNEL_SAYS='BUG: Bad page map|WARNING: .* (vmap_pfn_apply|[a-z_]*ioremap[a-z_.0-9]*)\+|Modules linked in:'
costs_lockdep() { [ "$1" != refuse ] && [ "$2" = fault ] && [ -e /proc/lockdep_stats ]; }

try_ways() {
	tried=0 refused=0 open=0
	while read -r way how refuse report off; do
		[ "$off" != same ] || off=$report
		case $1 in
		refuse) expected=$refuse ;;
		report) expected=$report ;;
		off) expected=$off ;;
		esac
		if costs_lockdep "$1" "$way"; then
			ktap_skip "$1: $way ($how)" "it would switch lockdep off"
			ktap_skip "$1: $way ($how) leaves the page with its owner" "likewise"
			continue
		fi
		try_way "$1" "$way" "$how" "$expected"
	done </tmp/ways
	ktap_diag "guard=$1: $tried ways tried, $refused refused, $open open"
}

check_refuse() {
	set_guard refuse
	mark=$(dmesg_mark)
	try_ways refuse
	log=$(dmesg_since "$mark")
	ktap_lacks "refuse: nothing bad is said of any page" \
		"Bad page|WARNING|Oops" "$log"
	ktap_contains "a refusal names the caller and its module" \
		"BUG: labyrinth: foreign-map in [a-z_]*mmap[a-z_]*\+.*\[labyrinth_intruder\]" "$log"
	ktap_contains "a refusal says by which function" \
		"caller: +no owner's handle: a call of remap_pfn_range\(\)" "$log"
	ktap_contains "a refusal by a fault names the driver's handler" \
		"BUG: labyrinth: foreign-fault in intruder_fault\+.*\[labyrinth_intruder\]" \
		"$log"
	ktap_lacks "no refusal names core code, where a driver's call is a jump" \
		"BUG: labyrinth: foreign-(map|fault) in [^[]*$" "$log"
	ktap_contains "but the driver's mmap(), and where the call returns to" \
		"through: core code: the call returns to" "$log"
	ktap_contains "missing hooks are said" "guard: not in this kernel: .*" "$(dmesg)"
}

check_classes() {
	set_classes map,fault,vmap
	ktap_contains "a class can be disarmed on its own" \
		"^dma_map_sg_attrs +dma +disarmed" "$(cat $DEBUGFS/guard)"
	ktap_equal "what it hooked is not refused then" "done" \
		"$(intrude dma_map_page "$pfn" now)"
	ktap_equal "the other classes are" ENOMEM "$(intrude vmap "$pfn" now)"
	ktap_refuse "a class that is none is refused" set_classes map,dmb
	ktap_equal "a refused list changes nothing" map,fault,vmap \
		"$(cat $PARAMETERS/guard_classes)"
	set_classes map,fault,vmap,dma,file,free
	ktap_equal "a class can be armed again" EIO \
		"$(intrude dma_map_page "$pfn" now)"
	ktap_refuse "a mode that is none is refused" set_guard on
}

# Numbers that are too large: the kernel's own answer, and no more than that.
check_arrays() {
	for mode in refuse report off; do
		set_guard $mode
		ktap_equal "$mode: an array that is shorter than said gives vmap ENOMEM" \
			ENOMEM "$(intrude vmap-huge "$pfn" now)"
		ktap_equal "$mode: and vm_insert_pages EFAULT" \
			EFAULT "$(intrude vm_insert_pages-huge "$pfn" write)"
	done
	set_guard refuse
}

check_file() {
	ktap_equal "the page does not get into the page cache" EPERM \
		"$(intrude filemap_add_folio "$pfn" now)"
	ktap_equal "and is its owner's as before" "$owner" "$(held)"
}

check_tracers() {
	if [ -e /proc/sys/kernel/ftrace_enabled ]; then
		ktap_refuse "ftrace cannot be switched off under the guard" \
			sh -c "echo 0 >/proc/sys/kernel/ftrace_enabled"
	else
		ktap_skip "ftrace cannot be switched off under the guard" "no such switch"
	fi
	for tracer in function function_graph; do
		check_tracer $tracer
	done
}

check_tracer() {
	if ! tracefs_open; then
		for call in vmap remap_pfn_range; do
			ktap_skip "$call is refused beside the tracer $1" "this kernel lets nobody use tracefs"
		done
		return
	fi
	echo "vmap remap_pfn_range" >$TRACING/set_ftrace_filter
	echo "$1" >$TRACING/current_tracer
	ktap_equal "vmap is refused beside the tracer $1" ENOMEM "$(intrude vmap "$pfn" now)"
	ktap_equal "remap_pfn_range is refused beside the tracer $1" EPERM \
		"$(intrude remap_pfn_range "$pfn" write)"
	echo nop >$TRACING/current_tracer
	echo >$TRACING/set_ftrace_filter
}

# A mapping by frame number has no reference and would outlive the loan. Beside the page
# may be others that are its owner's: so one frame at a time, or by what is reported.
try_lent() {
	mine=$owner
	owner=$(held)
	while read -r way how refuse _; do
		try_way lent "$way" "$how" "$refuse"
	done </tmp/by_frame
	owner=$mine
	mark=$(dmesg_mark)
	intrude vm_iomap_memory "$pfn" write >/dev/null
	ktap_contains "lent: of a range, that page is what is refused" \
		"refused: map.* page: +pfn $pfn at [^ ]+, LENT" \
		"$(dmesg_since "$mark" | tr '\n' ' ')"
}

# check_unasked WAY: the page allocator is never asked, so the way has a hook of its own.
check_unasked() {
	intrude "$1" "$pfn" now >/dev/null
	mark=$(dmesg_mark)
	intrude "$1" "$pfn" now >/dev/null
	log=$(dmesg_since "$mark")
	ktap_contains "refuse: $1 of a page that is held is reported" \
		"BUG: labyrinth: foreign-free in do_(unpin|page)_[a-z]*\+.*\[labyrinth_intruder\]" "$log"
	ktap_contains "refuse: and the one before dropped nothing" ", HELD, 32 references" "$log"
}

# Newer kernels' pools warn of such a page, and do not take it.
check_pool() {
	if grep -q "^page_pool_put_defragged_page .* armed" $DEBUGFS/guard; then
		check_unasked page_pool
	else
		ktap_skip "refuse: page_pool of a page that is held is reported" "no such function"
		ktap_skip "refuse: and the one before dropped nothing" "likewise"
	fi
}

# Each drops 1,024 references at once.
check_unpin() {
	for way in unpin_user_page unpin_user_pages unpin_user_page_range; do
		check_unasked $way
	done
}

check_lent() {
	echo lend >"$DO"
	mark=$(dmesg_mark)
	intrude pin-unpin "$pfn" now >/dev/null
	ktap_lacks "a lent page's pin can be put" "BUG: labyrinth" "$(dmesg_since "$mark")"
	ktap_equal "a lent page can be mapped into the kernel" "done" \
		"$(intrude vmap "$pfn" now)"
	ktap_equal "a lent page can be mapped for DMA" "done" \
		"$(intrude dma_map_sg-range "$pfn" now)"
	ktap_equal "a lent page can be mapped into a process" mapped \
		"$(intrude vm_insert_page "$pfn" write)"
	ktap_equal "a lent page can be mapped by a fault" mapped \
		"$(intrude fault "$pfn" write)"
	paint
	ktap_equal "a lent page is in /proc/kcore" "$(by_kcore 5a)" "$(peek kcore "$pfn")"
	try_lent
	echo put >"$DO"
	echo reclaim >"$DO"
	ktap_equal "a page taken back cannot" ENOMEM "$(intrude vmap "$pfn" now)"
}

gone() {
	for _ in $(seq 100); do
		grep -q "^$1 " "$DEBUGFS/pages" || return 0
		sleep 0.1
	done
	return 1
}

# The borrower is not done when the owner goes. The last reference is given back by unpin.
check_left() {
	echo lend >"$DO"
	echo destroy >"$DO"
	ktap_contains "a lent page whose owner went is in limbo" "^$pfn .* LIMBO" \
		"$(grep "^$pfn " $DEBUGFS/pages)"
	mark=$(dmesg_mark)
	for way in pin-unpin pin-unpin-pages pin-unpin-range; do
		intrude $way "$pfn" now >/dev/null
	done
	ktap_lacks "and there, too, its borrower's pins can be put" "BUG: labyrinth" \
		"$(dmesg_since "$mark")"
	echo put >"$DO"
	ktap_check "and the page leaves" gone "$pfn"
	hold_one
}

# A borrower puts the page into a file, which lets go of the page. Compaction sees to it that the
# page is on the core's lists by then, and not on the way.
check_filed() {
	echo lend >"$DO"
	ktap_equal "a lent page can be in a file" "done" "$(intrude file-cut "$pfn" now)"
	echo put >"$DO"
	echo 1 >/proc/sys/vm/compact_memory
	ktap_contains "on the core's lists, it is not taken back" busy \
		"$(sh -c "echo reclaim >$DO" 2>&1)"
	echo destroy >"$DO"
	ktap_check "as the owner goes, the core frees it" gone "$pfn"
	hold_one
}

check_natives() {
	paint
	while read -r who way wanted; do
		ktap_equal "off: $way gives $wanted" "$wanted" "$($who "$way" "$pfn" now)"
		neutralised=$((neutralised + 1))
	done </tmp/natives
	for way in free_page put_page folio_put; do
		intrude $way "$pfn" now >/dev/null
		neutralised=$((neutralised + 1))
	done
	ktap_equal "off: memremap gives the direct map, which is nobody's to refuse" \
		"done" "$(intrude memremap "$pfn" now)"
	ktap_equal "off: foreign frees do not give the page away" "$owner" "$(held)"
	mark=$(dmesg_mark)
	ktap_check "off: its owner can still free it" sh -c "echo 'drop 1' >$DO"
	ktap_contains "off: and is told what others did" \
		"BUG: labyrinth: lost-reference-free" "$(dmesg_since "$mark")"
	ktap_diag "$neutralised ways neutralised by the page's type and references"
}

# Calls are under way all the time while the guard comes, goes and is unloaded.
traffic() {
	while [ -e /tmp/traffic ]; do
		"$INTRUDE" bench 1 now
		"$INTRUDE" bench-mmap 1 write
	done >/dev/null 2>&1
}

churn() {
	for _ in 1 2 3; do
		set_guard refuse || return
		set_guard off || return
	done
	set_guard refuse
}

# check_away WAY: the one way that nothing can refuse, but the page allocator does not get
# the page.
check_away() {
	set_guard refuse
	echo "hold 1" >"$DO"
	away=$(grep HELD $DEBUGFS/pages | grep -v "^$pfn " | cut -d ' ' -f 1)
	free=$(sed -n 's/^mm_page_free .* refused=//p' $DEBUGFS/guard)
	mark=$(dmesg_mark)
	intrude "$1" "$away" now >/dev/null
	log=$(dmesg_since "$mark")
	ktap_contains "$1: who drops all references is reported" \
		"BUG: labyrinth: foreign-free in (do_${1%-*}_away|folio_put).*\[labyrinth_intruder\]" "$log"
	ktap_lacks "$1: and nothing bad is said of the page" "Bad page" "$log"
	ktap_equal "$1: the page allocator did not get it" $((free + 1)) \
		"$(sed -n 's/^mm_page_free .* refused=//p' $DEBUGFS/guard)"
	ktap_contains "$1: it is its owner's as before" "^$away [0-9]+ probe HELD" \
		"$(cat $DEBUGFS/pages)"
	ktap_equal "$1: nor does it give it to anybody" "done" "$(intrude grab "$away" now)"
	ktap_check "$1: it is not taken for broken memory for long" whole_again
	mark=$(dmesg_mark)
	ktap_check "$1: and then its owner can free it" sh -c "echo 'drop 1' >$DO"
	ktap_lacks "$1: who is missing nothing" "BUG: labyrinth" "$(dmesg_since "$mark")"
}

# check_word WAY: as check_away(), of a page with one word left that tells the page.
check_word() {
	echo "hold 1" >"$DO"
	away=$(grep HELD $DEBUGFS/pages | grep -v "^$pfn " | cut -d ' ' -f 1)
	free=$(sed -n 's/^mm_page_free .* refused=//p' $DEBUGFS/guard)
	intrude "$1" "$away" now >/dev/null
	ktap_equal "$1: the page allocator did not get it" $((free + 1)) \
		"$(sed -n 's/^mm_page_free .* refused=//p' $DEBUGFS/guard)"
	whole_again
	ktap_check "$1: its owner can free it" sh -c "echo 'drop 1' >$DO"
}

whole_again() {
	for _ in $(seq 100); do
		[ "$(intrude hwpoison "$away" now)" != "done" ] || return 0
		sleep 0.1
	done
	return 1
}

hold_one() {
	echo "hold 1" >"$DO"
	owner=$(grep HELD $DEBUGFS/pages | head -n 1 | cut -d ' ' -f 1-4)
	pfn=${owner%% *}
}

check_guard() {
	ktap_equal "the guard is off unless asked for" off "$(cat $PARAMETERS/guard)"
	check_refuse
	check_classes
	check_tracers
	check_arrays
	check_file
	check_unpin
	check_pool
	check_lent
	check_left
	check_filed
	set_guard report
	mark=$(dmesg_mark)
	try_ways report
	ktap_contains "report: what is let through is said to be only noticed" \
		"  noticed: during" "$(dmesg_since "$mark")"
	set_guard off
}

# How many of the eight pages before it are Labyrinth's too.
tagged_before() {
	nr=0
	for i in 1 2 3 4 5 6 7 8; do
		grep -q "^$(printf '0x%x' $(($1 - i))) " $DEBUGFS/pages && nr=$((nr + 1))
	done
	echo $nr
}

# A page before which there are only others', or a look at the first page would do.
hold_first_of_many() {
	echo "hold 16" >"$DO"
	awk '/ HELD/ { print $1 }' $DEBUGFS/pages >/tmp/held
	while read -r pfn; do
		[ "$(tagged_before "$pfn")" != 0 ] || return
	done </tmp/held
	ktap_diag "no page is the first of several"
	pfn=
}

check_loading() {
	insmod labyrinth.ko capacity=64 guard=refuse
	insmod tests/selftests/labyrinth_probe.ko
	hold_first_of_many
	expect_begin
	ktap_equal "armed at load, and where the table is walked" EIO \
		"$(intrude dma_map_page-walk "$pfn" now)"
	expect_end
	echo "drop 16" >"$DO"
	rmmod labyrinth_probe
	touch /tmp/traffic
	traffic &
	ktap_check "the guard comes and goes while calls are under way" churn
	ktap_check "the module unloads while calls are under way" rmmod labyrinth
	rm /tmp/traffic
	wait
}

ways >/tmp/ways
[ -e /sys/kernel/mm/transparent_hugepage ] || sed -i /_pmd/d /tmp/ways
[ "$(uname -m)" = x86_64 ] || sed -i /set_memory/d /tmp/ways
grep -E '^\s*(remap_pfn_range|vmf_insert_pfn|vmf_insert_pfn_prot|vmf_insert_mixed)\s' /tmp/ways \
	>/tmp/by_frame
natives >/tmp/natives
neutralised=0
ways=$(wc -l </tmp/ways)
insmod labyrinth.ko report_burst=1000
insmod tests/selftests/labyrinth_probe.ko
insmod tests/selftests/labyrinth_intruder.ko
hold_one
expect_only "BUG: labyrinth: |$KERNEL_SAYS"
guard=yes
[ -e $PARAMETERS/guard ] || guard=no
if [ $guard = yes ]; then
	ktap_plan $((6 * ways + 2 * $(wc -l </tmp/by_frame) + 1 + 7 + 7 + 5 + 6 + 2 + 8 + 8 + 8 + 2 * 8 + 2 * 2 + 5 + 6))
	check_guard
else
	ktap_plan $((2 * ways + 3 + 8 + 1))
	ktap_skip "guard=refuse, guard=report" "no guard on this architecture"
	ktap_skip "who drops all references" "no guard on this architecture"
	ktap_skip "the guard comes and goes" "no guard on this architecture"
fi
try_ways off
check_natives
if [ $guard = yes ]; then
	hold_one
	check_away put_page-away
	check_away release_pages-away
	check_word put_page-flag
	check_word put_page-seal
fi
rmmod labyrinth_probe
expect_end
ktap_check "the module unloads" rmmod labyrinth
[ $guard = no ] || check_loading
rmmod labyrinth_intruder
ktap_end
