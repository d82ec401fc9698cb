#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The newer kernel: the modules build for it, load into it and leave it.

here=$(dirname "$(readlink -f "$0")")
. "$here/../ktap.sh"
cd "$here/../.." || exit 1
testhost=$here/testhost

build()
{
	local headers

	headers=$("$testhost" headers 6.12) || return 1
	make modules KDIR="$headers"
}

inside='
selftests/testhost/modules load || exit 1
ls /dev/vqhost-net /dev/vqhost-blk || exit 1
selftests/testhost/modules unload || exit 1
! ls /dev/vqhost-* 2>/dev/null'

ktap_plan 2
ktap_run "modules build" build
ktap_run "modules load and unload" "$testhost" run --kernel 6.12 -- bash -c "$inside"
ktap_exit
