# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# Sourced by kernel.sh: Debian's archive, for the architecture of arch.sh, seen
# through an apt configuration of our own in the cache. It needs no root, and leaves
# the system's package lists, sources and pins alone.

APT_DIR=$LABYRINTH_CACHE/apt
APT_PACKAGES=()		# name=version, the one that gives the version first
APT_FILES=()		# the .deb of each of them

apt_options() {
	printf '%s\n' \
		-o "Dir::Etc::SourceList=$APT_DIR/sources.list" \
		-o "Dir::Etc::SourceParts=/nonexistent" \
		-o "Dir::Etc::Preferences=/nonexistent" \
		-o "Dir::Etc::PreferencesParts=/nonexistent" \
		-o "Dir::State=$APT_DIR/state" \
		-o "Dir::State::Lists=$APT_DIR/lists" \
		-o "Dir::State::Status=$APT_DIR/status" \
		-o "Dir::Cache=$APT_DIR/cache" \
		-o "APT::Sandbox::User=$(id -un)" \
		-o "APT::Architecture=$ARCH" \
		-o "Acquire::Languages=none" \
		-o "Acquire::Retries=3"
}

# The names under which a Debian machine's own sources have its suite.
SUITES='bookworm|trixie|forky|sid|oldstable|stable|testing|unstable'

# mirror_of SUITES-REGEX: from where this machine gets them already.
mirror_of() {
	apt-get update --print-uris 2>/dev/null |
		sed -nE "s;^'([a-z+]+:[^']*[^/'])/+dists/($1)/InRelease'.*;\1;p" |
		grep -v '^cdrom:' | head -n 1 || true
}

apt_sources() {
	local main=${LABYRINTH_MIRROR:-} security=${LABYRINTH_SECURITY_MIRROR:-}
	if [[ -z $main ]]; then
		main=$(mirror_of "$SUITES")
		security=${security:-$(mirror_of "($SUITES)-security")}
	fi
	[[ -n $main ]] || die "this machine's apt has no source of Debian's packages:" \
		"set LABYRINTH_MIRROR to the URL of a Debian mirror, the folder that has dists/ in it"
	case $1 in
	'' | bookworm*) ;;
	*)
		echo "deb $main ${1%-backports} main"
		[[ $1 != *-backports ]] || echo "deb $main $1 main"
		return
		;;
	esac
	security=${security:-${main%/}-security}
	echo "deb $main bookworm main"
	echo "deb $main bookworm-updates main"
	echo "deb $main bookworm-backports main"
	# Kernels of these are built for and never run: the point release's will do.
	[[ $ARCH == ppc64el || $ARCH == s390x ]] || echo "deb $security bookworm-security main"
}

# apt_setup [SUITE]: another suite and another architecture have configurations of
# their own, so that a mirror without them is in nobody else's way.
apt_setup() {
	local sources
	case ${1:-} in
	'' | bookworm*) ;;
	*) APT_DIR+=-$1 ;;
	esac
	[[ $ARCH == amd64 ]] || APT_DIR+=-$ARCH
	mkdir -p "$APT_DIR"/{state,lists/partial,cache/archives/partial,debs}
	: >"$APT_DIR/status"
	sources=$(apt_sources "${1:-}") || exit
	mapfile -t APT < <(apt_options)
	# Once a day is enough, the kernel does not change more often.
	if [[ -e $APT_DIR/updated && $(cat "$APT_DIR/sources.list") == "$sources" &&
		-n $(find "$APT_DIR/updated" -mmin -1440) ]]; then
		return
	fi
	echo "$sources" >"$APT_DIR/sources.list"
	rm -f "$APT_DIR/updated"
	run_logged "reading Debian's package lists" "$LABYRINTH_LOGS/apt-lists.log" \
		apt-get "${APT[@]}" -o APT::Update::Error-Mode=any update ||
		die "no package lists: is the network reachable? LABYRINTH_MIRROR names another mirror"
	touch "$APT_DIR/updated"
}

# apt_field PACKAGE SUITE FIELD: of the version that apt would take, from SUITE
# rather than from elsewhere.
apt_field() {
	apt-cache "${APT[@]}" -o "APT::Default-Release=$2" --no-all-versions show "$1" 2>/dev/null |
		sed -n "s/^$3: //p" | head -n 1
}

# The names that PACKAGE depends on, the first existing one of alternatives.
apt_depends() {
	local clause name names
	apt_field "$1" "$2" Depends | tr ',' '\n' | while IFS= read -r clause; do
		read -ra names < <(sed 's/([^)]*)//g; s/|/ /g; s/:any//g' <<<"$clause")
		for name in "${names[@]}"; do
			if [[ $name =~ $3 && -n $(apt_field "$name" "$2" Version) ]]; then
				echo "$name"
				break
			fi
		done
	done
}

# apt_resolve METAPACKAGE SUITE NAMES-REGEX: into APT_PACKAGES, with what it
# depends on and so forth; the metapackage itself holds nothing.
apt_resolve() {
	local queue=("$1") seen=" $1 " name dep version
	APT_PACKAGES=()
	while ((${#queue[@]})); do
		name=${queue[0]}
		queue=("${queue[@]:1}")
		version=$(apt_field "$name" "$2" Version)
		[[ -n $version ]] || die "the archive has no package $name"
		if [[ $name != "$1" || $name == linux-source-* ]]; then
			APT_PACKAGES+=("$name=$version")
		fi
		while IFS= read -r dep; do
			[[ -n $dep && $seen != *" $dep "* ]] || continue
			seen+="$dep "
			queue+=("$dep")
		done < <(apt_depends "$name" "$2" "$3")
	done
	((${#APT_PACKAGES[@]})) || die "$1 depends on nothing that is wanted"
}

# apt_closure PACKAGE...: into APT_PACKAGES, with all that they depend on, as apt
# would install them on a machine with nothing on it.
apt_closure() {
	mapfile -t APT_PACKAGES < <(apt-get "${APT[@]}" --no-install-recommends --simulate \
		install "$@" 2>/dev/null | awk '$1 == "Inst" { print $2 "=" substr($3, 2) }')
	((${#APT_PACKAGES[@]})) || die "the archive does not have all of: $*"
}

# deb_of NAME=VERSION: its file, if it is there. An epoch's colon is no part of a
# file name.
deb_of() {
	local version=${1#*=}
	compgen -G "$APT_DIR/debs/${1%%=*}_${version/:/%3a}_*.deb"
}

# Downloaded beside and then renamed: a .deb that is there is whole.
apt_download() {
	local package tmp=$APT_DIR/debs/partial missing=()
	for package in "${APT_PACKAGES[@]}"; do
		deb_of "$package" >/dev/null || missing+=("$package")
	done
	if ((${#missing[@]})); then
		rm -rf "$tmp"
		mkdir -p "$tmp"
		run_logged "downloading packages: ${#missing[@]}, the first is ${missing[0]/=/ }" \
			"$LABYRINTH_LOGS/download-${missing[0]%%=*}.log" \
			env -C "$tmp" apt-get "${APT[@]}" download "${missing[@]}" ||
			die "cannot download ${missing[0]%%=*} and what belongs to it"
		mv "$tmp"/*.deb "$APT_DIR/debs/"
	fi
	APT_FILES=()
	for package in "${APT_PACKAGES[@]}"; do
		APT_FILES+=("$(deb_of "$package")") || die "apt-get download left no file for $package"
	done
}
