# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Programs for tests, of Debian's packages, kept in the cache and not installed, as that
# would start a server.

# program_prepare PACKAGE PATH sets PROGRAM, the one at that path in the package.
program_prepare()
{
	local root=$CACHE/$1 lock

	PROGRAM=$root/$2
	[ -x "$PROGRAM" ] && return
	mkdir -p "$CACHE"
	exec {lock}>"$CACHE/lock"
	flock "$lock"
	if [ ! -x "$PROGRAM" ]; then
		say "fetching ${2##*/}"
		apt_machine
		apt_unpack "$root" "$1" || { exec {lock}>&-; return 1; }
	fi
	exec {lock}>&-
}
