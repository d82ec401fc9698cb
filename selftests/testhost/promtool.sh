# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# promtool, with which the metrics of vqtop are checked: of Debian's package prometheus,
# kept in the cache and not installed, as that would start a server.

# promtool_prepare sets PROMTOOL, the program.
promtool_prepare()
{
	local root=$CACHE/prometheus lock

	PROMTOOL=$root/usr/bin/promtool
	[ -x "$PROMTOOL" ] && return
	mkdir -p "$CACHE"
	exec {lock}>"$CACHE/lock"
	flock "$lock"
	if [ ! -x "$PROMTOOL" ]; then
		say "fetching promtool"
		apt_machine
		apt_unpack "$root" prometheus || { exec {lock}>&-; return 1; }
	fi
	exec {lock}>&-
}
