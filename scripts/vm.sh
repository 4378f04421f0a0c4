#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Usage: scripts/vm.sh [option...] -- command [argument...]
#        scripts/vm.sh [option...] --driver DIR [--script FILE]
# Boots a stock Debian kernel in qemu and runs a command in the guest, in a folder
# laid out like this one: labyrinth.ko, samples/*.ko, tests/selftests/*.sh and
# scripts/vm/*.sh are there, and the programs of tests/selftests/user. Ends with the
# command's exit status, or with 125 if the guest died and 124 if it took too long.
# With a driver of yours: builds it against Labyrinth for that kernel (see build.sh), and
# loads Labyrinth; then runs the script (by busybox' sh) in the folder that has the driver's
# modules, or, where there is none, gives a shell there. Neither loads the driver by itself.
# Examples:
#   scripts/vm.sh -- scripts/vm/demo.sh
#   scripts/vm.sh --kernel 6.12 -- sh -c 'insmod labyrinth.ko; dmesg | tail'
#   scripts/vm.sh --driver samples/template --kernel 7.3 --device edu
# Options:
#   --kernel KERNEL one of scripts/kernels.tsv that boots, default the first
#   --vmlinuz FILE, --deb FILE, --kdir DIR
#                   a kernel of your own instead: see own-kernel.sh
#   --driver DIR    your driver
#   --script FILE   what to run with it
#   --load ARGS     with --driver: parameters for Labyrinth, as in guard=refuse
#   --device SPEC   a device for the machine, as qemu's -device has it; may be repeated
#   --smp N         CPUs, default 2
#   --mem MB        default 512
#   --secure        UEFI firmware with Secure Boot on, which trusts one key, that of Debian's
#                   ovmf for tests: kernel and modules, but those in extra/, are signed by it
#   --icount        one CPU whose TSC counts instructions: for figures that repeat
#   --append ARGS   added to the kernel's command line
#   --wire          two network cards (Intel 82540EM), one wired to the other
#   --qemu ARG      one more argument for qemu; may be repeated
#   --add FILE      a file to put into the guest's folder extra/; may be repeated
#   --archive FILE  more for the guest's root folder, as user-tools.sh makes it; may be repeated
#   --stock MODULE  a module of the stock kernel to put, with those it needs, into
#                   stock/, numbered in the order to load them; may be repeated
#   --modules DIR   take the .ko files from DIR instead of building them
#   --timeout S     default 600
#   --log DIR       where console.log (kernel) and output.log (command) go

# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=scripts/arch.sh
. "$LAB_SCRIPTS/arch.sh"

DIED=125

kernel='' smp=2 mem=512 secure='' icount='' modules='' wire='' timeout='' log='' accel=''
add=() archive=() append=() stock=() qemu=() deb=() device=() vmlinuz='' kdir='' driver='' script='' load=''
# --accel is for the probe below only.
options "kernel=kernel:boot smp=count mem=count secure icount append+=text wire qemu+=text add+=file archive+=file \
	stock+=text modules=dir timeout=count log=out accel=text \
	vmlinuz=file deb+=file kdir=dir driver=driver script=file load=text device+=text" "$@"
[[ ${args[0]:---} == -- ]] || die "unknown argument '${args[0]}': a command comes after -- (see --help)"
command=("${args[@]:1}")
shell=''

# The options that make sense together only.
check_options() {
	[[ -z $secure || -z $icount$vmlinuz$kdir${deb[*]} ]] ||
		die "--secure is for Debian's kernels, and not for --icount (see --help)"
	[[ -z $vmlinuz$kdir${deb[*]} || -z $kernel ]] || die "--kernel and a kernel of your own do not go together (see --help)"
	if [[ -z $driver ]]; then
		((${#command[@]})) || die "no command given (see --help)"
		[[ -z $script$load ]] || die "--script and --load are for --driver (see --help)"
		return
	fi
	((${#command[@]} == 0)) || die "a command and --driver do not go together: ${command[*]@Q} (see --help)"
	[[ -z $modules ]] || die "--modules and --driver do not go together (see --help)"
	[[ -n $script || -t 0 ]] || die "no --script, and no terminal for a shell (see --help)"
}

# One that qemu does not have it would tell at the boot.
check_devices() {
	local spec
	for spec in "${device[@]}"; do
		"${ARCH_QEMU[@]}" -device help </dev/null | grep -F "name \"${spec%%,*}\"" >/dev/null ||
			die "--device $spec: qemu has no device '${spec%%,*}'"
		qemu+=(-device "$spec")
	done
}

own_kernel() {
	local given=(${vmlinuz:+--vmlinuz "$vmlinuz"} ${kdir:+--kdir "$kdir"}) file
	for file in "${deb[@]}"; do
		given+=(--deb "$file")
	done
	((${#given[@]})) || return 0
	LABYRINTH_OWN=$("$LAB_SCRIPTS/own-kernel.sh" "${given[@]}")
	export LABYRINTH_OWN
	KERNEL_TABLE=$LABYRINTH_OWN/kernels.tsv kernel=own
}

# What is run in the guest with a driver. A shell is left when its user likes.
with_driver() {
	command=(scripts/vm/driver.sh "$load")
	if [[ -n $script ]]; then
		add+=("$script")
		command+=("$(basename "$script")")
	else
		shell=1 timeout=${timeout:-0}
	fi
}

check_options
own_kernel
kernel=${kernel:-$KERNEL_DEFAULT}

# The loading of a stock module and of all it needs, in order, as modprobe would.
stock_module() { /sbin/modprobe -d "$image" -S "$(cat "$image/release")" --show-depends "$1" 2>/dev/null; }

# Modules may be packed on the disk; the guest's insmod wants them bare.
add_stock_module() {
	local number=0 word ko
	while read -r word ko _; do
		[[ $word == insmod ]] || continue
		number=$((number + 1))
		mkdir -p "$root/labyrinth/stock"
		case $ko in
		*.xz) xz -dc "$ko" >"$root/labyrinth/stock/$number-$(basename "${ko%.xz}")" ;;
		*) cp "$ko" "$root/labyrinth/stock/$number-$(basename "$ko")" ;;
		esac
	done < <(stock_module "$1")
}

# What the self-tests need in user space: a static program beside each source.
build_programs() {
	local source
	for source in "$1"/*.c; do
		"$ARCH_CC" -Wall -Wextra -Werror -O2 -static -I "$LAB_ROOT" \
			-o "${source%.c}" "$source"
	done
}

fill_root() {
	local file busybox top=$root/labyrinth
	mkdir -p "$root"/{bin,dev} "$top"/{scripts,tests,extra}
	busybox=$image/bin/busybox
	[[ -e $busybox ]] || busybox=/bin/busybox
	cp "$busybox" "$root/bin/busybox"
	install -m 755 "$LAB_SCRIPTS/vm/init" "$root/init"
	echo "${ARCH_TTYS[1]}" >"$root/tty"
	cp -rL "$LAB_SCRIPTS/vm" "$top/scripts/"
	cp -rL "$LAB_ROOT/tests/selftests" "$top/tests/"
	cp -rL "$LAB_ROOT/tools" "$top/"
	build_programs "$top/tests/selftests/user"
	if [[ -n $modules ]]; then
		cp -r "$modules/." "$top/"
	fi
	for file in "${add[@]}"; do
		cp "$file" "$top/extra/"
	done
	for file in "${stock[@]}"; do
		add_stock_module "$file"
	done
	# A script is named by its place here, and need not be executable.
	[[ ${command[0]} != *.sh ]] || command=(sh "${command[@]}")
	printf '%s\n' "exec ${command[*]@Q}" >"$root/command"
}

# The firmware's key, whose secret part is no secret.
OVMF=/usr/share/OVMF
OVMF_KEY=/usr/share/ovmf/PkKek-1-snakeoil

# Of the boot image, not of the ELF in it: firmware starts the former, and looks at its signature.
sign_all() {
	local release sign
	release=$(cat "$image/release")
	# Of the kernel that this machine can build for, whichever is booted.
	sign=$("$LAB_SCRIPTS/kernel.sh" headers "$KERNEL_DEFAULT")/scripts/sign-file
	openssl rsa -in "$OVMF_KEY.key" -passin pass:snakeoil -out "$scratch/key"
	bootable=$image/boot/vmlinuz-$release
	[[ -e $bootable ]] || bootable=$image/lib/modules/$release/vmlinuz
	sbsign --key "$scratch/key" --cert "$OVMF_KEY.pem" --output "$scratch/vmlinuz" "$bootable"
	bootable=$scratch/vmlinuz
	find "$root" -path "$root/labyrinth/extra" -prune -o -name '*.ko' \
		-exec "$sign" sha256 "$scratch/key" "$OVMF_KEY.pem" {} \;
}

# The firmware's variables, the trusted key among them, are a file that it may write to.
secure_boot() {
	[[ $ARCH == amd64 ]] || die "--secure is for amd64 (see --help)"
	run_logged "signing the kernel and the modules" "$logs/signing.log" sign_all
	cp "$OVMF/OVMF_VARS_4M.snakeoil.fd" "$scratch/variables"
	qemu+=(-machine smm=on -global "driver=cfi.pflash01,property=secure,value=on"
		-drive "if=pflash,unit=0,format=raw,readonly=on,file=$OVMF/OVMF_CODE_4M.secboot.fd"
		-drive "if=pflash,unit=1,format=raw,file=$scratch/variables")
}

pack_root() {
	(cd "$root" && find . | cpio -o -H newc -R 0:0 --quiet | gzip -1)
}

# /dev/kvm may be there and a guest hang all the same: so one boot decides, once
# per host kernel.
kvm_works() {
	local answer
	answer=$LABYRINTH_CACHE/kvm-$(uname -n)-$(uname -r)
	[[ $ARCH == amd64 && -w /dev/kvm ]] && grep -qE '^flags.* (vmx|svm)( |$)' /proc/cpuinfo || return
	if [[ ! -e $answer ]]; then
		say "trying whether KVM works"
		if "$0" --accel kvm --modules "$root/labyrinth" --timeout 30 \
			--log "$LABYRINTH_LOGS/kvm-probe" -- true >/dev/null 2>&1; then
			echo yes >"$answer"
		else
			echo no >"$answer"
		fi
	fi
	[[ $(cat "$answer") == yes ]]
}

machine() {
	if [[ -n $icount ]]; then
		printf '%s\n' -accel tcg -icount shift=0,sleep=off -cpu "$ARCH_CPU" -smp 1
	elif [[ $accel == kvm ]] || { [[ -z $accel ]] && kvm_works; }; then
		printf '%s\n' -accel kvm -cpu host -smp "$smp"
	else
		# One thread for all CPUs: with more, qemu 7.2 corrupts guests
		# that patch their own text, as ftrace and static keys do.
		printf '%s\n' -accel tcg,thread=single -cpu "$ARCH_CPU" -smp "$smp"
	fi
}

# After all other devices: an IOMMU must come before those that it serves.
cards() {
	local i
	[[ -n $wire ]] || return 0
	for i in 0 1; do
		printf '%s\n' -netdev "hubport,id=wire$i,hubid=0" \
			-device "e1000,netdev=wire$i,mac=52:54:00:00:00:0$((i + 1))"
	done
}

# relay FIFO LOG PREFIX: each line to the log and, live, to the user.
relay() {
	local line
	while IFS= read -r line || [[ -n $line ]]; do
		line=${line//$'\r'/}
		printf '%s\n' "$line" >&3
		printf '%s| %s\n' "$3" "$line"
	done <"$1" 3>"$2"
}

# Where the command's output goes, and from where its input comes.
port() {
	if [[ -n $shell ]]; then
		printf '%s\n' -chardev "stdio,id=output,signal=off,logfile=$logs/output.log"
	else
		printf '%s\n' -chardev "file,id=output,path=$scratch/output"
	fi
}

run_qemu() {
	local input=/dev/null port
	mapfile -t port < <(port)
	[[ -z $shell ]] || input=/dev/stdin
	# oops=panic: what is broken ends at once, not at the timeout.
	timeout --foreground -k 10 "${timeout:-600}" "${ARCH_QEMU[@]}" "${machine[@]}" -m "$mem" \
		-nodefaults -no-user-config -display none -vga none -nic none -monitor none \
		-no-reboot -serial "file:$scratch/console" \
		"${port[@]}" "${ARCH_PORT[@]}" \
		-kernel "$bootable" -initrd "$scratch/initrd" \
		-append "console=${ARCH_TTYS[0]} quiet panic=-1 oops=panic rdinit=/init$ARCH_APPEND ${append[*]}" \
		"${qemu[@]}" "${cards[@]}" <"$input" >&4 2>"$logs/qemu.log"
}

# Nothing but the guest writes to a terminal that it has.
boot_shell() {
	local status=0
	run_qemu 4>&1 || status=$?
	tr -d '\r' <"$scratch/console" >"$logs/console.log"
	tr -d '\r' <"$logs/output.log" >"$scratch/output"
	cp "$scratch/output" "$logs/output.log"
	return "$status"
}

boot() {
	local status=0 relays=() beat
	mkfifo "$scratch/console" "$scratch/output"
	relay "$scratch/console" "$logs/console.log" kernel &
	relays+=($!)
	relay "$scratch/output" "$logs/output.log" guest &
	relays+=($!)
	heartbeat "guest running" 30 &
	beat=$!
	run_qemu 4>"$logs/qemu.log" || status=$?
	heartbeat_stop "$beat"
	# The readers end with the last writer; this is one if qemu never was.
	: 1<>"$scratch/console" 1<>"$scratch/output"
	wait "${relays[@]}"
	return "$status"
}

# The command's own status if init came to report it.
verdict() {
	local line
	line=$(grep -ao 'labyrinth-vm: exit [0-9]*$' "$logs/output.log" | tail -n 1) || true
	if [[ -n $line ]]; then
		return "${line##* }"
	fi
	say "the guest did not come to its end (qemu: $1), see $logs"
	[[ ! -s $logs/qemu.log ]] || show_tail "$logs/qemu.log"
	show_tail "$logs/console.log"
	(($1 != 124)) || return 124
	return "$DIED"
}

arch_set "$kernel"
log_dir
"$LAB_SCRIPTS/deps.sh" fetch build vm ${secure:+secure} "${ARCH_NEEDS[@]}"
check_devices
[[ -z $driver ]] || with_driver
logs=${log:-$(mktemp -d "$LABYRINTH_LOGS/vm-XXXX")}
mkdir -p "$logs"
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
root=$scratch/root
image=$("$LAB_SCRIPTS/kernel.sh" image "$kernel")
for name in "${stock[@]}"; do
	stock_module "$name" >/dev/null || die "kernel $kernel has no module '$name'"
done
if [[ -z $modules ]]; then
	modules=$scratch/modules
	"$LAB_SCRIPTS/build.sh" --kernel "$kernel" --out "$modules" ${driver:+--driver "$driver"}
fi
fill_root
bootable=$image/vmlinux
[[ -z $secure ]] || secure_boot
# The kernel unpacks one archive after the other.
{ cat /dev/null "${archive[@]}"; pack_root; } >"$scratch/initrd"
mapfile -t machine < <(machine)
mapfile -t cards < <(cards)
say "booting $(cat "$image/release") in qemu (${machine[*]}), logs in $logs"
status=0
"boot${shell:+_shell}" || status=$?
verdict "$status"
