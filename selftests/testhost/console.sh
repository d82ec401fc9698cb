# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Judge the kernel's messages.

# What a healthy kernel never says.
CONSOLE_REPORTS='WARNING: (CPU|possible|inconsistent|suspicious|bad unlock|held lock|lock held|Nested lock|.* at )|\
BUG: |BUG at |kernel BUG |Oops|general protection fault|Kernel panic|\
unregister_netdevice: waiting|INFO: task .* blocked|INFO: rcu.*(stall|detected)|rcu: INFO: .*(stall|detected)|\
rcu_.*detected.*stall|UBSAN:|KASAN:|KFENCE:|KCSAN:|KMSAN:|kmemleak: [0-9]+ new|\
unreferenced object|refcount_t: |list_(add|del) corruption|DEBUG_LOCKS_WARN_ON|workqueue lockup'
CONSOLE_REPORTS=${CONSOLE_REPORTS//\\$'\n'/}

# console_reports FILE...: print an excerpt of what the kernel complained about;
# fails if it did not.
console_reports()
{
	cat "$@" 2>/dev/null | grep -m1 -aE -B2 -A25 -e "$CONSOLE_REPORTS"
}
