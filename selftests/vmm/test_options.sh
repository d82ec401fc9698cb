#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Bad input of vqvmm: one line naming the option, the value and the reason, exit
# status 2, and nothing left behind.

set -u

here=$(dirname "$(readlink -f "$0")")
tree=$(dirname "$(dirname "$here")")
# shellcheck source=../ktap.sh
. "$tree/selftests/ktap.sh"

vqvmm=$tree/build/vqvmm
kernel=$tree/build/guest/vmlinuz
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# What no machine here can give is said before anything is started.
LIMIT=60

head -c 4096 /dev/zero >"$work/zeroes"
head -c 4096 "$kernel" >"$work/cut"
: >"$work/empty"
truncate -s 1G "$work/large"
truncate -s 16M "$work/disk"
truncate -s 1000 "$work/odd"
mkdir "$work/folder"

# Each line: words that the message must contain, separated by spaces, then what
# follows "vqvmm".  KERNEL, WORK and MACHINE stand for what is good.
cases=$(sed 's/#.*//; /^[[:space:]]*$/d' <<-'END'
	frobnicate			| frobnicate
	--frobnicate			| run MACHINE --frobnicate
	--kernel			| run --cpus 1 --memory 256M
	--kernel WORK/nope		| run --kernel WORK/nope --cpus 1 --memory 256M
	--kernel WORK/folder		| run --kernel WORK/folder --cpus 1 --memory 256M
	--kernel WORK/empty		| run --kernel WORK/empty --cpus 1 --memory 256M
	--kernel WORK/zeroes		| run --kernel WORK/zeroes --cpus 1 --memory 256M
	--kernel WORK/cut		| run --kernel WORK/cut --cpus 1 --memory 256M
	--kernel			| run --kernel
	--initrd WORK/nope		| run MACHINE --initrd WORK/nope
	--initrd WORK/large		| run MACHINE --initrd WORK/large
	--cpus 0			| run --kernel KERNEL --memory 256M --cpus 0
	--cpus -1			| run --kernel KERNEL --memory 256M --cpus -1
	--cpus two			| run --kernel KERNEL --memory 256M --cpus two
	--cpus 2x			| run --kernel KERNEL --memory 256M --cpus 2x
	--cpus 100000			| run --kernel KERNEL --memory 256M --cpus 100000
	--memory 0			| run --kernel KERNEL --cpus 1 --memory 0
	--memory 4K			| run --kernel KERNEL --cpus 1 --memory 4K
	--memory lots			| run --kernel KERNEL --cpus 1 --memory lots
	--memory 256Q			| run --kernel KERNEL --cpus 1 --memory 256Q
	--memory 99999999999999999999G	| run --kernel KERNEL --cpus 1 --memory 99999999999999999999G
	--memory 17000000T		| run --kernel KERNEL --cpus 1 --memory 17000000T
	--name ../x			| run MACHINE --name ../x
	--name .x			| run MACHINE --name .x
	--name sixteen-letters-	| run MACHINE --name sixteen-letters-
	stat no-such-machine		| stat no-such-machine
	pause				| pause
	resume a/b			| resume a/b
	stop too-many			| stop a too-many
	list x				| list x
	--disk				| run MACHINE --disk
	--disk path			| run MACHINE --disk backend=user
	--disk path=WORK/nope		| run MACHINE --disk path=WORK/nope
	--disk path=WORK/folder		| run MACHINE --disk path=WORK/folder
	--disk backend=magic		| run MACHINE --disk path=WORK/disk,backend=magic
	--disk frob			| run MACHINE --disk path=WORK/disk,frob=1
	--disk queues=0			| run MACHINE --disk path=WORK/disk,queues=0
	--disk queues=100000		| run MACHINE --disk path=WORK/disk,queues=100000
	--disk queues=many		| run MACHINE --disk path=WORK/disk,queues=many
	--disk readonly=maybe		| run MACHINE --disk path=WORK/disk,readonly=maybe
	--disk packed=maybe		| run MACHINE --disk path=WORK/disk,packed=maybe
	--disk path=FILE		| run MACHINE --disk backend=vhost
	--disk socket=FILE		| run MACHINE --disk backend=vhost-user
	--disk socket=WORK/nope		| run MACHINE --disk path=WORK/disk,socket=WORK/nope
	--disk socket=WORK/nope		| run MACHINE --disk backend=vhost-user,socket=WORK/nope
	--disk socket=WORK/disk listens	| run MACHINE --disk backend=vhost-user,socket=WORK/disk
	--disk path=WORK/disk		| run MACHINE --disk backend=vhost-user,socket=WORK/nope,path=WORK/disk
	--disk serial=x			| run MACHINE --disk backend=vhost-user,socket=WORK/nope,serial=x
	--disk readonly=off		| run MACHINE --disk backend=vhost-user,socket=WORK/nope,readonly=off
	--disk device=/dev/vqhost-blk	| run MACHINE --disk backend=vhost-user,socket=WORK/nope,device=/dev/vqhost-blk
	--disk poll-us			| run MACHINE --disk backend=vhost-user,socket=WORK/nope,poll-us=5
	--net backend=vhost-user	| run MACHINE --net tap=vqt0,backend=vhost-user
	--disk device=/dev/nope		| run MACHINE --disk path=WORK/disk,backend=vhost,device=/dev/nope
	--disk device=/dev/null		| run MACHINE --disk path=WORK/disk,backend=vhost,device=/dev/null
	--net tap			| run MACHINE --net backend=user
	--net tap=a-name-that-is-too-long-for-an-interface | run MACHINE --net tap=a-name-that-is-too-long-for-an-interface
	--net mac=52:54:00		| run MACHINE --net tap=vqt0,mac=52:54:00
	--net mac=zz:54:00:00:00:01	| run MACHINE --net tap=vqt0,mac=zz:54:00:00:00:01
	--net mac=01:00:00:00:00:01	| run MACHINE --net tap=vqt0,mac=01:00:00:00:00:01
	--net backend=magic		| run MACHINE --net tap=vqt0,backend=magic
	--net queues=0			| run MACHINE --net tap=vqt0,queues=0
	--net queues=100000		| run MACHINE --net tap=vqt0,queues=100000
	--net device=/dev/nope		| run MACHINE --net tap=vqt0,backend=vhost,device=/dev/nope
	--net device=/dev/null		| run MACHINE --net tap=vqt0,backend=vhost,device=/dev/null
	--net packed=maybe		| run MACHINE --net tap=vqt0,packed=maybe
	--net rss=maybe			| run MACHINE --net tap=vqt0,rss=maybe
	--net packed=on /dev/vhost-net	| run MACHINE --net tap=vqt0,backend=vhost,device=/dev/vhost-net,packed=on
	--net tap=lo			| run MACHINE --net tap=lo
END
)
cases=${cases//MACHINE/--kernel KERNEL --cpus 1 --memory 256M}
cases=${cases//KERNEL/$kernel}
cases=${cases//WORK/$work}

# What must be the same before and after.
traces()
{
	ip -o link | cut -d: -f2
	pgrep -x vqvmm
	ls /dev/shm
}

# What vqvmm is started by, if anything.
launcher=()

# refused DESCRIPTION "WORDS" ARGUMENT...: vqvmm must refuse, and say these words.
refused()
{
	local description=$1 words=$2 status word problem="" before
	shift 2

	before=$(traces)
	timeout "$LIMIT" "${launcher[@]}" "$vqvmm" "$@" </dev/null >"$work/out" 2>"$work/err"
	status=$?
	[ "$status" -eq 2 ] || problem+="# exit status $status, not 2"$'\n'
	[ "$(wc -l <"$work/err")" -eq 1 ] || problem+="# not one line of error"$'\n'
	grep -q '^vqvmm: ' "$work/err" || problem+="# does not begin with vqvmm:"$'\n'
	for word in $words; do
		grep -qF -e "$word" "$work/err" || problem+="# does not name $word"$'\n'
	done
	[ ! -s "$work/out" ] || problem+="# something on standard output"$'\n'
	[ "$(traces)" = "$before" ] || problem+="# something was left behind"$'\n'
	if [ -n "$problem" ]; then
		printf '%s' "$problem"
		sed 's/^/# | /' "$work/err" | head -n 5
		ktap_ok 1 "$description"
	else
		ktap_ok 0 "$description"
	fi
}

# A tap that someone else holds: opened, and kept until standard input ends.
hold_tap()
{
	python3 -c '
import fcntl, os, struct, sys
fd = os.open("/dev/net/tun", os.O_RDWR)
fcntl.ioctl(fd, 0x400454CA, struct.pack("16sH22x", sys.argv[1].encode(), 0x5002))
print("held", flush=True)
sys.stdin.read()' "$1"
}

modprobe -a tun vhost_net
ip tuntap add dev vqt0 mode tap vnet_hdr
ktap_plan $(($(wc -l <<<"$cases") + 5))

while IFS='|' read -r words arguments; do
	# shellcheck disable=SC2086 # words are separated by spaces on purpose
	refused "refused:${arguments//"$work"/DIR}" "$words" $arguments
done <<<"$cases"

machine=(--kernel "$kernel" --cpus 1 --memory 256M)

launcher=(setpriv --bounding-set -bpf,-sys_admin)
refused "refused: rss without the right to load a BPF program" "--net rss=on BPF" \
	run "${machine[@]}" --net tap=vqt0,rss=on
launcher=()

coproc HOLDER { hold_tap vqt0; }
read -r -u "${HOLDER[0]}" _
refused "refused: a tap that is busy" "--net tap=vqt0" run "${machine[@]}" --net tap=vqt0
eval "exec ${HOLDER[1]}>&-"
wait "$HOLDER_PID"

"$tree/selftests/testhost/modules" unload
refused "refused: the module of the disk is not loaded" "--disk /dev/vqhost-blk" \
	run "${machine[@]}" --disk "path=$work/disk,backend=vhost"
refused "refused: the module of the net is not loaded" "--net /dev/vqhost-net" \
	run "${machine[@]}" --net tap=vqt0,backend=vhost
"$tree/selftests/testhost/modules" load

"$vqvmm" run --help >"$work/out" 2>&1
status=$?
[ "$status" -eq 0 ] && grep -q -e --kernel "$work/out"
ktap_ok $? "--help names the options and succeeds"

ip link del vqt0
ktap_exit
