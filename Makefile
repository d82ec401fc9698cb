# SPDX-License-Identifier: GPL-2.0
# The front door of vqhost.  "make help" says what there is.

MAKEFLAGS += --no-print-directory
TESTHOST := selftests/testhost/testhost

# What to build the modules against: the running kernel, else Debian's newest.
KDIR ?= $(firstword $(wildcard /lib/modules/$(shell uname -r)/build) $(DEBIAN_KDIR))
DEBIAN_KDIR = $(shell ls -d /usr/src/linux-headers-*-amd64 2>/dev/null | grep -vE -e '-(cloud|rt)-' | sort -V | tail -n1)
RELEASE = $(shell sed -n 's/.*UTS_RELEASE "\(.*\)"/\1/p' $(KDIR)/include/generated/utsrelease.h 2>/dev/null)

# Each kernel release gets a build directory of its own, with links to the sources.
BUILD = build/$(RELEASE)
# A module outside the kernel's tree is neither signed nor described in BTF:
# both need files that headers do not have.
KBUILD = $(MAKE) -C $(KDIR) M=$(CURDIR)/$(BUILD) CONFIG_MODULE_SIG_ALL= CONFIG_DEBUG_INFO_BTF_MODULES=

PREFIX ?= /usr/local
RESULTS := $${XDG_STATE_HOME:-~/.local/state}/vqhost

all: modules userland vqtop ## build the modules and the userland (the default)

modules: sources ## build the kernel modules against KDIR, into build/RELEASE
	@+$(KBUILD) modules

userland: ## build vqvmm and vqhost-bridge
	@+$(MAKE) -C userspace-vmm

vqtop: ## build vqtop
	@+$(MAKE) -C vqtop

sparse: sources userland vqtop ## check modules and userland with sparse
	@selftests/lint/sparse $(KDIR) $(BUILD)

checkpatch: ## check the style of all sources with checkpatch --strict
	@selftests/lint/checkpatch

check: ## build everything, run all tests here and in the test host (TESTS="kmod vmm/NAME": some)
	@selftests/testhost/setup
	@selftests/run $(TESTS)

check-debug: FLAVOUR ?= kasan kcsan
check-debug: KERNEL ?= 6.1 6.12
check-debug: ## run the modules' tests on kernels built to find mistakes (KERNEL=6.1|6.12 FLAVOUR=kasan|kcsan)
	@selftests/testhost/setup
	@status=0; for kernel in $(foreach kernel,$(KERNEL),$(FLAVOUR:%=$(kernel)-%)); do \
		selftests/debug/check $$kernel $(TESTS) || status=1; \
	done; exit $$status

check-interop: ROUNDS ?= 10
check-interop: BY_QEMU := qemu_net qemu restart migration
check-interop: ## test with stock QEMU at length, also the backports': guests migrate there and back ROUNDS=N times
	@selftests/testhost/setup
	@status=0; \
	INTEROP_ROUNDS=$(ROUNDS) selftests/run --slower 4 interop vmm/test_boot.py || status=1; \
	INTEROP_ROUNDS=1 INTEROP_QEMU="$$($(TESTHOST) qemu)" selftests/run --slower 4 \
		$(BY_QEMU:%=interop/test_%.py) || status=1; \
	exit $$status

check-package: ## test installing, and have DKMS build the modules in a fresh Debian
	@selftests/testhost/setup
	@selftests/run package dkms

TIME ?= 60
fuzz: ## fuzz ring, guest memory and requests, TIME=seconds for each target
	@selftests/testhost/setup
	@selftests/fuzz/fuzz --time $(TIME)

bench-ring: KERNEL ?= 6.1
bench-ring: ## compare the ring code with the kernel's own: time and instructions (KERNEL=6.12: with that one's)
	@selftests/testhost/setup
	@selftests/bench/bench --kernel $(KERNEL)

bench-iotlb: ## measure what an IOTLB costs, in instructions, in the test host (ROUNDS=N DEPTH=N)
	@selftests/testhost/setup
	@selftests/bench/iotlb

bench-vqtop: ## measure what vqtop costs while it looks on, likewise (ROUNDS=N)
	@selftests/testhost/setup
	@selftests/bench/vqtop

compare: ## compare userspace with in-kernel backends (QUICK=1: fewer runs)
	@selftests/compare/compare

clean: ## remove everything that was built
	@rm -rf build
	@+$(MAKE) -C userspace-vmm clean
	@+$(MAKE) -C vqtop clean

help: ## print this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 18
	@echo "Results of check, check-debug and compare are kept below $(RESULTS)."

# Link the sources into the build directory, and drop what was removed.
sources:
	@test -n "$(RELEASE)" || { echo "KDIR=$(KDIR): no kernel headers there; run selftests/testhost/setup" >&2; exit 2; }
	@mkdir -p $(BUILD)
	@find $(BUILD) -xtype l -delete
	@cp -rsfu $(CURDIR)/Kbuild $(CURDIR)/kmod $(CURDIR)/uapi $(BUILD)/

.PHONY: all modules userland vqtop sparse checkpatch check check-debug check-interop check-package fuzz bench-ring bench-iotlb bench-vqtop compare clean help sources

include packaging/install.mk
