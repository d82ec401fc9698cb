#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The debug kernel notices mistakes, and the test host says so: a module makes one
# of each kind.  VQHOST_KERNEL is the kernel, see "testhost --help".

here=$(dirname "$(readlink -f "$0")")
. "$here/../ktap.sh"
testhost=$here/../testhost/testhost
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# Mistakes, and what the kernel says about them.  Lockdep ends its work with its first
# report, and with one of KASAN's: what it sees comes first, lock inversion last of that.
case $VQHOST_KERNEL in
*kasan|debug)
	mistakes=(
		"rcu_without_lock|WARNING: suspicious RCU usage"
		"lock_inversion|WARNING: possible circular locking dependency"
		"use_after_free|KASAN: slab-use-after-free|KASAN: use-after-free"
		"write_behind|KASAN: slab-out-of-bounds"
		"double_free|KASAN: (double-free|double-free or invalid-free)"
		"index_beyond|UBSAN: array-index-out-of-bounds"
		"shift_too_far|UBSAN: shift-out-of-bounds"
		"sleep_in_atomic|BUG: sleeping function called from invalid context"
		"free_active_timer|ODEBUG: free active"
		"take_freed_reference|refcount_t: addition on 0"
		"leak|unreferenced object"
	)
	;;
*kcsan)
	mistakes=("race|BUG: KCSAN: data-race in .*add")
	;;
*)
	echo "1..0 # SKIP VQHOST_KERNEL=$VQHOST_KERNEL: not a debug kernel"
	exit 4
	;;
esac

build()
{
	mkdir -p "$scratch/results/module"
	cp "$here/mistakes.c" "$scratch/results/module/"
	# As that of the modules.
	printf 'UBSAN_SANITIZE := y\nobj-m := mistakes.o\n' >"$scratch/results/module/Kbuild"
	make -C "$("$testhost" headers "$VQHOST_KERNEL")" M="$scratch/results/module" modules
}

inside='
for mistake; do
	echo "<4>mistake: ${mistake%%|*}" >/dev/kmsg
	insmod "$VQHOST_RESULTS/module/mistakes.ko" mistake="${mistake%%|*}" 2>/dev/null
done
true'

# Is a mistake reported, before the next one is made?
is_reported()
{
	local name=$1 pattern=$2

	{
		sed -n "/mistake: $name\$/,/mistake: /p" "$scratch/results/testhost/dmesg"
		[ "$name" != leak ] || cat "$scratch/results/testhost/kmemleak"
	} | grep -m1 -E "$pattern"
}

# The judgement of console.sh, which fails a run, knows it as well.
is_judged()
{
	. "$here/../testhost/console.sh"
	is_reported "$1" "$2" | grep -E -e "$CONSOLE_REPORTS"
}

ktap_plan $((2 * ${#mistakes[@]} + 2))
ktap_run "a module with mistakes builds" build
"$testhost" run --kernel "$VQHOST_KERNEL" --results "$scratch/results" -- \
	bash -c "$inside" inside "${mistakes[@]}" 2>&1 </dev/null | sed 's/^/# /'
ktap_equal "${PIPESTATUS[0]}" 123 "the run fails"
for mistake in "${mistakes[@]}"; do
	ktap_run "${mistake%%|*} is noticed" is_reported "${mistake%%|*}" "${mistake#*|}"
	ktap_run "${mistake%%|*} fails a run" is_judged "${mistake%%|*}" "${mistake#*|}"
done
ktap_exit
