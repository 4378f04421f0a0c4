#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Usage: scripts/watch.sh [--kernel KERNEL] [--e1000e [--mended] | --stock DRIVER | --cost | --search]
# labyrinth_watch beside a driver as it is shipped: a virtual machine with two cards, one
# wired to the other. By default virtio cards and the stock virtio_net, whose pages a socket
# has while the driver goes (tests/selftests/watch_virtio.sh); newer kernels' virtio_net has
# its pages from a page_pool; on older ones the test is skipped.
#   --e1000e   the stock e1000e, which leaves pages behind (watch_e1000e.sh)
#   --mended   with --e1000e: a copy of the driver, built from the kernel's source with the
#              loop mended, which must leave none (kernels whose source is a package here)
#   --stock DRIVER   one of virtio_net, e1000e, vmxnet3, and veth with an XDP program: its pages
#              are left in sockets, in a pipe and in a module, and the driver goes
#              (watch_stock.sh)
#   --cost     counts what a received frame of the sample driver costs in instructions, while
#              nothing is followed, another module, and that driver; it fails beyond 0.5 % for
#              another's and 5 % for its own
#   --search   counts what a search and a census take in instructions, in machines of 512 MB to
#              16 GB, and what the kernel's memory adds that is read word by word

# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"

# shellcheck source=scripts/kernels.sh
. "$LAB_SCRIPTS/kernels.sh"

kernel=$KERNEL_DEFAULT e1000e='' mended='' stock='' cost='' search=''
options 'kernel=kernel:boot e1000e mended stock=text cost search' "$@"
no_arguments "${args[@]}"
[[ -z $mended || -n $e1000e ]] || die "--mended is for --e1000e (see --help)"
[[ ${e1000e:+x}${stock:+x}${cost:+x}${search:+x} != xx* ]] ||
	die "more than one of --e1000e, --stock, --cost, --search (see --help)"
driver=virtio_net card=virtio-net-pci test=watch_virtio
[[ -z $e1000e ]] || driver=e1000e card=e1000e test=watch_e1000e
case $stock in
'') ;;
virtio_net) driver=virtio_net card=virtio-net-pci test=watch_stock ;;
e1000e | vmxnet3) driver=$stock card=$stock test=watch_stock ;;
veth) driver=veth card='' test=watch_stock ;;
*) die "--stock knows virtio_net, e1000e, vmxnet3 and veth, not '$stock'" ;;
esac

# Receiving is what is left of both when sending is taken off. The three of a round have followed
# each other, so of the rounds' differences the median.
print_cost() {
	awk '
		function median(key, i, j, x, v) {
			for (i = 0; i < rounds[key]; i++) {
				x = value[key, i]
				for (j = i; j && v[j - 1] > x; j--)
					v[j] = v[j - 1]
				v[j] = x
			}
			return (v[int((i - 1) / 2)] + v[int(i / 2)]) / 2
		}
		function add(key, x) { value[key, rounds[key]++] = x }
		{ name = $1 ", " sprintf("%4d", $2) " bytes" }
		$3 == "," {
			if (!(name in rounds))
				names[nr++] = name
			alone = $4 - $5
			add(name, alone)
		}
		$3 != "," { add(name " " $3, $4 - $5 - alone) }
		END {
			for (i = 0; i < nr; i++) {
				alone = median(names[i])
				other = median(names[i] " labyrinth_other")
				own = median(names[i] " labyrinth_nic")
				printf "%s: a frame %d; another module followed %+d (%+.2f %%); the driver followed %+d (%+.2f %%)\n",
					names[i], alone, other, 100 * other / alone, own, 100 * own / alone
				if (alone <= 0 || other > alone * 0.005 || own > alone * 0.05)
					bad = 1
				if (rounds[names[i]] < 8 || rounds[names[i]] != rounds[names[i] " labyrinth_other"] ||
				    rounds[names[i]] != rounds[names[i] " labyrinth_nic"])
					bad = 1
			}
			exit bad || nr != 6
		}'
}

judge_cost() {
	run_logged "counting instructions, kernel $kernel" "$LABYRINTH_LOGS/watch-cost-$kernel.log" \
		"$LAB_SCRIPTS/vm.sh" --kernel "$kernel" --icount --wire --modules "$scratch" \
		--qemu -global --qemu e1000.mitigation=off --append init_on_alloc=0 \
		--log "$LABYRINTH_LOGS" -- tests/selftests/nic/watch_cost.sh
	sed -n 's/^cost //p' "$LABYRINTH_LOGS/output.log" >"$LABYRINTH_LOGS/watch-cost"
	result_of "watch $kernel: what a frame costs while a module is followed" \
		print_cost <"$LABYRINTH_LOGS/watch-cost"
}

# The second line differs from the first by the kernel's memory alone.
print_search() {
	awk '
		/^cost / {
			printf "%d MB, of the kernel'"'"'s %d MB: a search %d million, a census %d million\n", $2, $3, $4, $5
			if (read)
				printf "%d MB: %.2f million for a MB of the kernel'"'"'s memory\n", $2, ($4 - took) / ($3 - read)
			read = $3
			took = $4
			n++
		}
		END { exit n != 2 }'
}

judge_search() {
	local mem status=0
	for mem in 512 1024 2048 4096 16384; do
		run_logged "counting instructions, kernel $kernel, $mem MB" "$LABYRINTH_LOGS/search-$mem.log" \
			"$LAB_SCRIPTS/vm.sh" --kernel "$kernel" --icount --mem "$mem" --modules "$scratch" \
			--append init_on_alloc=0 --log "$LABYRINTH_LOGS/search-$mem" -- scripts/vm/search.sh
		result_of "watch $kernel: a search and a census, $mem MB" \
			print_search <"$LABYRINTH_LOGS/search-$mem/output.log" || status=1
	done
	return "$status"
}

if [[ -n $cost$search ]]; then
	log_dir
	scratch=$(mktemp -d)
	trap 'rm -rf "$scratch"' EXIT
	"$LAB_SCRIPTS/build.sh" --kernel "$kernel" --out "$scratch"
	"judge_${cost:+cost}${search:+search}"
	exit
fi

# The loop goes on behind a page that is missing.
mend() {
	local source=$1
	sed -i '/^static void e1000_clean_rx_ring/,/^}/ {
		/if (!ps_page->page)/ { n; s/break;/continue;/ }
	}' "$source"
	[[ $(sed -n '/^static void e1000_clean_rx_ring/,/^}/p' "$source" | grep -c 'continue;') == 1 ]]
}

build_mended() {
	local tree folder=drivers/net/ethernet/intel/e1000e headers
	tree=$("$LAB_SCRIPTS/kernel.sh" source "$kernel")
	headers=$("$LAB_SCRIPTS/kernel.sh" headers "$kernel")
	cp -r "$tree/$folder/." "$1"
	mend "$1/netdev.c" || die "the driver's loop is not as expected"
	run_logged "building e1000e with its loop mended" "$LABYRINTH_LOGS/mended-$kernel.log" \
		make -C "$headers" M="$1" CONFIG_E1000E=m -j"$(nproc)" modules ||
		die "the driver does not build"
}

vm=(--stock "$driver")
# Of its own accord nothing loads the bus of the cards; in newer kernels it is built in.
has_module() {
	local image
	image=$("$LAB_SCRIPTS/kernel.sh" image "$kernel")
	[[ -n $(find "$image/lib/modules/" -name "$1.ko*") ]]
}

[[ $driver != virtio_net ]] || ! has_module virtio_pci || vm+=(--stock virtio_pci)
for n in ${card:+0 1}; do
	vm+=(--qemu -netdev --qemu "hubport,id=card$n,hubid=1")
	vm+=(--qemu -device --qemu "$card,netdev=card$n,mac=52:54:00:00:01:0$n")
done
if [[ -n $mended ]]; then
	log_dir
	scratch=$(mktemp -d)
	trap 'rm -rf "$scratch"' EXIT
	build_mended "$scratch"
	vm+=(--add "$scratch/e1000e.ko")
fi
vm_args=()
for arg in "${vm[@]}"; do
	vm_args+=(--vm "$arg")
done
"$LAB_SCRIPTS/selftest.sh" --kernel "$kernel" --title "watch${e1000e:+-e1000e}${mended:+-mended}${stock:+-$stock}" \
	--mem 1024 "${vm_args[@]}" "tests/selftests/$test.sh"
