# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=dash
#
# Sourced by every self-test. A test prints its plan, one result per property and
# ends with ktap_end; it runs in the folder that holds labyrinth.ko and samples/.
#
#	. "${0%/*}/ktap.sh"
#	ktap_plan 2
#	ktap_check "the module loads" insmod labyrinth.ko
#	ktap_refuse "a second load is refused" insmod labyrinth.ko
#	ktap_end

KTAP_NUMBER=0
KTAP_FAILED=0
KTAP_SKIPPED=0
KTAP_LOG=/tmp/ktap.$$

ktap_plan() {
	echo "KTAP version 1"
	echo "1..$1"
}

ktap_result() {
	KTAP_NUMBER=$((KTAP_NUMBER + 1))
	echo "$1 $KTAP_NUMBER $2"
}

ktap_pass() { ktap_result ok "$1"; }
ktap_fail() { KTAP_FAILED=$((KTAP_FAILED + 1)); ktap_result "not ok" "$1"; }
# ktap_skip NAME REASON
ktap_skip() { KTAP_SKIPPED=$((KTAP_SKIPPED + 1)); ktap_result ok "$1 # SKIP $2"; }

# The whole test cannot be run here.
ktap_skip_all() {
	echo "KTAP version 1"
	echo "1..0 # SKIP $1"
	exit 4
}

# ktap_load FILE [PARAMETER...]: what a module lacks may be a reason to skip, that it does not load not.
ktap_load() {
	insmod "$@" && return
	ktap_plan 1
	ktap_fail "$1 loads"
	ktap_end
}

# Diagnostics stand before the result that they explain; without arguments: stdin.
ktap_diag() {
	if [ $# -gt 0 ]; then
		printf '%s\n' "$*" | sed 's/^/# /'
	else
		sed 's/^/# /'
	fi
}

# ktap_check NAME COMMAND...: the command must succeed.
ktap_check() {
	ktap_name=$1
	shift
	if "$@" >"$KTAP_LOG" 2>&1; then
		ktap_pass "$ktap_name"
	else
		ktap_diag "'$*' ended with status $?"
		ktap_diag <"$KTAP_LOG"
		ktap_fail "$ktap_name"
	fi
}

# ktap_refuse NAME COMMAND...: the command must fail.
ktap_refuse() {
	ktap_name=$1
	shift
	if "$@" >"$KTAP_LOG" 2>&1; then
		ktap_diag "'$*' succeeded, which it must not"
		ktap_diag <"$KTAP_LOG"
		ktap_fail "$ktap_name"
	else
		ktap_pass "$ktap_name"
	fi
}

# ktap_equal NAME WANTED GOT
ktap_equal() {
	if [ "$2" = "$3" ]; then
		ktap_pass "$1"
	else
		ktap_diag "wanted '$2', got '$3'"
		ktap_fail "$1"
	fi
}

# ktap_contains NAME PATTERN TEXT: an extended regular expression.
ktap_contains() {
	if printf '%s\n' "$3" | grep -qE -- "$2"; then
		ktap_pass "$1"
	else
		ktap_diag "no line matches '$2' in:"
		printf '%s\n' "$3" | ktap_diag
		ktap_fail "$1"
	fi
}

# ktap_lacks NAME PATTERN TEXT
ktap_lacks() {
	if printf '%s\n' "$3" | grep -qE -- "$2"; then
		ktap_diag "a line matches '$2' in:"
		printf '%s\n' "$3" | ktap_diag
		ktap_fail "$1"
	else
		ktap_pass "$1"
	fi
}

ktap_end() {
	rm -f "$KTAP_LOG"
	if [ "$KTAP_FAILED" -gt 0 ]; then
		exit 1
	elif [ "$KTAP_SKIPPED" -gt 0 ] && [ "$KTAP_SKIPPED" -eq "$KTAP_NUMBER" ]; then
		exit 4
	fi
	exit 0
}

# Labyrinth's reports between these two are wanted.
expect_begin() { echo "labyrinth-test: expect begin" >/dev/kmsg; }
expect_end() { echo "labyrinth-test: expect end" >/dev/kmsg; }
# expect_only REGEX, instead of expect_begin: of all complaints, the lines that match.
expect_only() { echo "labyrinth-test: expect begin $1" >/dev/kmsg; }

# What the test leaves to nobody, for good: so many pages.
leave_pages() { echo "$1" >>/tmp/left; }

# dmesg_mark prints a mark, dmesg_since MARK the kernel's messages from there on.
dmesg_mark() {
	ktap_mark=labyrinth-test:mark:$(cut -d ' ' -f 1 /proc/uptime):$$:$KTAP_NUMBER
	echo "$ktap_mark" >/dev/kmsg
	echo "$ktap_mark"
}

dmesg_since() {
	dmesg | sed "1,/$1/d"
}

# Whether the kernel is locked down, as it is under Secure Boot.
locked_down() { grep -qE '\[(integrity|confidentiality)\]' /sys/kernel/security/lockdown 2>/dev/null; }

# can_open FILE: for reading. Not by ":", whose failed redirection ends a shell.
can_open() { { true <"$1"; } 2>/dev/null; }

# Whether tracefs can be used, which lockdown=confidentiality forbids.
tracefs_open() { can_open /sys/kernel/tracing/trace; }

# An oops that an earlier test brought about and survived has switched tracing off.
trace_on() { ! tracefs_open || echo 1 >/sys/kernel/tracing/tracing_on; }

# deeds_of MODULE: the file that takes its deeds, which is a parameter where lockdown
# lets nobody write to debugfs.
deeds_of() {
	if locked_down; then
		echo "/sys/module/$1/parameters/do"
	else
		echo "/sys/kernel/debug/$1/do"
	fi
}

module_loaded() { grep -q "^$1 " /proc/modules; }

# Leaves no module of ours loaded, whatever the test before has done.
unload_all() {
	for ktap_module in labyrinth_torture labyrinth_foreign labyrinth_sample labyrinth; do
		if module_loaded "$ktap_module"; then
			rmmod "$ktap_module" || return
		fi
	done
}
