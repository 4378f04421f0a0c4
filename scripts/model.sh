#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Usage: scripts/model.sh [--large] [name...]
# Has spin try every order of steps in the model of the tag protocol
# (tests/model/labyrinth.pml, for buffers that are parts of a page frags.pml, for pages kept
# ready ready.pml): in each scenario all that must hold does, and each mistake made on purpose
# is found, for the reason that it should be. The model's steps are held against the code (scripts/model-steps.py).
# With names, only the scenarios and mistakes so called. --large: more calls in each scenario,
# and no mistakes.

# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"

# A scenario, what it is called in the model, how many calls the first and the second
# of its processes make, the same with --large, and what else it is told.
scenarios() {
	cat <<-'END'
		calls	CALLS	2 1	2 2
		thief	CALLS	2 1	2 2	-DTHIEF
		maps	CALLS	2 1	2 2	-DMAPS
		lists	LISTS	2 1	3 2
		shrink	SHRINK	2 1	3 2
		destroy	DESTROY	2 1	3 2
		retire	RETIRE	2 1	3 2
		lookup	LOOKUP	1 1	2 1	-DHINTS
		single	SINGLE	4 0	6 0
		depot	DEPOT	2 1	3 2
		limbo	LIMBO_LIST	1 1	2 1
		bulk	BULK	1 1	1 1
		frags	FRAGS	2 2	3 2
		ahead	AHEAD	2 1	2 2
		turn	TURN	2 1	3 2
	END
}

# flags_of SCENARIO: for spin, one a line.
flags_of() {
	scenarios | awk -v name="$1" -v large="$large" '$1 == name {
		print "-D" $2 "=" (large ? $5 : $3)
		print "-D" $2 "2=" (large ? $6 : $4)
		if ($7)
			print $7
	}'
}

# A mistake, the scenario in which it shows, and what does not hold then.
mistakes() {
	cat <<-'END'
		FREE_STORES		calls	one_owner
		TRANSFER_STORES		calls	one_owner
		LEND_STORES		calls	one_owner
		NOTES_LATE		calls	on_one_list
		REPAIR_STALE		calls	frame_is_right
		RECLAIM_LOOKS		calls	frame_is_right
		RECLAIM_BLIND		calls	frame_is_right
		LEAVE_LOOKS		calls	frame_is_right
		ADOPT_LOOKS		calls	frame_is_right
		THAW_STORES		calls	frame_is_right
		NO_WAIT			calls	none_lost
		MAP_STORES		maps	one_owner
		RECORD_FIRST		maps	unmapped_when_freed
		NO_SEQUENCE		lists	one_owner
		NO_HAND_OUT		lists	right_call_succeeds
		REMOTE_GATHER		shrink	one_owner
		NO_GRACE		destroy	one_life
		NO_SECOND_LOOK		destroy	one_life
		SAME_HANDLE		destroy	one_life
		SLOT_EARLY		destroy	on_one_list
		RETIRE_COUNTS		retire	unused_when_given_back
		LEAVE_ASKS_NOT		retire	unmapped_when_freed
		INSERT_STORES		lookup	alone
		REMOVE_MOVES		lookup	found
		STASH_FLAG		lookup	found
		HINT_BELIEVED		lookup	found
		TWO_USERS		single	one_owner
		BOX_BUSY		depot	alone
		BOX_EARLY		depot	alone
		BOX_STORES		depot	alone
		NEXT_LATE		limbo	on_one_list
		NEW_LOADS		limbo	on_one_list
		REST_FORGOTTEN		limbo	on_one_list
		BULK_LATE		bulk	one_owner
		CLAIM_STORES		frags	nobody_has_it
		REFER_LAST		frags	none_lost
		REFER_BLIND		frags	given_is_lent
		SETTLE_EARLY		frags	nobody_has_it
		RECLAIM_BLIND_FRAG	frags	nobody_has_it
		PUT_STORES		frags	given_is_lent
		PUT_GIVES_UP		frags	none_lost
		PUT_LOOKS_LATE		frags	nobody_has_it
		PAGE_FIRST		ahead	floor_stays
		COUNT_KEPT		ahead	count_is_right
		LOOKS_FIRST		ahead	kept_ahead
		PENDING_LATE		ahead	kept_ahead
		TURN_STARTS_ANEW	turn	in_turn
		TURN_UNLOCKED		turn	fast_again
		GOES_UNLOCKED		turn	one_life
		WANTED_FIRST		turn	fast_again
		SPEED_BLIND		turn	asked_is_served
		KICK_FIRST		turn	fast_again
	END
}

wanted() {
	((${#names[@]} == 0)) || [[ " ${names[*]} " == *" $1 "* ]]
}

# verify LOG OPTIMISATION FLAG...: generates, compiles and runs a verifier. It may
# end with whatever status; the log tells.
verify() {
	local log=$1 optimise=$2 dir model=labyrinth.pml
	shift 2
	case " $* " in
	*" -DFRAGS="*) model=frags.pml ;;
	*" -DAHEAD="* | *" -DTURN="*) model=ready.pml ;;
	esac
	dir=$(mktemp -d "$scratch/XXXX")
	{
		(cd "$dir" && spin -a "$@" "$LAB_ROOT/tests/model/$model" &&
			gcc "$optimise" -w -DSAFETY -DMEMLIM=8000 -o pan pan.c &&
			timeout "$limit" ./pan -m100000 -w23 -n)
	} >"$log" 2>&1 || true
	rm -rf "$dir"
}

# From a log: how many states, how long, how much memory.
figures() {
	awk '/states, stored/ { states = $1 }
		/elapsed time/ { seconds = $4 }
		/total actual memory usage/ { memory = $1 }
		END { printf "%d states, %.1f s, %d MB", states, seconds, memory }' "$1"
}

# What did not hold, by its name in the model.
violated() {
	sed -n 's/^pan:[0-9]*: assertion violated (\([a-z_]*\)||.*/\1/p' "$1"
}

prove() {
	local name=$1 log=$LABYRINTH_LOGS/model-$1.log
	shift
	verify "$log" -O1 "$@"
	if grep -q 'errors: 0' "$log" && ! grep -qE 'not completed|too small' "$log"; then
		result pass "model: $name ($(figures "$log"))"
	else
		show_tail "$log"
		result fail "model: $name: $(grep -m 1 '^pan:1:' "$log" || echo "not proven, see $log")"
	fi
}

find_mistake() {
	local name=$1 expected=$2 log=$LABYRINTH_LOGS/model-$1.log found
	shift 2
	verify "$log" -O0 "$@" "-DMISTAKE_$name"
	found=$(violated "$log")
	if [[ $found == "$expected" ]]; then
		result pass "model: the mistake $name breaks $expected ($(figures "$log"))"
	else
		result fail "model: the mistake $name: expected $expected, found ${found:-nothing}, see $log"
	fi
}

# As many at once as there are CPUs.
at_once() {
	(($(jobs -rp | wc -l) < $(nproc))) || wait -n
	"$@" &
}

run_scenarios() {
	local name flags
	while read -r name _; do
		mapfile -t flags < <(flags_of "$name")
		! wanted "$name" || at_once prove "$name" "${flags[@]}"
	done < <(scenarios)
}

run_mistakes() {
	local name scenario expected flags
	while read -r name scenario expected; do
		mapfile -t flags < <(flags_of "$scenario")
		! wanted "$name" || at_once find_mistake "$name" "$expected" "${flags[@]}"
	done < <(mistakes)
}

# Each step of the model is what the functions in tests/model/steps do today.
hold_against_code() {
	local log=$LABYRINTH_LOGS/model-steps.log
	if "$LAB_SCRIPTS/model-steps.py" >"$log" 2>&1; then
		result pass "model: $(<"$log")"
	else
		say "$(<"$log")"
		result fail "model: the code takes other steps than tests/model/steps says"
	fi
}

# Each word is the name of a scenario or a mistake.
known() {
	local name
	for name; do
		{ scenarios && mistakes; } | grep "^$name"$'\t' >/dev/null || die "nothing is called '$name' (see --help)"
	done
}

large='' limit=300
options large "$@"
names=("${args[@]}")
known "${names[@]}"
[[ -z $large ]] || limit=3600
log_dir
"$LAB_SCRIPTS/deps.sh" model
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
export LABYRINTH_RESULTS=${LABYRINTH_RESULTS:-$LABYRINTH_LOGS/model-results}
touch "$LABYRINTH_RESULTS"
start=$SECONDS
((${#names[@]})) || hold_against_code
run_scenarios
[[ -n $large ]] || run_mistakes
wait
say "    the model took $((SECONDS - start)) s"
! grep -q $'^fail\tmodel: ' "$LABYRINTH_RESULTS"
