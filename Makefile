# SPDX-License-Identifier: GPL-2.0-only
#
# For people: kbuild itself prefers the Kbuild beside this file and never reads it.

KDIR ?= /lib/modules/$(shell uname -r)/build

# KUNIT=1 builds the KUnit tests too; they want a kernel with CONFIG_KUNIT.
# SAMPLES=0 leaves the samples out, as make install does.
LAB_CONFIG = CONFIG_LABYRINTH=m CONFIG_LABYRINTH_WATCH=m \
	$(if $(filter 0 n,$(SAMPLES)),,CONFIG_LABYRINTH_SAMPLES=m) \
	$(if $(filter 1 y m,$(KUNIT)),CONFIG_LABYRINTH_KUNIT_TEST=m)
KBUILD = $(MAKE) -C $(KDIR) M=$(CURDIR) $(LAB_CONFIG)

VERSION := $(shell sed -n 's/.*VERSION "\(.*\)"/\1/p' core/version.h)

# Where things go: the module to MODULE_DIR, and what a driver is built against to DEV_DIR.
# INSTALL_MOD_PATH goes in front of both, as kbuild has it.
INSTALL_MOD_DIR ?= updates
KREL = $(shell sed -n 's/.*"\(.*\)"/\1/p' $(KDIR)/include/generated/utsrelease.h)
MODULE_DIR = $(INSTALL_MOD_PATH)/lib/modules/$(KREL)/$(INSTALL_MOD_DIR)
DEV_DIR = $(INSTALL_MOD_PATH)/usr/src/labyrinth/$(KREL)
DEPMOD = /sbin/depmod -a $(if $(INSTALL_MOD_PATH),-b "$(INSTALL_MOD_PATH)") $(KREL)

# labyrinth_alloc.h and all that it includes: nothing else is in inline/.
HEADERS := labyrinth_alloc.h labyrinth_compat.h
INLINE_HEADERS := $(wildcard inline/*.h)

# Debian's headers say that modules are signed, and have no key to do it with.
NO_KEY = $(if $(wildcard $(KDIR)/certs/signing_key.pem),,CONFIG_MODULE_SIG_ALL=)

.PHONY: modules clean install install-dev uninstall kunit check demo htmldocs man plots help version
.PHONY: need-kdir need-path

modules: need-path need-kdir
	+$(KBUILD) modules

# Also where there are no kernel headers.
clean: need-path
	+@$(if $(wildcard $(KDIR)/Makefile),$(KBUILD) clean, \
		find . -name .git -prune -o \( -name '*.o' -o -name '*.ko' -o -name '*.mod' \
		-o -name '*.mod.c' -o -name '.*.cmd' -o -name '.*.d' -o -name Module.symvers \
		-o -name modules.order \) -exec rm -f {} +)
	@rm -f .*.d *.cmd

# Where kbuild finds no System.map, as beside Debian's headers, it warns and runs no depmod: so
# depmod is run here.
install: SAMPLES := 0
install: KUNIT :=
install: modules
	+$(KBUILD) INSTALL_MOD_DIR=$(INSTALL_MOD_DIR) $(NO_KEY) cmd_depmod=: modules_install
	$(MAKE) --no-print-directory install-dev
	$(DEPMOD)

# What was built is kept for drivers: the headers and the symbols belong together.
install-dev: need-kdir
	install -d "$(DEV_DIR)/inline"
	install -m 644 $(HEADERS) Module.symvers "$(DEV_DIR)"
	install -m 644 $(INLINE_HEADERS) "$(DEV_DIR)/inline"

# The folders go if nothing else is in them.
uninstall: need-kdir
	rm -f "$(MODULE_DIR)"/labyrinth.ko* "$(MODULE_DIR)"/watch/labyrinth_watch.ko*
	rm -f $(patsubst %,"$(DEV_DIR)"/%,$(HEADERS) $(INLINE_HEADERS) Module.symvers)
	-@rmdir "$(MODULE_DIR)/watch" "$(MODULE_DIR)" "$(DEV_DIR)/inline" "$(DEV_DIR)" "$(dir $(DEV_DIR))" 2>/dev/null || :
	$(DEPMOD)

version:
	@echo $(VERSION)

kunit check demo htmldocs:
	scripts/$@.sh

man:
	scripts/htmldocs.sh --man

plots:
	scripts/plots.py

# A missing build tree is the first thing that goes wrong for a newcomer.
need-kdir:
	@test -e "$(KDIR)/Makefile" || { \
		echo "No kernel build tree at $(KDIR)." >&2; \
		echo "Install the headers of the running kernel (Debian: linux-headers-$$(uname -r))," >&2; \
		echo "or name a tree: make KDIR=\$$(scripts/kernel.sh headers 6.1)" >&2; \
		exit 1; }

need-path:
	@case "$(CURDIR)" in *[[:space:]:]*) \
		echo "kbuild takes no path with blanks or colons: move $(CURDIR)" >&2; exit 1 ;; esac

help:
	@echo 'make            build labyrinth.ko, on x86-64 labyrinth_watch.ko, and the samples'
	@echo '                for the running kernel'
	@echo 'make KDIR=...   build them for the kernel whose build tree is there'
	@echo 'make KUNIT=1    build the KUnit tests too (for a kernel with CONFIG_KUNIT)'
	@echo 'make SAMPLES=0  build them without the samples'
	@echo 'make install    install both modules to /lib/modules/RELEASE/$(INSTALL_MOD_DIR), and what'
	@echo '                drivers are built against to /usr/src/labyrinth/RELEASE;'
	@echo '                INSTALL_MOD_PATH=... goes in front of both'
	@echo 'make uninstall  remove what make install has installed'
	@echo 'make clean      remove what was built'
	@echo 'make kunit      run the KUnit suites in User-Mode Linux'
	@echo 'make check      run all checks and tests, see scripts/check.sh --help'
	@echo 'make htmldocs   make the documentation as HTML, with all calls, by Sphinx'
	@echo 'make man        make man pages: labyrinth(4), (8) and (9), labyrinth_watch(4)'
	@echo 'make plots      draw README'"'"'s plot and those of benchmarks.rst anew, from their tables'
	@echo 'make demo       boot a stock kernel in qemu and show the samples at work'
