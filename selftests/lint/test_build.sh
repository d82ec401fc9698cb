#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Modules build without a warning at W=1 for each supported kernel, and so does
# the userland.

cd "$(dirname "$(readlink -f "$0")")/../.." || exit 1
. selftests/ktap.sh

build_silently()
{
	local log status

	log=$(mktemp)
	make -j"$(nproc)" "$@" >"$log" 2>&1
	status=$?
	grep -q 'warning:' "$log" && status=1
	[ "$status" -eq 0 ] || cat "$log"
	rm -f "$log"
	return "$status"
}

# From nothing, as warnings of what is up to date are not repeated.
modules_for()
{
	local headers build=build/lint/$1

	headers=$(selftests/testhost/testhost headers "$1") || return 1
	rm -rf "$build"
	build_silently modules KDIR="$headers" BUILD="$build" W=1
}

userland()
{
	make clean -C userspace-vmm >/dev/null
	make clean -C vqtop >/dev/null
	build_silently userland vqtop
}

ktap_plan 3
ktap_run "modules for 6.1" modules_for 6.1
ktap_run "modules for 6.12" modules_for 6.12
ktap_run "userland" userland
ktap_exit
