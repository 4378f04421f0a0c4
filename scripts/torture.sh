#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Usage: scripts/torture.sh [option...] [parameter=value...]
# Runs labyrinth_torture in a virtual machine: every call, right and wrong, at
# random, from threads, softirqs, hard interrupts and NMIs on every CPU at once,
# beside a model that knows what each must give. Prints what was done and a verdict.
# The parameters are the module's (modinfo labyrinth_torture), as in irq_us=20, and
#   scribble=1    beside it labyrinth_scribbler writes to every word of struct page of the
#                 pages in play, and calls what frees or links pages: all must go on as if
#                 it did not. Its own parameters have "scribbler." in front, as in
#                 scribbler.batch=8 (modinfo labyrinth_scribbler).
#   sealed=1      beside it labyrinth_strayer has sealed owners at work, from whose pages and to
#                 whose pages accesses stray, in the middle of calls; and quarantine=256. Its own
#                 parameters have "strayer." in front (modinfo labyrinth_strayer).
#   guard=1       the guard refuses, where the kernel has one: what the core maps is counted then
#   beside=1      beside it the guard is switched, quarantine too, caches are emptied, memory is
#                 short where the kernel can say so, a CPU goes and comes back, and modules are
#                 watched and no longer
#   scribble=2    cached pages are wrecked as well, and must be given up: nobody gets them
# Options:
#   --kernel K    any that vm.sh takes, default its first
#   --uml         User-Mode Linux instead: natively, on real CPUs, without NMIs
#   --checked     with --uml: on a kernel with KASAN and lockdep (tests/torture/checked.config)
#   --ops N       steps of the threads, default 2000000; interrupts' come on top
#   --seed S      what all choices follow from; default: a random one
#   --smp N       CPUs, default 2
#   --mem MB      default 1024
#   --timeout S   default: by the number of steps
#   --calls N     in pieces of --ops steps, each with a seed of its own, until so many calls
#                 were made; wants --sums. Ends at the first piece that fails
#   --sums FILE   with --calls: gets a line for each piece, by which what the piece did can be
#                 repeated. The pieces that FILE has already count, so a run that was broken off,
#                 or killed, goes on when started again. In the end, and without --calls at once,
#                 prints what the pieces of FILE add up to, by context and by kind of step

# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=scripts/kernels.sh
. "$LAB_SCRIPTS/kernels.sh"

kernel=$KERNEL_DEFAULT uml='' checked='' ops=2000000 seed=0 smp=2 mem=1024 timeout='' calls='' sums=''
options "kernel=kernel:boot uml checked ops=count seed=number smp=count mem=count timeout=count
	calls=count sums=text" "$@"
set -- "${args[@]}"
[[ -z $sums ]] || { : >>"$sums"; } 2>/dev/null || die "--sums: $sums cannot be written to"
[[ -z $calls || -n $sums ]] || die "--calls wants --sums (see --help)"
[[ -z $checked || -n $uml ]] || die "--checked is for --uml (see --help)"
[[ -z $uml ]] || kernel=uml-$(kernels uml)${checked:+-checked}
config=uml.config
[[ -z $checked ]] || config=checked.config
# A thousand steps a second at the least, on a debug kernel and a loaded machine; and
# the short runs after the long one, the checkers' questions, the boot.
limit=${timeout:-$((900 + ops / 1000))}

run() {
	local test=(env "LIMIT=$limit" sh scripts/vm/selftests.sh
		"tests/selftests/torture.sh seed=$seed ops=$ops $*")
	if [[ -n $uml ]]; then
		"$LAB_SCRIPTS/uml.sh" --config "$LAB_ROOT/tests/torture/$config" --cpus "$smp" --mem "$mem" \
			--timeout "$limit" --log "$logs" -- "${test[@]}"
	else
		"$LAB_SCRIPTS/vm.sh" --kernel "$kernel" --smp "$smp" --mem "$mem" --timeout "$limit" \
			--log "$logs" -- "${test[@]}"
	fi
}

progress() { grep --line-buffered -o 'scribbled: .*' >&2 || true; }

# A module ignores a parameter that it does not have.
check_parameters() {
	local word source
	for word; do
		case $word in
		scribble=[012] | sealed=[01] | guard=[01] | beside=[01]) continue ;;
		guard=*) die "guard is 0 or 1, not '${word#*=}' (see --help)" ;;
		*=*) ;;
		*) die "unknown argument '$word' (see --help)" ;;
		esac
		case $word in
		scribbler.*=*) source=scribble.c ;;
		strayer.*=*) source=strayer.c ;;
		*) source=main.c ;;
		esac
		word=${word%%=*}
		grep -qE "^module_param(_named)?\(${word#*.}," "$LAB_ROOT/tests/torture/$source" ||
			die "there is no parameter '$word', or not that value (see --help)"
	done
}

# One result per property, recorded by RECORD as in judge_guest.
judge() {
	judge_guest "$1" "torture $kernel" "$logs" || failed=1
	((status == 0 || failed)) || fail "the run ended with status $status"
	# The guest may have died of what the model had told before.
	grep -ah -A 1 'labyrinth_torture: violation' "$logs/console.log" >&2 || true
}

# What the runs of a module have done: torture or strayer.
show() { sed -n "s/^ *# $1: //p" "$logs/output.log"; }

# What the first run has done of each kind, op or context: "alloc:STEPS/CALLS free:STEPS/CALLS".
show_each() {
	show torture | awk -v of="$1" '$1 == of {
		printf "%s%s%s", nr++ ? " " : "", $2, $4
		for (i = 6; i <= NF; i += 2)
			printf "/%s", $i
	}'
}

fail() {
	result fail "torture $kernel: $1"
	failed=1
}

# Of a piece only the failures are told, and one line.
record_piece() {
	if [[ $1 == fail ]]; then
		result "$@"
	else
		record_result "$@"
	fi
}

# The whole of one run.
once() {
	local record=$1
	shift
	truncate -s 0 "$logs/output.log" "$logs/console.log"
	status=0
	# What is shown is how far it is, now and then.
	run "$@" 2>&1 | tee "$logs/run.log" | progress || status=$?
	judge "$record"
}

# count MODULE WHAT: from the closing line of that module's run, the first where there are more.
count() {
	show "$1" | sed -n "s/^total:.* \([0-9]*\) $2.*/\1/p" | head -n 1 | grep . || echo 0
}

# A piece in the file: seed, verdict, kernel, what torture did, what the strayer did, and how.
sum_line() {
	local verdict=$1
	shift
	printf '%s\t' "$seed" "$verdict" "$kernel" "$ops" "$(count torture steps)" \
		"$(count torture calls)" "$(count torture refusals)" "$(count strayer steps)" \
		"$(count strayer calls)" "$(count strayer 'stray reads')" \
		"$(count strayer 'stray writes')" "$(count strayer 'interrupts in')" \
		"$(show_each context)" "$(show_each op)"
	printf '%s\n' "$*"
}

SUM_TITLES='#seed verdict kernel ops steps calls refusals sealed-steps sealed-calls stray-reads stray-writes in-a-call contexts kinds parameters'

# sum_of COLUMN [VERDICT]: over the pieces that went well, or those of the verdict.
sum_of() {
	awk -F '\t' -v column="$1" -v verdict="${2:-ok}" \
		'$2 == verdict { n += column ? $column : 1 } END { print n + 0 }' "$sums"
}

# each_of COLUMN: the same for each name in it, as show_each has them: "NAME N N...".
each_of() {
	awk -F '\t' -v column="$1" '$2 == "ok" {
		words = split($column, word, " ")
		for (i = 1; i <= words; i++) {
			split(word[i], pair, ":")
			if (!(pair[1] in most))
				name[++names] = pair[1]
			most[pair[1]] = split(pair[2], number, "/")
			for (j in number)
				sum[pair[1], j] += number[j]
		}
	}
	END {
		for (i = 1; i <= names; i++) {
			printf "%s", name[i]
			for (j = 1; j <= most[name[i]]; j++)
				printf " %d", sum[name[i], j]
			print ""
		}
	}' "$sums"
}

# The seed behind the last in the file; --seed is the first.
next_seed() {
	local last
	last=$(sed -n '/^[0-9]/p' "$sums" | tail -n 1 | cut -f 1)
	if [[ -n $last ]]; then
		echo $((last + 1))
	else
		echo $((seed ? seed : 1))
	fi
}

calls_made() { echo $(($(sum_of 6) + $(sum_of 9))); }

# The file is this run's alone, and the guest's of one that was killed: that keeps the lock.
open_sums() {
	exec {sums_fd}>>"$sums"
	flock -n "$sums_fd" || say "waiting for another run, or the guest of one, that $sums is for"
	flock "$sums_fd"
	[[ -s $sums ]] || tr ' ' '\t' <<<"$SUM_TITLES" >"$sums"
	[[ $(head -n 1 "$sums") == "$(tr ' ' '\t' <<<"$SUM_TITLES")" ]] ||
		die "--sums: $sums has other columns than these: $SUM_TITLES"
}

# By one write, so that the file has each line whole, or not at all.
add_line() {
	local line
	line=$(sum_line "$@")
	printf '%s\n' "$line" >>"$sums"
}

pieces() {
	while (($(calls_made) < calls)); do
		seed=$(next_seed)
		once record_piece "$@"
		if ((failed)); then
			add_line failed "$@"
			say "piece with seed $seed failed"
			return
		fi
		add_line ok "$@"
		say "    seed $seed: $(calls_made) of $calls calls"
	done
}

show_contexts() {
	local name steps calls interrupts landed
	each_of 13 | while read -r name steps calls interrupts landed; do
		echo "total of $name: $steps steps, $calls calls, $interrupts interrupts, $landed of them in a call"
	done
}

# The calls that belong to no step: what an interrupt did to the call that it found, and the
# ends of the runs.
show_kinds() {
	each_of 14 | awk -v all="$(sum_of 6)" '
		{ print "total of kind " $1 ": " $2 " steps, " $3 " calls"; all -= $3 }
		END { print "total of no kind: " all " calls" }'
}

show_sums() {
	echo "total: $(sum_of 0) pieces, $(calls_made) calls: $(sum_of 6) of the torture, $(sum_of 9) of sealed owners"
	echo "total: $(sum_of 5) steps, $(sum_of 7) refusals as expected, $(sum_of 10) stray reads, $(sum_of 11) stray writes, $(sum_of 12) of the strayer's interrupts in a call"
	show_contexts
	show_kinds
	(($(sum_of 0 failed) == 0)) || fail "pieces failed: $(sum_of 0 failed), see $sums"
}

check_parameters "$@"
log_dir
logs=$LABYRINTH_LOGS/torture-$kernel
mkdir -p "$logs"
failed=0
if [[ -n $sums ]]; then
	open_sums
	[[ -z $calls ]] || pieces "$@"
	show_sums
	[[ -z $calls ]] || ((failed)) || record_result pass "torture $kernel: $calls calls in pieces"
else
	once result "$@"
	show '\(torture\|strayer\)' | grep -v '^op '
fi
((failed == 0)) || say "the logs are in $logs"
exit "$failed"
