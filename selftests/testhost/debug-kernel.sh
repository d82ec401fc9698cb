# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Kernels that look for our mistakes: built from Debian's linux-source-6.1 with the
# fragments in config/, kept in the cache, never installed.
#
# $CACHE/debug/VERSION/source		the kernel's source, of one version at a time
# $CACHE/debug/VERSION/FLAVOUR-KEY	boot/, lib/modules/ and build/, which is KDIR

# What no part of an x86 kernel is made of.
DEBUG_SOURCE_LEFT_OUT=(
	'linux-source-6.1/arch/[!x]*.[chS]'
	'linux-source-6.1/sound/*.[ch]'
	'*/drivers/gpu/drm/*.[ch]'
	'*/tools/testing/*.[ch]'
	'*.dts'
	'*.dtsi'
	'*.rst'
)

# About how many files a build makes, for the estimate.
DEBUG_STEPS=1640

# Nothing of a virtual machine's goes through these, and they are a third of the
# kernel.  What is given to make overrides the kernel's own Makefiles, so the folders
# that they exempt are here as well.
DEBUG_PLAIN='arch/x86/% drivers/acpi/% drivers/base/% drivers/pci/% drivers/pnp/% drivers/tty/%'
DEBUG_PLAIN+=' kernel/entry/% mm/kasan/%'

# debug_source_prepare sets DEBUG_ROOT, where everything of this version is.
debug_source_prepare()
{
	local release version

	if ! release=$(headers_release); then
		say "no kernel headers in /usr/src: run selftests/testhost/setup"
		return 1
	fi
	version=$(dpkg-query -W -f '${Version}' "linux-headers-$release" 2>/dev/null)
	version=${version:-$(apt-cache policy linux-source-6.1 | sed -n 's/^ *Candidate: //p')}
	DEBUG_ROOT=$CACHE/debug/$version
	[ ! -d "$DEBUG_ROOT/source" ] || return 0
	# Kernels of other versions would not be built again.
	rm -rf "$CACHE/debug"
	mkdir -p "$DEBUG_ROOT"
	SOURCE_VERSION=$version source_prepare "$DEBUG_ROOT/source" "the kernel's source" \
		"${DEBUG_SOURCE_LEFT_OUT[@]/#/--exclude=}"
}

# Options that a fragment asks for and Kconfig did not grant.
debug_config_missing()
{
	local config=$1 line
	shift

	cat "$@" | while read -r line; do
		case $line in
		CONFIG_*)
			grep -qxF -e "$line" "$config" || echo "${line%%=*}"
			;;
		'# CONFIG_'*' is not set')
			line=${line#\# }
			! grep -q "^${line% is not set}=" "$config" || echo "${line% is not set}"
			;;
		esac
	done
}

# debug_configure FLAVOUR BUILD: everything that no fragment names is off.
debug_configure()
{
	local build=$2 fragments=("$HERE/config/base" "$HERE/config/$1") missing

	cat "${fragments[@]}" >"$build/fragments"
	make -s -C "$DEBUG_ROOT/source" O="$build" KCONFIG_ALLCONFIG="$build/fragments" \
		allnoconfig >"$build/log" 2>&1 || return
	missing=$(debug_config_missing "$build/.config" "${fragments[@]}")
	[ -z "$missing" ] || { say "this kernel's configuration has no" $missing; return 1; }
}

# debug_progress BUILD LABEL: a line every 15 s, until killed.
debug_progress()
{
	local begin=$SECONDS done

	while sleep 15; do
		done=$(grep -cE '^  (CC|AS|AR|LD)' "$1/log")
		[ "$done" -lt "$DEBUG_STEPS" ] || done=$((DEBUG_STEPS - 1))
		say "building kernel $2: $((100 * done / DEBUG_STEPS)) %," \
			"$((SECONDS - begin)) s so far$([ "$done" -lt 100 ] ||
			echo ", about $(((SECONDS - begin) * (DEBUG_STEPS - done) / done)) s to go")"
	done
}

# debug_make FLAVOUR ROOT: an interrupted build goes on where it was.
debug_make()
{
	local build=$2/build status progress options

	case $1 in
	# Where QEMU enters the kernel (arch/x86, memcmp), there are no shadows yet.
	kasan)	options=(KASAN_SANITIZE_string.o=n
			 'KASAN_SANITIZE=$(if $(filter '"$DEBUG_PLAIN"',$(obj)/),n)') ;;
	# Nothing but our modules is instrumented: whatever is reported is about them,
	# and the rest of the kernel builds and runs as fast as any.
	kcsan)	options=(KCSAN_SANITIZE=n) ;;
	esac
	mkdir -p "$build"
	debug_configure "$1" "$build" || return
	say "building kernel 6.1 with $1, once"
	debug_progress "$build" "6.1 with $1" >&2 {lock}>&- &
	progress=$!
	make -C "$DEBUG_ROOT/source" O="$build" -j"$(nproc)" "${options[@]}" vmlinux modules \
		</dev/null >"$build/log" 2>&1 &&
		make -s -C "$build" INSTALL_MOD_PATH="$2" DEPMOD=/sbin/depmod modules_install >>"$build/log" 2>&1
	status=$?
	kill "$progress"
	wait "$progress" 2>/dev/null
	return "$status"
}

# debug_kernel_build FLAVOUR ROOT: what is kept is what boots, and what modules are
# built against.
debug_kernel_build()
{
	local build=$2/build release

	if ! debug_make "$1" "$2"; then
		say "cannot build kernel 6.1 with $1: $(grep -m1 -iE 'error' "$build/log")"
		return 1
	fi
	release=$(cat "$build/include/config/kernel.release")
	mkdir -p "$2/boot"
	mv "$build/vmlinux" "$2/boot/vmlinux-$release"
	cp "$build/.config" "$2/boot/config-$release"
	find "$build" \( -name '*.[oa]' -o -name '.*.cmd' -o -name '*.ko' \) \
		! -path '*/scripts/*' ! -path '*/tools/*' -delete
	echo "$release" >"$2/release"
}

# debug_kernel_fetch FLAVOUR sets KERNEL_RELEASE, KERNEL_ROOT, KERNEL_IMAGE and
# KERNEL_BOOT.
debug_kernel_fetch()
{
	local key lock fetched=1

	mkdir -p "$CACHE"
	# Not the lock of everything else: this takes minutes.
	exec {lock}>"$CACHE/debug-lock"
	flock "$lock"
	if debug_source_prepare; then
		key=$({ cat "$HERE/config/base" "$HERE/config/$1" && gcc --version &&
			declare -f debug_configure debug_make debug_kernel_build; } |
			sha256sum | cut -c1-16)
		KERNEL_ROOT=$DEBUG_ROOT/$1-$key
		if [ ! -e "$KERNEL_ROOT/release" ]; then
			find "$DEBUG_ROOT" -maxdepth 1 -name "$1-*" ! -path "$KERNEL_ROOT" \
				-exec rm -rf {} +
			debug_kernel_build "$1" "$KERNEL_ROOT" || fetched=
		fi
	else
		fetched=
	fi
	exec {lock}>&-
	[ -n "$fetched" ] || return 1
	KERNEL_RELEASE=$(cat "$KERNEL_ROOT/release")
	KERNEL_IMAGE=$KERNEL_ROOT/boot/vmlinux-$KERNEL_RELEASE
	KERNEL_BOOT=$KERNEL_IMAGE
}
