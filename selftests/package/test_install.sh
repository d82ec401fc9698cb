#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# What "make install" puts where, that it works there, and that "make uninstall" takes
# all of it away, in a root with the kernels of the test host.

set -u

cd "$(dirname "$(readlink -f "$0")")/../.." || exit 1
. selftests/ktap.sh

testhost=selftests/testhost/testhost
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

KERNELS=(6.1 6.12)
OURS=(vqhost vqhost_blk vqhost_net)

declare -A headers release
kernels=()
for kernel in "${KERNELS[@]}"; do
	headers[$kernel]=$("$testhost" headers "$kernel") || exit 1
	folder=$("$testhost" kernel "$kernel") || exit 1
	release[$kernel]=$(basename "$folder")
	kernels+=("$folder/lib/modules/${release[$kernel]}")
done

# make_root FOLDER: what a system has before anything is installed by hand, and kernels.
make_root()
{
	local modules

	mkdir -p "$1"/usr/{,local/}{bin,include,lib,share/man}
	for modules in "${kernels[@]}"; do
		mkdir -p "$1/lib/modules/${modules##*/}"
		ln -s "$modules/kernel" "$1/lib/modules/${modules##*/}"
		cp "$modules"/modules.{order,builtin,builtin.modinfo} "$1/lib/modules/${modules##*/}"
		/sbin/depmod -b "$1" "${modules##*/}" || return
	done
}

# Names, modes, links and contents of everything in a folder.
describe()
{
	(cd "$1" && find . -printf '%P %y %m %l\n' | sort &&
		find . -type f -print0 | sort -z | xargs -0r sha256sum)
}

# Files in a folder beside those that depmod writes.  Kernels may want modules packed.
files()
{
	(cd "$1" && find . ! -type d ! -path './lib/modules/*/modules.*' ! -path './lib/modules/*/kernel' \
		-printf '%P %m %l\n' | sed 's/ $//; s/\.ko\.xz /.ko /' | sort)
}

# install_for KERNELS VARIABLE...
install_for()
{
	local kernel kernels=$1
	shift

	for kernel in $kernels; do
		make -s -j"$(nproc)" install KDIR="${headers[$kernel]}" "$@" || return
	done
}

# expected KERNELS PREFIX: what files() must say.
expected()
{
	local kernel module

	{
		for kernel in $1; do
			for module in "${OURS[@]}"; do
				echo "lib/modules/${release[$kernel]}/updates/vqhost/$module.ko 644"
			done
		done
		sed "s|^|$2/|" <<-END
		bin/vqhost-bridge 755
		bin/vqtop 755
		bin/vqvmm 755
		include/linux/vqhost.h 644
		lib/modules-load.d/vqhost.conf 644
		lib/systemd/system/vqhost-bridge@.service 644
		lib/udev/rules.d/60-vqhost.rules 644
		share/bash-completion/completions/vqhost-bridge 644
		share/bash-completion/completions/vqtop 644
		share/bash-completion/completions/vqvmm 644
		share/man/man1/vqhost-bridge.1 644
		share/man/man1/vqtop.1 644
		share/man/man1/vqvmm.1 644
		share/man/man4/vqhost-blk.4 777 vqhost.4
		share/man/man4/vqhost-net.4 777 vqhost.4
		share/man/man4/vqhost.4 644
		share/qemu/vhost-user/50-vqhost-bridge.json 644
		END
	} | sort
}

# Our files in the order in which modprobe would load them.
load_order()
{
	/sbin/modprobe -d "$work/root" -S "$1" --show-depends "$2" |
		sed -n 's|^insmod .*/updates/vqhost/\(.*\)\.ko.*|\1|p'
}

modules_resolve()
{
	local kernel module

	for kernel in "${KERNELS[@]}"; do
		for module in vqhost_blk vqhost_net; do
			[ "$(load_order "${release[$kernel]}" "$module")" = "vqhost"$'\n'"$module" ] || {
				echo "$module of kernel $kernel: $(load_order "${release[$kernel]}" "$module")"
				return 1
			}
		done
	done
}

modules_are_of_their_kernel()
{
	local kernel module

	for kernel in "${KERNELS[@]}"; do
		for module in "$work/root/lib/modules/${release[$kernel]}"/updates/vqhost/*.ko*; do
			/sbin/modinfo -F vermagic "$module" | grep -qF "${release[$kernel]} " || {
				echo "$module: $(/sbin/modinfo -F vermagic "$module")"
				return 1
			}
		done
	done
}

# Each line of a modules-load.d file names a module.
loaded_at_boot()
{
	[ "$(grep -v '^#' "$1")" = $'vqhost_net\nvqhost_blk' ]
}

# systemd knows all that the unit says, and finds the program where it is built.
unit_is_valid()
{
	local remarks

	sed "s|@BINDIR@|$PWD/build|" packaging/vqhost-bridge@.service.in >"$work/vqhost-bridge@.service"
	remarks=$(systemd-analyze verify --man=no "$work/vqhost-bridge@.service" 2>&1)
	[ -z "$remarks" ] || { echo "$remarks"; return 1; }
}

gone()
{
	diff "$work/before" <(describe "$work/root")
}

# What DKMS needs to know, by the names that are built.
dkms_names()
{
	local BUILT_MODULE_NAME=() BUILD_EXCLUSIVE_KERNEL=
	local kernel_source_dir='' dkms_tree='' kernel name

	. "$work/root/usr/src/vqhost-$version/dkms.conf" || return
	name=$(printf '%s\n' "${BUILT_MODULE_NAME[@]}" | sort)
	[ "$name" = "$(printf '%s\n' "${OURS[@]}")" ] || { echo "modules: $name"; return 1; }
	for kernel in "${KERNELS[@]}"; do
		[[ ${release[$kernel]} =~ $BUILD_EXCLUSIVE_KERNEL ]] || { echo "refuses $kernel"; return 1; }
	done
	[[ ! 5.10.0-44-amd64 =~ $BUILD_EXCLUSIVE_KERNEL && ! 6.13.1-amd64 =~ $BUILD_EXCLUSIVE_KERNEL ]]
}

dkms_sources()
{
	diff <(git ls-files dkms.conf Kbuild LICENSE kmod uapi | sort) \
	     <(cd "$work/root/usr/src/vqhost-$version" && find . -type f -printf '%P\n' | sort)
}

version=$(sed -n 's/^PACKAGE_VERSION="\(.*\)"$/\1/p' dkms.conf)

ktap_plan 16

ktap_run "a root with two kernels" make_root "$work/root"
describe "$work/root" >"$work/before"
ktap_run "install" install_for "${KERNELS[*]}" DESTDIR="$work/root"
ktap_equal "$(files "$work/root")" "$(expected "${KERNELS[*]}" usr/local)" "all files are there, and no others"
ktap_run "depmod knows the modules, and what they need" modules_resolve
ktap_run "modules are those of their kernel" modules_are_of_their_kernel
ktap_run "the modules are loaded at boot" loaded_at_boot "$work/root/usr/local/lib/modules-load.d/vqhost.conf"
ktap_run "the unit of vqhost-bridge is one for systemd" unit_is_valid
ktap_run "install once more" install_for 6.1 DESTDIR="$work/root"
ktap_run "uninstall" make -s uninstall DESTDIR="$work/root"
ktap_run "nothing is left, depmod knows nothing of it" gone

ktap_run "install with PREFIX=/usr" install_for 6.1 DESTDIR="$work/root" PREFIX=/usr
ktap_equal "$(files "$work/root")" "$(expected 6.1 usr)" "all files are in /usr"
make -s uninstall DESTDIR="$work/root" PREFIX=/usr
ktap_run "nothing is left of that" gone

make -s dkms-source DESTDIR="$work/root"
ktap_run "sources for DKMS: all there are" dkms_sources
ktap_run "dkms.conf names the modules, and the kernels" dkms_names
ktap_equal "$(build/vqvmm version), $(build/vqtop version)" "vqvmm $version, vqtop $version" \
	"the programs and dkms.conf are of the same version"
ktap_exit
