#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Who may open the devices: root, as the kernel makes them; the group kvm as well, once
# udev goes by the rule that is installed.

cd "$(dirname "$(readlink -f "$0")")/../.." || exit 1
. selftests/ktap.sh

udevadm=$(readlink -f build/selftests/kmod/udevadm)
rules=/usr/local/lib/udev/rules.d
log=$(mktemp)

# Files of the devices: mode, owner, group.
devices()
{
	stat -c '%n %a %U %G' /dev/vqhost-net /dev/vqhost-blk
}

# devices_are MODE GROUP
devices_are()
{
	ktap_equal "$(devices)" "/dev/vqhost-net $1 root $2"$'\n'"/dev/vqhost-blk $1 root $2" "$3"
}

reload()
{
	selftests/testhost/modules unload && selftests/testhost/modules load
}

# udevd, which is udevadm by another name.
start_udevd()
{
	(export SYSTEMD_LOG_TARGET=console; exec -a systemd-udevd "$udevadm" >"$log" 2>&1) &
	udevd=$!
	for _ in {1..100}; do
		"$udevadm" control --ping 2>/dev/null && return
		sleep 0.1
	done
	cat "$log"
	return 1
}

ktap_plan 5
reload
devices_are 600 root "made by the kernel, the devices are for root alone"

getent group kvm >/dev/null || groupadd --system kvm
install -D -m 644 -t "$rules" packaging/60-vqhost.rules
start_udevd
ktap_ok $? "udevd runs"
reload && "$udevadm" settle
ktap_ok $? "the modules are loaded again"
devices_are 660 kvm "by the rule they are for the group kvm"
ktap_equal "$(grep 60-vqhost "$log")" "" "udevd has nothing to say about the rule"

kill "$udevd"
wait "$udevd"
rm "$log" "$rules/60-vqhost.rules"
reload
ktap_exit
