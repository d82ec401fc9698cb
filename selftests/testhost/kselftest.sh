# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# The few files of the kernel's source that tests and lint use: the kselftest
# harness and lib.mk, checkpatch.  They come from Debian's linux-source package
# and are kept in the cache, laid out as in the kernel's tree.

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

# kselftest_prepare sets KSELFTEST_ROOT, a folder laid out as a kernel tree.
kselftest_prepare()
{
	local source=linux-source-6.1 work lock

	KSELFTEST_ROOT=$CACHE/$source
	[ -d "$KSELFTEST_ROOT" ] && return
	mkdir -p "$CACHE"
	exec {lock}>"$CACHE/lock"
	flock "$lock"
	if [ ! -d "$KSELFTEST_ROOT" ]; then
		say "fetching the kselftest harness and checkpatch from $source"
		work=$(mktemp -d "$CACHE/.source.XXXXXX")
		apt_machine
		if ! apt_download "$work" "$source"; then
			rm -rf "$work"
			return 1
		fi
		mkdir -p "$work/root/include" # checkpatch looks for it
		if ! dpkg-deb --fsys-tarfile "$work"/*.deb |
		     tar -xO "./usr/src/$source.tar.xz" | xz -dc -T0 |
		     tar -x -C "$work/root" --strip-components=1 --wildcards \
			"${KSELFTEST_PATHS[@]/#/*/}"; then
			say "cannot unpack $source"
			rm -rf "$work"
			return 1
		fi
		mv "$work/root" "$KSELFTEST_ROOT"
		rm -rf "$work"
	fi
	exec {lock}>&-
}
