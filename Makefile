# SPDX-License-Identifier: GPL-2.0-only
#
# For people: kbuild itself prefers the Kbuild beside this file and never reads it.

KDIR ?= /lib/modules/$(shell uname -r)/build

# KUNIT=1 builds the KUnit tests too; they want a kernel with CONFIG_KUNIT.
LAB_CONFIG := CONFIG_LABYRINTH=m CONFIG_LABYRINTH_SAMPLES=m \
	$(if $(filter 1 y m,$(KUNIT)),CONFIG_LABYRINTH_KUNIT_TEST=m)
KBUILD = $(MAKE) -C $(KDIR) M=$(CURDIR) $(LAB_CONFIG)

.PHONY: modules clean install kunit check demo help need-kdir

modules: need-kdir
	$(KBUILD) modules

clean: need-kdir
	$(KBUILD) clean

# Where kbuild finds no System.map, as beside Debian's headers, it runs no depmod.
install: modules
	$(KBUILD) modules_install
	$(if $(INSTALL_MOD_PATH),,depmod -a \
		"$$(sed -n 's/.*"\(.*\)"/\1/p' $(KDIR)/include/generated/utsrelease.h)")

kunit check demo:
	scripts/$@.sh

# A missing build tree is the first thing that goes wrong for a newcomer.
need-kdir:
	@test -e "$(KDIR)/Makefile" || { \
		echo "No kernel build tree at $(KDIR)." >&2; \
		echo "Install the headers of the running kernel (Debian: linux-headers-$$(uname -r))," >&2; \
		echo "or name a tree: make KDIR=\$$(scripts/kernel.sh headers 6.1)" >&2; \
		exit 1; }

help:
	@echo 'make            build labyrinth.ko and the samples for the running kernel'
	@echo 'make KDIR=...   build them for the kernel whose build tree is there'
	@echo 'make KUNIT=1    build the KUnit tests too (for a kernel with CONFIG_KUNIT)'
	@echo 'make install    install the modules (modules_install, depmod)'
	@echo 'make clean      remove what was built'
	@echo 'make kunit      run the KUnit suites in User-Mode Linux'
	@echo 'make check      run all checks and tests, see scripts/check.sh --help'
	@echo 'make demo       boot a stock kernel in qemu and show the samples at work'
