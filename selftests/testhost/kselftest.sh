# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# The few files of the kernel's source that are used here: the kselftest harness and
# lib.mk, checkpatch, what the ring benchmark compares with.  They come from Debian's
# linux-source package and are kept in the cache, laid out as in the kernel's tree.

KSELFTEST_PATHS=(
	'tools/testing/selftests/lib.mk'
	'tools/testing/selftests/kselftest*'
	'tools/testing/selftests/run_kselftest.sh'
	'tools/scripts/*'
	'scripts/checkpatch.pl'
	'scripts/spelling.txt'
	'scripts/const_structs.checkpatch'
	'scripts/kernel-doc'
	'scripts/subarch.include'
)

# What the ring benchmark compares with, and what that includes.
RINGTEST_PATHS=(
	'drivers/vhost/vringh.c'
	'include/linux'
	'include/uapi/linux'
	'tools/include'
	'tools/virtio'
)

# source_apt KERNEL: apt as it finds the source of 6.1 or 6.12.
source_apt()
{
	case $1 in
	6.1)	apt_machine ;;
	*)	apt_backports ;;
	esac
}

# source_unpack FOLDER WHAT KERNEL PATTERN...: FOLDER appears only when whole.
source_unpack()
{
	local folder=$1 what=$2 source=linux-source-$3 kernel=$3 work
	shift 3

	say "fetching $what from $source"
	work=$(mktemp -d "$CACHE/.source.XXXXXX")
	if ! source_apt "$kernel" ||
	   ! apt_download "$work" "$source${SOURCE_VERSION:+=$SOURCE_VERSION}"; then
		rm -rf "$work"
		return 1
	fi
	mkdir -p "$work/root/include" # checkpatch looks for it
	if ! dpkg-deb --fsys-tarfile "$work"/*.deb |
	     tar -xO "./usr/src/$source.tar.xz" | xz -dc -T0 |
	     tar -x -C "$work/root" --strip-components=1 --wildcards \
		"$@"; then
		say "cannot unpack $source"
		rm -rf "$work"
		return 1
	fi
	mv "$work/root" "$folder"
	rm -rf "$work"
}

# source_prepare FOLDER WHAT KERNEL PATTERN...: unpack parts of the source of Debian's
# kernel 6.1 or 6.12, of SOURCE_VERSION if that is set.  A pattern may also be another of
# tar's options.
source_prepare()
{
	fetch_once "$1" source_unpack "$@"
}

# kselftest_prepare sets KSELFTEST_ROOT, a folder laid out as a kernel tree.
kselftest_prepare()
{
	KSELFTEST_ROOT=$CACHE/linux-source-6.1
	source_prepare "$KSELFTEST_ROOT" "the kselftest harness and checkpatch" 6.1 \
		"${KSELFTEST_PATHS[@]/#/*/}"
}

# ringtest_prepare KERNEL sets RINGTEST_ROOT likewise.
ringtest_prepare()
{
	RINGTEST_ROOT=$CACHE/linux-source-$1-virtio
	source_prepare "$RINGTEST_ROOT" "vringh and tools/virtio" "$1" "${RINGTEST_PATHS[@]/#/*/}"
}
