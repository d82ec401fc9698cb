# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Which QEMU emulates the host.
#
# QEMU before version 11 loses interrupts of a processor that runs guests: it sets
# the flag that one is pending, and those for the guest beside it, without a lock.
# Then a guest, or the host itself, stands still.  With QEMU 7.2 of Debian 12 one
# guest in seven ended in a triple fault, too.  Version 11 still loses a guest now
# and then, see docs/testing.md.  It comes from the backports for Debian 13 and runs
# from the cache, with the libraries that it needs, the C library among them.

EMULATOR_MAJOR=11
EMULATOR_SUITE=trixie

# The first number of a QEMU's version.
emulator_major()
{
	"$@" --version 2>/dev/null | sed -nE '1s/.*version ([0-9]+)\..*/\1/p'
}

emulator_fetch()
{
	apt_elsewhere "$EMULATOR_SUITE" "$EMULATOR_SUITE-backports" || return
	say "fetching QEMU $(apt_candidate qemu-system-x86) and its libraries"
	apt_unpack_whole "$1" qemu-system-x86
}

# emulator_in ROOT sets EMULATOR, the QEMU unpacked there.
emulator_in()
{
	local libraries=$1/usr/lib/x86_64-linux-gnu

	EMULATOR=(env "QEMU_MODULE_DIR=$libraries/qemu"
		  "$libraries/ld-linux-x86-64.so.2" --library-path "$libraries"
		  "$1/usr/bin/qemu-system-x86_64" -L "$1/usr/share/qemu" -L "$1/usr/share/seabios")
}

# emulator_prepare sets EMULATOR, the command.
emulator_prepare()
{
	local root=$CACHE/qemu/$EMULATOR_MAJOR major

	EMULATOR=(qemu-system-x86_64)
	major=$(emulator_major "${EMULATOR[@]}")
	[ "${major:-0}" -lt "$EMULATOR_MAJOR" ] || return 0

	fetch_once "$root" emulator_fetch "$root"
	emulator_in "$root"
	if [ -z "$(emulator_major "${EMULATOR[@]}")" ]; then
		say "emulating with QEMU ${major:-?} instead of $EMULATOR_MAJOR: guests may be lost now and then"
		EMULATOR=(qemu-system-x86_64)
	fi
}
