# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Programs for tests, of Debian's packages, kept in the cache and not installed, as that
# would start a server, or take the place of an older version.

# program_fetch FOLDER APT PACKAGE...: unpack packages as the function APT finds them.
program_fetch()
{
	local folder=$1 apt=$2
	shift 2

	say "fetching ${folder##*/}"
	"$apt" && apt_unpack "$folder" "$@"
}

# program_prepare PACKAGE PATH sets PROGRAM, the one at that path in the package.
program_prepare()
{
	PROGRAM=$CACHE/$1/$2
	fetch_once "$CACHE/$1" program_fetch "$CACHE/$1" apt_machine "$1"
}

# qemu_prepare sets QEMU_ROOT, where the QEMU of the backports is.  It finds its libraries
# on the machine.
qemu_prepare()
{
	QEMU_ROOT=$CACHE/qemu-backports
	fetch_once "$QEMU_ROOT" program_fetch "$QEMU_ROOT" apt_backports \
		qemu-system-x86 qemu-system-common qemu-system-data seabios
}
