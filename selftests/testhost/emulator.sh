# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Which QEMU emulates the host.
#
# In a host that Debian 12's QEMU 7.2 emulates about one guest in seven ends in a
# triple fault while it boots beside others, whoever serves its devices, and the
# host itself crashes now and then.  QEMU 10 emulates virtualization rightly.  It
# comes from bookworm-backports and runs from the cache, with the libraries of the
# QEMU that is installed.

EMULATOR_MAJOR=10

# The first number of a QEMU's version.
emulator_major()
{
	"$@" --version 2>/dev/null | sed -nE '1s/.*version ([0-9]+)\..*/\1/p'
}

emulator_fetch()
{
	local into=$1 version

	apt_backports || return
	version=$(apt_candidate qemu-system-x86)
	[ -n "$version" ] || { say "bookworm-backports has no qemu-system-x86"; return 1; }
	say "fetching QEMU $version"
	apt_unpack "$into" "qemu-system-x86=$version" "qemu-system-data=$version" \
		"qemu-system-common=$version" seabios
}

# emulator_prepare sets EMULATOR, the command.
emulator_prepare()
{
	local root=$CACHE/qemu/$EMULATOR_MAJOR major lock

	EMULATOR=(qemu-system-x86_64)
	major=$(emulator_major "${EMULATOR[@]}")
	[ "${major:-0}" -lt "$EMULATOR_MAJOR" ] || return 0

	exec {lock}>"$CACHE/lock"
	flock "$lock"
	[ -d "$root" ] || emulator_fetch "$root"
	exec {lock}>&-
	local newer=("$root/usr/bin/qemu-system-x86_64" -L "$root/usr/share/qemu"
		     -L "$root/usr/share/seabios")
	if [ -z "$(emulator_major "${newer[@]}")" ]; then
		say "emulating with QEMU ${major:-?} instead of $EMULATOR_MAJOR: guests may crash now and then"
		return
	fi
	EMULATOR=("${newer[@]}")
}
