# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# The test host's initramfs: busybox, the script initramfs-init, and the modules
# that are always loaded.  It is built once for each kernel and version of that
# script, and kept in the cache.

# What reaches the machine's file system; then, what every command may expect where
# the kernel has it.
ROOT_MODULES=(virtio_pci 9pnet_virtio 9p overlay)
HOST_MODULES=(kvm-amd kvm-intel tun)

# Print the files of modules in the order in which they must be inserted.
modules_in_order()
{
	local module needed=

	for module in "$@"; do
		needed+=$(/sbin/modprobe -d "$KERNEL_ROOT" -S "$KERNEL_RELEASE" \
			--show-depends "$module")$'\n' || return 1
	done
	sed -n 's/^insmod \([^ ]*\).*/\1/p' <<<"$needed" | awk '!seen[$0]++'
}

# initramfs_modules FOLDER MODULE...: put modules and what they need into a folder,
# unpacked and numbered in order.
initramfs_modules()
{
	local folder=$1 files file number=10
	shift

	files=$(modules_in_order "$@") || return 1
	mkdir -p "$folder"
	for file in $files; do
		case $file in
		*.xz)	xz -dc "$file" >"$folder/$number-$(basename "$file" .xz)" ;;
		*.zst)	zstd -qdc "$file" >"$folder/$number-$(basename "$file" .zst)" ;;
		*)	cp "$file" "$folder/$number-$(basename "$file")" ;;
		esac
		number=$((number + 1))
	done
}

# Those of HOST_MODULES that the kernel has: debug kernels are without KVM.
host_modules()
{
	local module

	for module in "${HOST_MODULES[@]}"; do
		modules_in_order "$module" >/dev/null 2>&1 && echo "$module"
	done
}

# initramfs_prepare sets INITRAMFS.
initramfs_prepare()
{
	local key work modules=$KERNEL_ROOT/lib/modules/$KERNEL_RELEASE/modules.dep

	# A debug kernel that is built anew has the same release, and other modules.
	key=$({ stat -c '%n %Y' "$modules" &&
		cat "$HERE/initramfs-init" "$HERE/initramfs.sh" "$(command -v busybox)" "$modules"
	      } | sha256sum | cut -c1-16)
	INITRAMFS=$CACHE/initramfs/$KERNEL_RELEASE-$key.cpio
	[ -e "$INITRAMFS" ] && return
	mkdir -p "$CACHE/initramfs"
	work=$(mktemp -d "$CACHE/initramfs/.build.XXXXXX")
	mkdir -p "$work"/root/{bin,dev,proc,sys,lower,upper,results,new}
	initramfs_modules "$work/root/modules/root" "${ROOT_MODULES[@]}" &&
		initramfs_modules "$work/root/modules/host" $(host_modules) || {
		say "kernel $KERNEL_RELEASE lacks one of: ${ROOT_MODULES[*]}"
		rm -rf "$work"
		return 1
	}
	cp "$(command -v busybox)" "$work/root/bin/busybox"
	cp "$HERE/initramfs-init" "$work/root/init"
	chmod +x "$work/root/init"
	(cd "$work/root" && find . | LC_ALL=C sort | cpio -o -H newc --quiet) >"$work/cpio"
	mv "$work/cpio" "$INITRAMFS"
	rm -rf "$work"
}
