# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Find or fetch the kernel that the test host boots.
#
# kernel_prepare NAME sets
#   KERNEL_RELEASE   what uname -r will say
#   KERNEL_IMAGE     the bzImage, or vmlinux
#   KERNEL_ROOT      the folder that holds lib/modules/$KERNEL_RELEASE
#   KERNEL_BOOT      what QEMU is given: KERNEL_IMAGE, or the same unpacked
# Kernels are Debian's packages, unpacked into the cache, never installed; those of
# debug-kernel.sh are built from Debian's source.

KERNEL_CACHE=$CACHE/kernel
KERNEL_NAMES="6.1, 6.12, 6.1-kasan, 6.1-kcsan, 6.12-kasan, 6.12-kcsan"

# The release of the kernel that modules are built for by default.
headers_release()
{
	local dir

	dir=$(find /usr/src -maxdepth 1 -name 'linux-headers-*-amd64' ! -name '*-cloud-*' ! -name '*-rt-*' |
	      sort -V | tail -n1)
	[ -n "$dir" ] && basename "${dir#*linux-headers-}"
}

# Kernel 6.1: the machine's own suite, the version that its headers have.
kernel_fetch_6_1()
{
	local release version=

	if ! release=$(headers_release); then
		say "no kernel headers in /usr/src: run selftests/testhost/setup"
		return 1
	fi
	KERNEL_RELEASE=$release
	KERNEL_ROOT=$KERNEL_CACHE/$release
	[ -d "$KERNEL_ROOT" ] && return
	apt_machine
	version=$(dpkg-query -W -f '${Version}' "linux-headers-$release" 2>/dev/null) || version=
	say "fetching kernel $release"
	apt_unpack "$KERNEL_ROOT" "linux-image-$release${version:+=$version}"
}

# Kernel 6.12: bookworm-backports, image and headers in one folder.
kernel_fetch_6_12()
{
	local newest image release version base

	newest=$(find "$KERNEL_CACHE" -maxdepth 1 -name '6.12*-amd64' 2>/dev/null | sort -V | tail -n1)
	if [ -z "$newest" ]; then
		apt_backports || return 1
		image=$(apt_newest linux-image-6.12 'linux-image-6\.12\.[0-9]+\+(deb[0-9]+|bpo)-amd64(-unsigned)?')
		[ -n "$image" ] || { say "bookworm-backports has no linux-image-6.12"; return 1; }
		release=${image#linux-image-}
		release=${release%-unsigned}
		version=$(apt_candidate "$image")
		base=${release%-amd64}
		newest=$KERNEL_CACHE/$release
		say "fetching kernel $release and its headers"
		apt_unpack "$newest" "$image=$version" "linux-headers-$release=$version" \
			"linux-headers-$base-common=$version" "linux-kbuild-$base=$version" || return 1
		# The headers refer to each other by where they would be installed.
		sed -i "s|/usr/src/|$newest/usr/src/|" "$newest/usr/src/linux-headers-$release/Makefile"
	fi
	KERNEL_ROOT=$newest
	KERNEL_RELEASE=${newest##*/}
}

# kernel_headers: print the folder to give as KDIR for the prepared kernel.
kernel_headers()
{
	local dir=$KERNEL_ROOT/usr/src/linux-headers-$KERNEL_RELEASE

	[ -d "$dir" ] || dir=$KERNEL_ROOT/build
	[ -d "$dir" ] || dir=/usr/src/linux-headers-$KERNEL_RELEASE
	if [ ! -d "$dir" ]; then
		say "no headers for kernel $KERNEL_RELEASE"
		return 1
	fi
	echo "$dir"
}

# A folder of one's own: boot/vmlinuz-RELEASE and lib/modules/RELEASE, or a
# bzImage with its modules in ../lib/modules or /lib/modules.
kernel_use_path()
{
	local path=$1 image root

	image=$path
	if [ -d "$path" ]; then
		image=$(find "$path/boot" -maxdepth 1 -name 'vmlinuz-*' 2>/dev/null | sort -V | tail -n1)
		[ -n "$image" ] || usage_error "--kernel $path: no boot/vmlinuz-* in this folder"
	fi
	[ -r "$image" ] || usage_error "--kernel $path: no such kernel name, file or folder"
	KERNEL_IMAGE=$(readlink -f "$image")
	KERNEL_RELEASE=$(kernel_image_release "$KERNEL_IMAGE") ||
		usage_error "--kernel $path: not a bzImage"
	for root in "$(dirname "$(dirname "$KERNEL_IMAGE")")" "$(dirname "$KERNEL_IMAGE")" /; do
		KERNEL_ROOT=$root
		[ -d "$root/lib/modules/$KERNEL_RELEASE" ] && return
	done
	usage_error "--kernel $path: no lib/modules/$KERNEL_RELEASE beside it"
}

# The release a bzImage says it is: the setup header points to the string.
kernel_image_release()
{
	local offset

	[ "$(dd if="$1" bs=1 skip=514 count=4 status=none | tr -d '\0')" = HdrS ] || return 1
	offset=$(od -An -tu2 -j 526 -N 2 "$1")
	dd if="$1" bs=1 skip=$((offset + 512)) count=128 status=none |
		tr '\0' '\n' | head -n1 | cut -d' ' -f1
}

# Unpacking itself takes an emulated processor longer than all the rest of the
# boot, so that is done here, once, for kernels that can start unpacked (PVH).
kernel_unpack()
{
	local image=$KERNEL_IMAGE sectors offset length unpacked

	KERNEL_BOOT=$KERNEL_IMAGE
	unpacked=$CACHE/vmlinux/$KERNEL_RELEASE-$(stat -c '%s-%Y' "$image")
	if [ ! -e "$unpacked" ]; then
		grep -qsx CONFIG_PVH=y "${image%/*}/config-$KERNEL_RELEASE" || return 0
		mkdir -p "$CACHE/vmlinux"
		# Boot protocol: setup_sects, payload_offset, payload_length.
		sectors=$(od -An -tu1 -j $((0x1f1)) -N 1 "$image")
		offset=$(od -An -tu4 -j $((0x248)) -N 4 "$image")
		length=$(od -An -tu4 -j $((0x24c)) -N 4 "$image")
		# The last four bytes are the unpacked size.
		tail -c +$(((sectors + 1) * 512 + offset + 1)) "$image" |
			head -c $((length - 4)) >"$unpacked.packed"
		{ xz -dc "$unpacked.packed" || zstd -dc "$unpacked.packed" ||
		  gzip -dc "$unpacked.packed"; } >"$unpacked.part" 2>/dev/null &&
			mv "$unpacked.part" "$unpacked"
		rm -f "$unpacked.packed" "$unpacked.part"
		[ -e "$unpacked" ] || return 0
	fi
	KERNEL_BOOT=$unpacked
}

kernel_prepare()
{
	local fetched=1 lock

	case $1 in
	debug)				debug_kernel_fetch 6.1 kasan; return ;;
	kasan|kcsan)			debug_kernel_fetch 6.1 "$1"; return ;;
	6.1-k[ac]san|6.12-k[ac]san)	debug_kernel_fetch "${1%-*}" "${1#*-}"; return ;;
	esac
	mkdir -p "$KERNEL_CACHE"
	exec {lock}>"$CACHE/lock"
	flock "$lock"
	case $1 in
	6.1)	kernel_fetch_6_1 || fetched= ;;
	6.12)	kernel_fetch_6_12 || fetched= ;;
	*)	kernel_use_path "$1"
		kernel_unpack
		exec {lock}>&-
		return ;;
	esac
	[ -n "$fetched" ] || { exec {lock}>&-; return 1; }
	KERNEL_IMAGE=$KERNEL_ROOT/boot/vmlinuz-$KERNEL_RELEASE
	[ -e "$KERNEL_ROOT/lib/modules/$KERNEL_RELEASE/modules.dep" ] ||
		/sbin/depmod -b "$KERNEL_ROOT" "$KERNEL_RELEASE"
	kernel_unpack
	exec {lock}>&-
}
