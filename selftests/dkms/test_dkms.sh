#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# DKMS builds and installs the modules in a fresh Debian, for the kernel at hand and for
# one that comes later; they load; nothing is left of them when they are removed.  What
# "make install" puts there runs as well.
#
# The Debian is a root in the cache, seen through an overlay.  The kernels and headers
# are those of the test host, at the paths that they have here.

set -u

if [ "${1-}" != --inside ]; then
	exec unshare -m --propagation private "$0" --inside
fi

cd "$(dirname "$(readlink -f "$0")")/../.." || exit 1
. selftests/ktap.sh

tree=$PWD
testhost=$tree/selftests/testhost/testhost
debian=$("$testhost" debian-root) || exit 1
built=$tree/build/dkms
work=$(mktemp -d)
root=$work/root
# The mounts end with the namespace, but the folder is to be empty before.
trap 'umount -R "$root"; rm -rf "$work"' EXIT

declare -A headers folder release
for kernel in 6.1 6.12; do
	headers[$kernel]=$("$testhost" headers "$kernel") || exit 1
	folder[$kernel]=$("$testhost" kernel "$kernel") || exit 1
	release[$kernel]=$(basename "${folder[$kernel]}")
done

# show PATH...: files of this machine, at their own paths in the root.
show()
{
	local path

	for path; do
		mkdir -p "$root$path"
		mount --bind "$path" "$root$path" && mount -o remount,bind,ro "$root$path" || return
	done
}

# A kernel and its headers, as their packages would have installed them.
add_kernel()
{
	local release=${release[$1]} modules=$root/lib/modules/${release[$1]}

	mkdir -p "$modules"
	ln -s "${folder[$1]}/lib/modules/$release/kernel" "$modules/kernel"
	ln -s "${headers[$1]}" "$modules/build"
	cp "${folder[$1]}/lib/modules/$release"/modules.{order,builtin,builtin.modinfo} "$modules"
	in_root depmod "$release"
}

make_root()
{
	mkdir "$work/upper" "$work/work" "$root"
	mount -t overlay -o "lowerdir=$debian,upperdir=$work/upper,workdir=$work/work" overlay "$root" &&
		mount -t proc proc "$root/proc" && mount --bind /dev "$root/dev" || return
	show "$tree" "${folder[6.1]}" "${folder[6.12]}" /usr/src/linux-headers-6.1* /usr/lib/linux-kbuild-6.1
}

in_root()
{
	env -i PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C chroot "$root" "$@"
}

# What is in the root, but for DKMS's key, which it makes once and keeps, and for traces
# of Python and the dynamic linker.
describe()
{
	find "$root" -xdev \( -path "$root/tmp" -o -path "$root/var/tmp" \) -prune -o \
		\( -path "$root/var/lib/dkms/mok.*" -o -path "$root/var/log/*" \) -o \
		-printf '%P %y %m %l\n' | sort
	(cd "$root" && find lib/modules usr/src etc -xdev -type f -print0 | sort -z | xargs -0r sha256sum)
}

in_tree()
{
	in_root make -s -C "$tree" "$@"
}

installed()
{
	local status

	status=$(in_root dkms status vqhost -k "${release[$1]}")
	grep -q ': installed$' <<<"$status" || { echo "dkms status: $status"; return 1; }
}

# Modules are those of their kernel, signed with DKMS's key, and modprobe finds them.
modules_are_good()
{
	local release=${release[$1]} module file found

	for module in vqhost vqhost_net vqhost_blk; do
		file=$(in_root modprobe -S "$release" --show-depends "$module" | sed -n 's/^insmod //p' | tail -n1)
		file=${file% }
		[[ $file == /lib/modules/$release/updates/dkms/$module.ko* ]] || { echo "$module: $file"; return 1; }
		found=$(in_root modinfo -F vermagic "$file")
		[[ $found == "$release "* ]] || { echo "$module: for kernel $found"; return 1; }
		found=$(in_root modinfo -F signer "$file")
		[[ $found == *"DKMS"* ]] || { echo "$module: signed by $found"; return 1; }
	done
}

# In the test host, from where it can see them.
modules_load()
{
	local release=${release[$1]}

	rm -rf "$built"
	mkdir -p "$built"
	cp "$root/lib/modules/$release"/updates/dkms/* "$built" || return
	"$testhost" run --kernel "$1" -- bash -ec "
		modprobe -a vhost_iotlb tun tap
		for module in vqhost vqhost_net vqhost_blk; do insmod $built/\$module.ko*; done
		test -c /dev/vqhost-net
		test -c /dev/vqhost-blk
		rmmod vqhost_blk vqhost_net vqhost"
}

gone()
{
	diff "$work/before" <(describe)
}

runs()
{
	local program

	for program in vqvmm vqtop; do
		in_root "$program" version && in_root "$program" help >/dev/null || return
	done
}

ktap_plan 14
ktap_run "a fresh Debian" make_root
ktap_run "kernel 6.1 is installed" add_kernel 6.1
describe >"$work/before"
ktap_run "make dkms-install" in_tree dkms-install KDIR="/lib/modules/${release[6.1]}/build"
ktap_run "DKMS has installed the modules for kernel 6.1" installed 6.1
ktap_run "modules for kernel 6.1 are good" modules_are_good 6.1
ktap_run "modules for kernel 6.1 load" modules_load 6.1
add_kernel 6.12
ktap_run "kernel 6.12 comes, DKMS's hook is run" in_root /etc/kernel/postinst.d/dkms "${release[6.12]}"
ktap_run "DKMS has installed the modules for kernel 6.12" installed 6.12
ktap_run "modules for kernel 6.12 are good" modules_are_good 6.12
ktap_run "modules for kernel 6.12 load" modules_load 6.12
ktap_run "make dkms-uninstall" in_tree dkms-uninstall
rm -r "$root/lib/modules/${release[6.12]}"
ktap_run "nothing is left but DKMS's key" gone

make -s install-userland DESTDIR="$root"
ktap_run "the programs run in a fresh Debian" runs
make -s uninstall DESTDIR="$root"
ktap_run "nothing is left of them" gone
ktap_exit
