#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The life of the modules and of their owners: nothing is left behind, whatever
# ends first.

cd "$(dirname "$(readlink -f "$0")")" || exit 1
. ../ktap.sh

modules=../testhost/modules
load=${LOAD:-../../build/selftests/kmod/load}
scratch=$(mktemp -d)

threads()
{
	ps -eL -o comm= | grep -c '^vqhost-'
}

references()
{
	awk '$1 ~ /^vqhost/ { sum += $3 } END { print sum + 0 }' /proc/modules
}

# wait_for COMMAND...: until it succeeds, 20 s at most.
wait_for()
{
	local end=$((SECONDS + 20))

	until "$@"; do
		[ "$SECONDS" -lt "$end" ] || return 1
		sleep 0.05
	done
}

# start_load DEVICE [inherit]: an owner with queues under load, its process in
# $owner; with inherit, another process in $heir keeps the device open as well.
start_load()
{
	: >"$scratch/ready"
	"$load" "$@" >"$scratch/ready" 2>"$scratch/error" &
	owner=$!
	wait_for grep -q ready "$scratch/ready" || { cat "$scratch/error"; return 1; }
	heir=$(sed -n 's/^heir //p' "$scratch/ready")
}

kill_owner()
{
	kill -KILL "$owner"
	wait "$owner" 2>/dev/null
	return 0
}

no_threads()
{
	[ "$(threads)" -eq 0 ]
}

nothing_is_left()
{
	wait_for no_threads || { echo "threads are left:"; ps -eL -o pid,comm,wchan | grep vqhost-; return 1; }
	$modules unload || return 1
	! grep '^vqhost' /proc/modules && ! ls /dev/vqhost-* 2>/dev/null
}

# A module in use stays, and what it serves goes on.
unload_while_in_use()
{
	local device=$1 module=vqhost_${1#vqhost-} output

	start_load "$device" || return 1
	[ "$(threads)" -gt 0 ] || { echo "no threads under load"; return 1; }
	for name in "$module" vqhost; do
		output=$(rmmod "$name" 2>&1) && { echo "$name was unloaded"; return 1; }
		grep -q 'in use' <<<"$output" || { echo "$output"; return 1; }
	done
	: >"$scratch/ready"
	kill -USR1 "$owner"
	wait_for grep -q alive "$scratch/ready" || { echo "the load stands still"; return 1; }
	kill_owner
	nothing_is_left && $modules load
}

killed_under_load()
{
	local device=$1 round

	for round in 1 2 3 4 5; do
		start_load "$device" || return 1
		sleep "0.0$round"
		kill_owner
		wait_for no_threads || { echo "round $round: threads are left"; return 1; }
	done
	nothing_is_left && $modules load
}

# The owner is gone, an heir holds the file: queues stop when it closes it.
outlived_by_its_file()
{
	start_load "$1" inherit || return 1
	kill_owner
	[ "$(references)" -gt 0 ] || { echo "the file is not open any more"; return 1; }
	kill -KILL "$heir"
	nothing_is_left && $modules load
}

load_and_unload()
{
	local round

	for round in {1..20}; do
		$modules load || return 1
		[ -c /dev/vqhost-net ] && [ -c /dev/vqhost-blk ] || { echo "round $round: no devices"; return 1; }
		[ "$(references)" -eq 2 ] || { echo "round $round: references"; return 1; }
		$modules unload || return 1
	done
	$modules load
}

# Objects in all slab caches, those that are freed late given time.
slab_bytes()
{
	echo 3 >/proc/sys/vm/drop_caches
	sleep 0.5
	awk '/^SUnreclaim/ { print $2 * 1024 }' /proc/meminfo
}

# Owners come and go: what they cost must not grow with their number.  A queue
# that leaks is several KiB, of which 400 would be lost.
no_leak()
{
	local before after limit=$((1024 * 1024))

	"$load" vqhost-net churn 10 && "$load" vqhost-blk churn 10 || return 1
	before=$(slab_bytes)
	"$load" vqhost-net churn 100 && "$load" vqhost-blk churn 100 || return 1
	after=$(slab_bytes)
	echo "unreclaimable slab memory: $before before, $after after"
	[ $((after - before)) -lt "$limit" ]
}

ktap_plan 9
ktap_run "net: unload while in use" unload_while_in_use vqhost-net
ktap_run "blk: unload while in use" unload_while_in_use vqhost-blk
ktap_run "net: owner killed under load" killed_under_load vqhost-net
ktap_run "blk: owner killed under load" killed_under_load vqhost-blk
ktap_run "net: owner outlived by its file" outlived_by_its_file vqhost-net
ktap_run "blk: owner outlived by its file" outlived_by_its_file vqhost-blk
# A kernel that keeps account of each object needs memory for that, and finds what is
# lost by itself when the host ends.
if [ -e /sys/kernel/debug/kmemleak ]; then
	ktap_skip "no memory is lost" "kmemleak looks for it"
else
	ktap_run "no memory is lost" no_leak
fi
ktap_run "nothing is left after that" nothing_is_left
ktap_run "load and unload 20 times" load_and_unload
rm -rf "$scratch"
ktap_exit
