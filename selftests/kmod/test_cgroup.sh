#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Queue threads belong to their owner: their CPU time is charged to its control group,
# and they start on its CPUs, at its nice value.
#
# A version 1 hierarchy is made for cpuacct, a version 2 one is there or made.  On a kernel
# whose threads are kernel threads, those of version 2 are moved by hand, as
# docs/uapi.md says.

cd "$(dirname "$(readlink -f "$0")")" || exit 1
. ../ktap.sh

load=${LOAD:-../../build/selftests/kmod/load}
scratch=$(mktemp -d)

# wait_for COMMAND...: until it succeeds, 20 s at most.
wait_for()
{
	local end=$((SECONDS + 20))

	until "$@"; do
		[ "$SECONDS" -lt "$end" ] || return 1
		sleep 0.05
	done
}

# start_load DEVICE [COMMAND...]: an owner in the current group, run by that command.
start_load()
{
	local device=$1

	shift
	: >"$scratch/ready"
	"$@" "$load" "$device" >"$scratch/ready" 2>"$scratch/error" &
	owner=$!
	wait_for grep -q ready "$scratch/ready" || { cat "$scratch/error"; return 1; }
}

kill_owner()
{
	kill -KILL "$owner"
	wait "$owner" 2>/dev/null
	return 0
}

# Folders in /proc of the owner's queue threads: its own, or the kernel's in its name.
queue_threads()
{
	{
		grep -ls '^vqhost-' /proc/"$owner"/task/*/comm
		grep -ls "^vqhost-.*-$owner/" /proc/[0-9]*/comm
	} | sed 's|/comm$||'
}

are_kernel_threads()
{
	! grep -qs '^vqhost-' /proc/"$owner"/task/*/comm
}

# busy_ns FOLDER...: CPU time of tasks.
busy_ns()
{
	local task sum=0

	for task; do
		sum=$((sum + $(cut -d' ' -f1 "$task/schedstat")))
	done
	echo "$sum"
}

usage_v1()
{
	cat "$1/cpuacct.usage"
}

usage_v2()
{
	awk '$1 == "usage_usec" { print $2 "000" }' "$1/cpu.stat"
}

# is_charged USAGE GROUP: all that the threads spend is spent by the group, beside what the
# owner itself does.  Its usage is read last, so it covers the time of both.
is_charged()
{
	local before after own threads group tolerance
	local -a folders

	mapfile -t folders < <(queue_threads)
	[ "${#folders[@]}" -ge 2 ] || { echo "${#folders[@]} threads"; return 1; }
	before=$("$1" "$2")
	own=$(busy_ns "/proc/$owner/task/$owner")
	threads=$(busy_ns "${folders[@]}")
	sleep 2
	threads=$(($(busy_ns "${folders[@]}") - threads))
	own=$(($(busy_ns "/proc/$owner/task/$owner") - own))
	after=$("$1" "$2")
	group=$((after - before))
	echo "group $group ns, owner $own ns, its threads $threads ns"
	[ "$threads" -gt 20000000 ] || { echo "the threads had nothing to do"; return 1; }
	# Far less than the threads' share: what a tick rounds.
	tolerance=$((threads / 4))
	[ "$group" -ge $((own + threads - tolerance)) ]
}

# charged VERSION DEVICE: in a group of a hierarchy of that version.
charged()
{
	local version=$1 device=$2 top=$scratch/hierarchy status=0 folder

	if [ "$version" = 1 ]; then
		mount -t cgroup -o cpuacct none "$top" || return 1
	else
		mount -t cgroup2 none "$top" || return 1
	fi
	mkdir "$top/owner"
	echo $BASHPID >"$top/owner/cgroup.procs"
	start_load "$device" || status=1
	if [ "$version" = 2 ] && are_kernel_threads; then
		for folder in $(queue_threads); do
			echo "${folder#/proc/}" >"$top/owner/cgroup.procs" || status=1
		done
	fi
	[ "$status" -ne 0 ] || is_charged "usage_v$version" "$top/owner" || status=1
	kill_owner
	echo $BASHPID >"$top/cgroup.procs"
	wait_for rmdir "$top/owner" || status=1
	umount "$top" || status=1
	return "$status"
}

# Not those of CPU 0 and nice 0, as a thread of nobody would have.
follows_owner()
{
	local folder cpus nice status=0

	start_load "$1" nice -n 7 taskset -c 1 || return 1
	[ "$(queue_threads | wc -l)" -ge 2 ] || { echo "no threads"; status=1; }
	for folder in $(queue_threads); do
		cpus=$(sed -n 's/^Cpus_allowed_list:\s*//p' "$folder/status")
		nice=$(sed 's/.*) //' "$folder/stat" | cut -d' ' -f17)
		[ "$cpus" = 1 ] && [ "$nice" = 7 ] || { echo "$folder: CPUs $cpus, nice $nice"; status=1; }
	done
	kill_owner
	return "$status"
}

ktap_plan 6
mkdir "$scratch/hierarchy"
for device in vqhost-net vqhost-blk; do
	ktap_run "$device: charged to the owner's group, version 1" charged 1 "$device"
	ktap_run "$device: charged to the owner's group, version 2" charged 2 "$device"
	ktap_run "$device: CPUs and nice value of the owner" follows_owner "$device"
done
rm -f "$scratch"/{ready,error}
rmdir "$scratch"/hierarchy "$scratch"
ktap_exit
