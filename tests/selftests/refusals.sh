#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Each wrong deed: its errno, its class, its report of at most one screen, and the
# record in the tracepoint.

. "${0%/*}/ktap.sh"

DEBUGFS=/sys/kernel/debug/labyrinth
DO=$(deeds_of labyrinth_probe)
TRACING=/sys/kernel/tracing
SCREEN=24

# A deed, the errno's text ("-" where nothing is refused), its class, the call.
deeds() {
	cat <<-'END'
		double-free	No.such.file		double		free
		foreign-free	not.permitted		foreign		free
		wrong-thread	not.permitted		wrong-thread	free
		unowned		No.such.file		unowned		free
		busy		resource.busy		busy		free
		bad-address	Invalid.argument	bad-address	free
		stale-handle	Invalid.argument	bad-handle	free
		bad-page	Invalid.argument	bad-page	adopt
		lose-reference	-			lost-reference	free
		raw-free	-			lost-reference	free
		raw-free-thrice	-			lost-reference	free
	END
}

count_of() { sed -n "s/^$1: //p" $DEBUGFS/refusals; }

# Without what a checker has found in the kernel meanwhile.
only_ours() { sed '/BUG: labyrinth/,$!d; /====/,$d'; }

# One line of deeds(): five results.
check_deed() {
	before=$(count_of "$3")
	mark=$(dmesg_mark)
	! tracefs_open || echo >$TRACING/trace
	said=$(sh -c "echo $1 >$DO" 2>&1)
	case $2 in
	-) ktap_equal "$1 is not refused" "" "$said" ;;
	*) ktap_contains "$1 is refused with its errno" "$2" "$said" ;;
	esac
	ktap_equal "$1 is counted as $3" $((before + 1)) "$(count_of "$3")"
	report=$(dmesg_since "$mark" | grep -v labyrinth-test)
	ktap_contains "$1 is reported, class first" \
		"BUG: labyrinth: $3-$4 in .*\[labyrinth_probe\]" \
		"$(printf '%s\n' "$report" | only_ours | head -n 1)"
	ktap_check "the report of $1 fits one screen" \
		test "$(printf '%s\n' "$report" | only_ours | wc -l)" -le $SCREEN
	check_record "$1" "$3" "$4"
}

# check_record DEED CLASS CALL: what the deed's refusal leaves in the trace.
check_record() {
	if ! tracefs_open; then
		ktap_skip "$1 leaves a record in the trace" "this kernel lets nobody use tracefs"
		return
	fi
	ktap_contains "$1 leaves a record in the trace" \
		"refusal: class=$2 op=$3 err=(0|-E[A-Z]+) .*caller=.* ip=.*\[labyrinth_probe\]" \
		"$(cat $TRACING/trace)"
}

# What a report of a foreign free must answer.
check_answers() {
	mark=$(dmesg_mark)
	echo foreign-free 2>/dev/null >"$DO"
	report=$(dmesg_since "$mark")
	ktap_contains "a report says which page, in which state" \
		"page: +pfn 0x[0-9a-f]+ at .*, HELD, 32 references" "$report"
	ktap_contains "a report says whose" \
		'owner: +"probe" \(id [0-9]+\) of module labyrinth_probe' "$report"
	ktap_contains "a report says since when and from where" \
		"since: +[0-9]+\.[0-9]{3} s, allocated at do_hold\+.*\[labyrinth_probe\]" \
		"$report"
	ktap_contains "a report says who tried" \
		'caller: +owner "other" \(id [0-9]+\) of module labyrinth_probe' "$report"
	ktap_contains "a report says in which context, on which CPU, in which task" \
		"context: task, CPU [0-9]+, task [^ ]+:[0-9]+" "$report"
	ktap_contains "a report names its errno" "refused: free\(.*\), -EPERM$" "$report"
	ktap_contains "a report shows the way to the call" "^.*  vfs_write\+" "$report"
}

check_modes() {
	echo warn >/sys/module/labyrinth/parameters/on_refusal
	mark=$(dmesg_mark)
	expect_end
	expect_only "BUG: labyrinth: foreign-free|WARNING: .* (act_on_refusal|lab_report)\+|Modules linked in:"
	echo foreign-free 2>/dev/null >"$DO"
	expect_end
	expect_begin
	ktap_contains "on_refusal=warn warns" "WARNING: .* (act_on_refusal|lab_report)\+" \
		"$(dmesg_since "$mark")"
	ktap_refuse "on_refusal=ignore is refused" \
		sh -c "echo ignore >/sys/module/labyrinth/parameters/on_refusal"
	ktap_equal "a refused mode changes nothing" warn \
		"$(cat /sys/module/labyrinth/parameters/on_refusal)"
	echo report >/sys/module/labyrinth/parameters/on_refusal
}

# The text is rate-limited, the count and the record are not.
check_limit() {
	sleep 5.5
	before=$(count_of foreign)
	mark=$(dmesg_mark)
	for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15; do
		echo foreign-free 2>/dev/null >"$DO"
	done
	ktap_equal "each of 15 refusals is counted" $((before + 15)) "$(count_of foreign)"
	ktap_equal "no more than report_burst of them are printed" 10 \
		"$(dmesg_since "$mark" | grep -c "BUG: labyrinth")"
	sleep 6.5
	ktap_contains "dmesg says how many were left out, also if no other refusal comes" \
		"labyrinth: foreign-free in .*\[labyrinth_probe\]: 5 more, [0-9]+ in all" \
		"$(dmesg_since "$mark")"
}

printed() { printf '%s\n' "$1" | grep -c "BUG: labyrinth: $2"; }

# Whatever the limit, no report hides another. The module was loaded anew, so that
# all of its call sites are new.
check_first() {
	echo 0 >/sys/module/labyrinth/parameters/report_burst
	echo "hold 2" >"$DO"
	mark=$(dmesg_mark)
	for word in foreign-free foreign-free foreign-free bad-page; do
		echo $word 2>/dev/null >"$DO"
	done
	log=$(dmesg_since "$mark")
	ktap_equal "a first report is printed whatever the limit, a repeat is not" 1 \
		"$(printed "$log" foreign-free)"
	ktap_equal "the first of another class and call site is" 1 \
		"$(printed "$log" bad-page-adopt)"
	kept=$(cat $DEBUGFS/reports)
	ktap_contains "debugfs counts the reports of a class and call site" \
		"^3 times, first at [0-9.]+, last at [0-9.]+:$" "$kept"
	ktap_contains "and keeps the last of each in full" \
		"^ refused: adopt\(.*\), -EINVAL$" "$kept"
	echo 1000 >/sys/module/labyrinth/parameters/report_burst
}

storm() {
	for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
		echo "$1" 2>/dev/null >"$DO"
	done
}

# Two at a time: each report's first line and its number are one record. All are printed,
# 20 of each, and numbered together.
check_whole() {
	mark=$(dmesg_mark)
	storm foreign-free &
	storm bad-page
	wait
	log=$(dmesg_since "$mark" | grep -v labyrinth-test)
	ktap_equal "reports of two CPUs at once each stand in one piece" "40 of 40" \
		"$(printf '%s\n' "$log" | grep -A 1 'BUG: labyrinth: ' |
			grep -c 'report:  #[0-9]*$') of $(printed "$log" "")"
	ktap_equal "no two have the same number" 40 \
		"$(printf '%s\n' "$log" | grep -o 'report:  #[0-9]*$' | sort -u | wc -l)"
}

# A process may choose a name that looks like a line of the log.
check_name() {
	mark=$(dmesg_mark)
	sh -c "printf 'x\\ny\\033z' >/proc/self/comm; echo foreign-free >$DO" 2>/dev/null
	ktap_contains "what is not printable in a task's name is escaped" \
		'task x\\ny\\ez:' "$(dmesg_since "$mark")"
}

check_stacks() {
	if uname -v | grep -q PREEMPT_RT; then
		ktap_skip "stacks=1 shows the allocation's stack" \
			"on PREEMPT_RT the stack depot gets no memory here"
		return
	fi
	echo 1 >/sys/module/labyrinth/parameters/stacks
	echo hold >"$DO"
	mark=$(dmesg_mark)
	echo foreign-free 2>/dev/null >"$DO"
	ktap_equal "stacks=1 shows the allocation's stack beside the offender's" 2 \
		"$(dmesg_since "$mark" | grep -cE "  (do_write|do_set)\+")"
	echo 0 >/sys/module/labyrinth/parameters/stacks
}

check_destroy() {
	echo "hold 12" >"$DO"
	echo lend >"$DO"
	echo scribble >"$DO"
	sites=$(grep " probe " $DEBUGFS/sites)
	ktap_contains "debugfs counts a living owner's pages by state and call site" \
		"^[0-9]+ probe [0-9]+ HELD, allocated at do_hold\+.*, [0-9.]+ to [0-9.]+ s ago$" \
		"$sites"
	ktap_equal "and leaves none out" "$(grep -cE ' probe (HELD|LENT|LIMBO|MAPPED)' $DEBUGFS/pages)" \
		"$(printf '%s\n' "$sites" | awk '{ n += $3 } END { print n }')"
	mark=$(dmesg_mark)
	echo destroy >"$DO"
	report=$(dmesg_since "$mark")
	ktap_contains "destroy says first what is out" \
		"labyrinth: owner probe \(id [0-9]+\) of module labyrinth_probe goes" \
		"$(printf '%s\n' "$report" | grep -E "goes|BUG" | head -n 1)"
	ktap_contains "by state and call site, with its age" \
		"labyrinth:   [0-9]+ HELD, allocated at do_hold\+.* ago" "$report"
	ktap_contains "destroy reports the pages that are out" \
		"BUG: labyrinth: leaked-destroy in do_destroy" "$report"
	ktap_equal "destroy names eight of them" 8 \
		"$(printf '%s\n' "$report" |
			grep -cE "pfn 0x[0-9a-f]+, (HELD|LENT) for [0-9.]+ s, allocated at")"
	ktap_contains "destroy counts them, and those still referred to" \
		"went with [0-9]+ pages out, of which 1 are still referred to" "$report"
	ktap_contains "the lent page is in limbo, its owner named" \
		" probe .*limbo=1 .* destroyed" "$(cat $DEBUGFS/owners)"
	echo put >"$DO"
	sleep 2.5
	ktap_contains "limbo is empty once the borrower is gone" "^limbo: 0$" \
		"$(cat $DEBUGFS/table)"
}

# A page that was freed so often that it is the page allocator's: its owner does
# not get it back, and whoever has it now keeps it.
check_given_away() {
	echo "hold 2" >"$DO"
	before=$(count_of corrupt)
	ktap_refuse "a page that was given away is not the owner's to free" \
		sh -c "echo raw-free-away >$DO"
	ktap_equal "that is counted as corrupt" $((before + 1)) "$(count_of corrupt)"
	echo destroy >"$DO"
	ktap_equal "so is its end with its owner" $((before + 2)) "$(count_of corrupt)"
	ktap_equal "whoever has it now keeps it" 0 "$(grep -c ' probe ' $DEBUGFS/pages)"
}

# One that was freed as often, and that the page allocator gave to Labyrinth again: its
# owner has it as before.
check_given_back() {
	before=$(count_of corrupt)
	mark=$(dmesg_mark)
	ktap_check "a page that was given away and has come back is its owner's to free" \
		sh -c "echo raw-free-back >$DO"
	ktap_equal "that it was away is counted as corrupt" $((before + 1)) \
		"$(count_of corrupt)"
	ktap_contains "and reported" "BUG: labyrinth: corrupt-refill" "$(dmesg_since "$mark")"
	ktap_check "one that was lent can be reclaimed when its borrower is done" \
		sh -c "echo lent-free-back >$DO"
}

check_left_behind() {
	echo leave-behind >"$DO"
	mark=$(dmesg_mark)
	rmmod labyrinth_probe
	ktap_contains "an owner that its module leaves behind is named" \
		"BUG: labyrinth: left-behind-destroy in do_leave_behind.*\[labyrinth_probe\]" \
		"$(dmesg_since "$mark")"
	ktap_lacks "it is destroyed" "left-behind" "$(cat $DEBUGFS/owners)"
}

deeds >/tmp/deeds
ktap_plan $((5 * $(wc -l </tmp/deeds) + 7 + 3 + 3 + 1 + 9 + 4 + 4 + 2 + 7 + 1))
insmod labyrinth.ko report_burst=1000
insmod tests/selftests/labyrinth_probe.ko
trace_on
! tracefs_open || echo 1 >$TRACING/events/labyrinth/refusal/enable
echo "hold 8" >"$DO"
expect_begin
while read -r word errno class call; do
	check_deed "$word" "$errno" "$class" "$call"
done </tmp/deeds
check_answers
check_modes
check_stacks
check_destroy
echo hold >"$DO"
echo 10 >/sys/module/labyrinth/parameters/report_burst
check_limit
check_given_back
check_given_away
check_left_behind
insmod tests/selftests/labyrinth_probe.ko
check_first
check_whole
check_name
rmmod labyrinth_probe
expect_end
! tracefs_open || echo 0 >$TRACING/events/labyrinth/refusal/enable
ktap_check "the module unloads" rmmod labyrinth
ktap_end
