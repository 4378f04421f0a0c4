# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# Sourced: the kernels that there are, as scripts/kernels.tsv has them.

# With a kernel of the user's own, it is in a table with that: see own-kernel.sh.
KERNEL_TABLE=${LABYRINTH_OWN:-$LAB_SCRIPTS}/kernels.tsv
KERNEL_COLUMNS=(name version suite arch flavour compiler uses)

# kernels [USE]: the names of all, or of those that have the use.
kernels() {
	awk -v use="${1:-}" '
		!/^#/ && NF && (use == "" || index("," $7 ",", "," use ",")) { print $1 }' "$KERNEL_TABLE"
}

kernel_known() { kernels "${2:-}" | grep -qxF -- "$1"; }

# kernel_need KERNEL [USE]: ends the script where there is no such kernel.
kernel_need() {
	kernel_known "$1" || die "there is no kernel '$1', only:" "$(kernels | xargs)"
	kernel_known "$1" "${2:-}" ||
		die "kernel '$1' is not for this, only:" "$(kernels "$2" | xargs)"
}

# kernel_field KERNEL COLUMN: what the table says; nothing where it says "-".
kernel_field() {
	local column
	for column in "${!KERNEL_COLUMNS[@]}"; do
		[[ ${KERNEL_COLUMNS[column]} == "$2" ]] || continue
		awk -v name="$1" -v column=$((column + 1)) '
			$1 == name && $column != "-" { print $column }' "$KERNEL_TABLE"
		return
	done
	die "the table of kernels has no column '$2'"
}

# What a script takes that is told none.
# shellcheck disable=SC2034 # used where this is sourced
KERNEL_DEFAULT=$(kernels | head -n 1)

# Whether what its headers need to build with runs on this machine.
kernel_builds_here() {
	case $(kernel_field "$1" suite) in
	'' | bullseye | bookworm*) return 0 ;;
	*) return 1 ;;
	esac
}

# kernel_with_compiler PACKAGE: the first of them that Debian has.
kernel_with_compiler() {
	awk -v want="$1" '!/^#/ && NF && $3 != "-" && $1 != "own" && $6 == want { print $1; exit }' "$KERNEL_TABLE"
}

# compilers [ARCHITECTURE]: the packages of those that are installed on this machine; of
# all architectures, each with its name in front, if none is given.
compilers() {
	awk -v arch="${1:-}" '
		!/^#/ && NF && $1 != "own" && $3 ~ /^(-|bullseye|bookworm.*)$/ && (arch == "" || $4 == arch) {
			print (arch == "" ? $4 "\t" : "") $6
		}' "$KERNEL_TABLE" | sort -u
}

# The kernel of the same version and suite that is this machine's architecture.
kernel_host() {
	awk -v name="$1" '
		!/^#/ && NF { of[$1] = $2 " " $3 }
		$4 == "amd64" && !(($2 " " $3) in native) { native[$2 " " $3] = $1 }
		END { print native[of[name]] }' "$KERNEL_TABLE"
}
