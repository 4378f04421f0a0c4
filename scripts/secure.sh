#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Usage: scripts/secure.sh [--kernel KERNEL] [--confidentiality] [test...]
# Boots a kernel by Secure Boot, in a virtual machine whose firmware trusts a single key, and
# there runs tests/selftests/secure.sh and those self-tests that show what works in a kernel that
# is locked down; or the tests named. A module that is not signed, and one that another key has
# signed, made here, must be refused.
#   --confidentiality   the kernel is told lockdown=confidentiality; by itself it takes integrity

# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=scripts/arch.sh
. "$LAB_SCRIPTS/arch.sh"

TESTS=(secure tool samples refusals guard sealed parameters)

# Signed by a key that nobody trusts.
sign_by_other() {
	openssl req -new -x509 -newkey rsa:2048 -sha256 -nodes -days 2 -subj "/CN=nobody's" \
		-out "$work/other.pem" -keyout "$work/other.key"
	cp "$work/modules/labyrinth.ko" "$work/labyrinth-other.ko"
	"$("$LAB_SCRIPTS/kernel.sh" headers "$KERNEL_DEFAULT")/scripts/sign-file" sha256 "$work/other.key" "$work/other.pem" "$work/labyrinth-other.ko"
}

kernel=$KERNEL_DEFAULT confidentiality=''
options "kernel=kernel:boot confidentiality" "$@"
((${#args[@]})) || mapfile -t args < <(printf 'tests/selftests/%s.sh\n' "${TESTS[@]}")
tests_exist "${args[@]}"
arch_set "$kernel"
[[ $ARCH == amd64 ]] || die "Secure Boot is for amd64, which $kernel is not"
log_dir
"$LAB_SCRIPTS/deps.sh" fetch build vm secure
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$LAB_SCRIPTS/build.sh" --kernel "$kernel" --out "$work/modules"
run_logged "signing a module by another key" "$LABYRINTH_LOGS/other.log" sign_by_other
"$LAB_SCRIPTS/selftest.sh" --kernel "$kernel" --title "secure${confidentiality:+-confidentiality}" --mem 1024 --vm --secure \
	${confidentiality:+--vm --append --vm lockdown=confidentiality} \
	--vm --add --vm "$work/modules/labyrinth.ko" --vm --add --vm "$work/labyrinth-other.ko" "${args[@]}"
