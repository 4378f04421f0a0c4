#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Usage: scripts/bench-uml.sh --cpus N --mem MB LABYRINTH-PARAMETERS BENCH-PARAMETERS
# Prints what bench-guest.sh prints in User-Mode Linux: real code on real CPUs.

# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"

options=()
while (($#)); do
	case $1 in
	--help) usage; exit ;;
	--cpus | --mem) options+=("$1" "$2"); shift 2 ;;
	*) break ;;
	esac
done
(($# == 2)) || die "the parameters of both modules are needed (see --help)"
"$LAB_SCRIPTS/uml.sh" "${options[@]}" -- sh scripts/bench-guest.sh "$1" "$2" quiet ||
	die "the run did not come to its end"
