# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Judge the kernel's messages.

# What a healthy kernel never says.
CONSOLE_REPORTS='WARNING: (CPU|possible|inconsistent|suspicious|bad unlock|held lock|lock held|Nested lock|.* at )|\
BUG: |BUG at |BUG [^ ]+ \(|kernel BUG |Oops|general protection fault|Kernel panic|\
unregister_netdevice: waiting|INFO: task .* blocked|INFO: rcu.*(stall|detected)|rcu: INFO: .*(stall|detected)|\
rcu_.*detected.*stall|UBSAN:|KASAN:|KFENCE:|KCSAN:|KMSAN:|kmemleak: [0-9]+ new|\
unreferenced object|kmemleak: .*(disabled|stopped)|ODEBUG: |INFO: trying to register non-static key|\
INFO: lockdep is turned off|refcount_t: |list_(add|del) corruption|DEBUG_LOCKS_WARN_ON|workqueue lockup'
CONSOLE_REPORTS=${CONSOLE_REPORTS//\\$'\n'/}

# What init says when the command starts.  A complaint before that is about the
# hardware below the host.
CONSOLE_MARK='testhost: the command starts'

# console_messages FILE...: print what the kernel has said since the command started.
console_messages()
{
	cat "$@" 2>/dev/null |
		awk -v mark="$CONSOLE_MARK" '{ line[NR] = $0 } index($0, mark) { first = NR }
			END { for (i = first + 1; i <= NR; i++) print line[i] }'
}

# console_clock_went_back FILE: print the first message that is over a second older
# than one before it; fails if there is none.
#
# The kernel's clock cannot do that.  It happens when the emulator runs the host
# with what it should apply to a guest only, among it the guest's offset to the
# time stamp counter.
console_clock_went_back()
{
	console_messages "$1" |
		awk -F '[][]' '/^\[ *[0-9]+\.[0-9]+\]/ {
				if ($2 + 1 < latest) { print; found = 1; exit }
				if ($2 > latest) latest = $2
			}
			END { exit !found }'
}

# console_reports FILE...: print an excerpt of what the kernel complained about;
# fails if it did not.
console_reports()
{
	console_messages "$@" | grep -m1 -aE -B2 -A25 -e "$CONSOLE_REPORTS"
}
