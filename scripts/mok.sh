#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Usage: scripts/mok.sh
# Goes the way of Documentation/secure-boot.rst to the end, with a key of one's own: makes it by the
# command there, boots as Debian does (firmware that trusts Microsoft, shim, grub, the kernel as
# Debian has signed it), asks for the key by mokutil, confirms it in MOK Manager, and boots
# again. The module that the key has signed is refused before, and loads afterwards; one that is
# not signed is refused both times.

# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=scripts/arch.sh
. "$LAB_SCRIPTS/arch.sh"

OVMF=/usr/share/OVMF
PASSWORD=labyrinth

# The command that makes a key, as the guide has it.
key_command() { sed -n '/^    openssl req /,/-keyout/s/^    //p' "$LAB_ROOT/Documentation/secure-boot.rst"; }

make_key() {
	[[ $(key_command) == *"-keyout mok.key" ]] || { say "the guide has no command that makes a key"; return 1; }
	(cd "$work" && bash -e <(key_command))
}

# What the guest and the disk have of Debian's packages.
unpack_tools() {
	mkdir "$work/tools"
	(cd "$work/tools" && cpio -idm --quiet 'lib64*' 'lib/x86_64-linux-gnu/*.so*' usr/bin/mokutil 'usr/lib/shim/*.signed' \
		usr/lib/grub/x86_64-efi-signed/grubx64.efi.signed 'usr/lib/x86_64-linux-gnu/lib*' <"$archive")
}

# fill_root: one archive for both boots; the kernel's command line says which it is.
fill_root() {
	local top=$root/labyrinth lib tools=$work/tools
	mkdir -p "$root"/{bin,dev,usr/lib} "$top"/{scripts,tests/selftests,unsigned}
	cp /bin/busybox "$root/bin/"
	install -m 755 "$LAB_SCRIPTS/vm/init" "$root/init"
	echo ttyS1 >"$root/tty"
	echo "exec sh scripts/vm/mok.sh" >"$root/command"
	cp -r "$LAB_SCRIPTS/vm" "$top/scripts/"
	cp "$LAB_ROOT/tests/selftests/ktap.sh" "$top/tests/selftests/"
	cp "$work/mok.der" "$image/lib/modules/$release/kernel/fs/efivarfs/efivarfs.ko" "$top/"
	# grub is slow, and what debuggers read is most of the file.
	strip -g -o "$top/labyrinth.ko" "$work/modules/labyrinth.ko"
	cp "$top/labyrinth.ko" "$top/unsigned/"
	"$("$LAB_SCRIPTS/kernel.sh" headers "$KERNEL_DEFAULT")/scripts/sign-file" sha256 "$work/mok.key" "$work/mok.der" "$top/labyrinth.ko"
	cp "$tools/usr/bin/mokutil" "$root/bin/"
	mkdir -p "$root"/{lib64,lib/x86_64-linux-gnu}
	cp -L "$tools"/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2 "$root/lib64/"
	for lib in c crypt crypto dl efivar keyutils pthread; do
		find "$tools/lib" "$tools/usr/lib" -name "lib$lib.so.*" -exec cp -L -t "$root/lib/x86_64-linux-gnu" {} +
	done
	(cd "$root" && find . | cpio -o -H newc -R 0:0 --quiet | gzip -1) >"$disk/initrd"
}

# The disk, a folder that qemu shows as one: shim, what it loads, and the kernel.
fill_disk() {
	local boot=$disk/EFI/BOOT
	mkdir -p "$boot" "$disk/EFI/debian"
	cp "$work/tools/usr/lib/shim/shimx64.efi.signed" "$boot/BOOTX64.EFI"
	cp "$work/tools/usr/lib/shim/mmx64.efi.signed" "$boot/mmx64.efi"
	cp "$work/tools/usr/lib/grub/x86_64-efi-signed/grubx64.efi.signed" "$boot/grubx64.efi"
	cp "$image/boot/vmlinuz-$release" "$disk/vmlinuz"
}

prepare() {
	make_key
	unpack_tools
	fill_disk
	fill_root
}

# boot STEP: as far as the guest, or MOK Manager, ends it.
boot() {
	printf '%s\n' "linux /vmlinuz console=ttyS0 quiet panic=-1 rdinit=/init$ARCH_APPEND mok_step=$1" \
		'initrd /initrd' 'boot' >"$disk/EFI/debian/grub.cfg"
	run_logged "boot by shim: $1" "$logs/$1.log" timeout -k 10 600 "$LAB_SCRIPTS/mok-manager.py" "$PASSWORD" \
		"${ARCH_QEMU[@]}" -machine smm=on -accel tcg,thread=single -cpu "$ARCH_CPU" -m 512 -nodefaults -no-user-config \
		-display none -vga none -nic none -monitor none -no-reboot -serial stdio -serial "file:$logs/$1-output.log" \
		-global driver=cfi.pflash01,property=secure,value=on \
		-drive "if=pflash,unit=0,format=raw,readonly=on,file=$OVMF/OVMF_CODE_4M.ms.fd" \
		-drive "if=pflash,unit=1,format=raw,file=$work/variables" \
		-drive "if=none,id=disk,format=raw,readonly=on,file=fat:$disk" -device virtio-blk-pci,drive=disk,bootindex=0
}

# guest STEP: the boot, and what its guest says.
guest() {
	: >"$logs/$1-output.log"
	result_of "mok: the boot to $1" boot "$1" || return
	tr -d '\r' <"$logs/$1-output.log" >"$logs/output.log"
	judge_ktap result "mok" "$logs/output.log"
}

options '' "$@"
no_arguments "${args[@]}"
arch_set "$KERNEL_DEFAULT"
log_dir
"$LAB_SCRIPTS/deps.sh" fetch build vm secure
image=$("$LAB_SCRIPTS/kernel.sh" image "$KERNEL_DEFAULT")
archive=$("$LAB_SCRIPTS/user-tools.sh" mok)
release=$(cat "$image/release")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
root=$work/root disk=$work/disk logs=$LABYRINTH_LOGS/mok
mkdir -p "$root" "$disk" "$logs"
"$LAB_SCRIPTS/build.sh" --kernel "$KERNEL_DEFAULT" --out "$work/modules"
run_logged "a key, and a disk to boot from" "$logs/prepare.log" prepare
cp "$OVMF/OVMF_VARS_4M.ms.fd" "$work/variables"
status=0
guest ask || status=1
# MOK Manager ends by a reboot, before there is a guest.
result_of "mok: the key is confirmed in MOK Manager" boot manager || status=1
guest use || status=1
say "the logs are in $logs"
exit "$status"
