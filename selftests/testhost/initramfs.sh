# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# The test host's initramfs: busybox, the script initramfs-init, and only the
# modules that reach the machine's file system.  It is built once for each
# kernel and version of that script, and kept in the cache.

# What must work before the root file system is there.
INITRAMFS_MODULES=(virtio_pci 9pnet_virtio 9p overlay)
# What is loaded as soon as it is there.
HOST_MODULES=(kvm-amd kvm-intel tun)

# Print the files of modules in the order in which they must be inserted.
modules_in_order()
{
	local module

	for module in "$@"; do
		/sbin/modprobe -d "$KERNEL_ROOT" -S "$KERNEL_RELEASE" \
			--show-depends "$module" || return 1
	done | sed -n 's/^insmod \([^ ]*\).*/\1/p' | awk '!seen[$0]++'
}

# initramfs_prepare sets INITRAMFS.
initramfs_prepare()
{
	local key work modules number=10 file

	key=$(cat "$HERE/initramfs-init" "$HERE/initramfs.sh" "$(command -v busybox)" \
		"$KERNEL_ROOT/lib/modules/$KERNEL_RELEASE/modules.dep" | sha256sum | cut -c1-16)
	INITRAMFS=$CACHE/initramfs/$KERNEL_RELEASE-$key.cpio
	[ -e "$INITRAMFS" ] && return
	mkdir -p "$CACHE/initramfs"
	work=$(mktemp -d "$CACHE/initramfs/.build.XXXXXX")
	mkdir -p "$work"/root/{bin,dev,proc,sys,modules,lower,upper,results,new}
	modules=$(modules_in_order "${INITRAMFS_MODULES[@]}") || {
		say "kernel $KERNEL_RELEASE lacks a module of: ${INITRAMFS_MODULES[*]}"
		rm -rf "$work"
		return 1
	}
	for file in $modules; do
		case $file in
		*.xz)	xz -dc "$file" >"$work/root/modules/$number-$(basename "$file" .xz)" ;;
		*.zst)	zstd -qdc "$file" >"$work/root/modules/$number-$(basename "$file" .zst)" ;;
		*)	cp "$file" "$work/root/modules/$number-$(basename "$file")" ;;
		esac
		number=$((number + 1))
	done
	cp "$(command -v busybox)" "$work/root/bin/busybox"
	cp "$HERE/initramfs-init" "$work/root/init"
	chmod +x "$work/root/init"
	(cd "$work/root" && find . | LC_ALL=C sort | cpio -o -H newc --quiet) >"$work/cpio"
	mv "$work/cpio" "$INITRAMFS"
	rm -rf "$work"
}
