# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Kernels that look for our mistakes: built from Debian's linux-source-6.1 or -6.12 with
# the fragments in config/, kept in the cache, never installed.
#
# $CACHE/debug/VERSION/source		the kernel's source, one version of each kernel
# $CACHE/debug/VERSION/FLAVOUR-KEY	boot/, lib/modules/ and build/, which is KDIR

# What no part of an x86 kernel is made of.
DEBUG_SOURCE_LEFT_OUT=(
	linux-source-6.{1,12}'/arch/[!x]*.[chS]'
	linux-source-6.{1,12}'/sound/*.[ch]'
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

# debug_source_version KERNEL: of 6.1 the version of the installed headers, of 6.12 that
# of its source in the cache, else the newest.
debug_source_version()
{
	local release version=

	if [ "$1" = 6.1 ]; then
		release=$(headers_release) || {
			say "no kernel headers in /usr/src: run selftests/testhost/setup"
			return 1
		}
		version=$(dpkg-query -W -f '${Version}' "linux-headers-$release" 2>/dev/null)
	else
		version=$(find "$CACHE/debug" -maxdepth 1 -name "$1.*" -printf '%f\n' 2>/dev/null |
			  sort -V | tail -n1)
	fi
	[ -n "$version" ] || { source_apt "$1" && version=$(apt_candidate "linux-source-$1"); }
	[ -n "$version" ] || { say "apt knows no linux-source-$1"; return 1; }
	echo "$version"
}

# debug_source_prepare KERNEL sets DEBUG_ROOT, where everything of this version is.
debug_source_prepare()
{
	local version

	version=$(debug_source_version "$1") || return
	DEBUG_ROOT=$CACHE/debug/$version
	[ ! -d "$DEBUG_ROOT/source" ] || return 0
	# Kernels of other versions would not be built again.
	mkdir -p "$DEBUG_ROOT"
	find "$CACHE/debug" -maxdepth 1 -name "$1.*" ! -path "$DEBUG_ROOT" -exec rm -rf {} +
	SOURCE_VERSION=$version source_prepare "$DEBUG_ROOT/source" "the kernel's source" "$1" \
		"${DEBUG_SOURCE_LEFT_OUT[@]/#/--exclude=}"
}

# debug_config_missing CONFIG FRAGMENTS: what these ask for and Kconfig did not grant.
debug_config_missing()
{
	local config=$1 line

	while read -r line; do
		case $line in
		CONFIG_*)
			grep -qxF -e "$line" "$config" || echo "${line%%=*}"
			;;
		'# CONFIG_'*' is not set')
			line=${line#\# }
			! grep -q "^${line% is not set}=" "$config" || echo "${line% is not set}"
			;;
		esac
	done <"$2"
}

# debug_fragments KERNEL FLAVOUR: print what makes the configuration.
debug_fragments()
{
	cat "$HERE/config/base" "$HERE/config/$2" "$HERE/config/$1"
}

# debug_configure KERNEL FLAVOUR BUILD: everything that no fragment names is off.
debug_configure()
{
	local build=$3 missing

	debug_fragments "$1" "$2" >"$build/fragments"
	make -s -C "$DEBUG_ROOT/source" O="$build" KCONFIG_ALLCONFIG="$build/fragments" \
		allnoconfig >"$build/log" 2>&1 || return
	missing=$(debug_config_missing "$build/.config" "$build/fragments")
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

# debug_make KERNEL FLAVOUR ROOT: an interrupted build goes on where it was.
debug_make()
{
	local build=$3/build status progress options

	case $2 in
	# Where QEMU enters the kernel (arch/x86, memcmp), there are no shadows yet.
	# Indices and shifts are our modules' matter.
	kasan)	options=(KASAN_SANITIZE_string.o=n UBSAN_SANITIZE=n
			 'KASAN_SANITIZE=$(if $(filter '"$DEBUG_PLAIN"',$(obj)/),n)') ;;
	# Nothing but our modules is instrumented: whatever is reported is about them,
	# and the rest of the kernel builds and runs as fast as any.
	kcsan)	options=(KCSAN_SANITIZE=n) ;;
	esac
	mkdir -p "$build"
	debug_configure "$1" "$2" "$build" || return
	say "building kernel $1 with $2, once"
	debug_progress "$build" "$1 with $2" >&2 {lock}>&- &
	progress=$!
	make -C "$DEBUG_ROOT/source" O="$build" -j"$(nproc)" "${options[@]}" vmlinux modules \
		</dev/null >"$build/log" 2>&1 &&
		make -s -C "$build" INSTALL_MOD_PATH="$3" DEPMOD=/sbin/depmod modules_install >>"$build/log" 2>&1
	status=$?
	kill "$progress"
	wait "$progress" 2>/dev/null
	return "$status"
}

# debug_kernel_build KERNEL FLAVOUR ROOT: what is kept is what boots, and what modules are
# built against.
debug_kernel_build()
{
	local build=$3/build release

	if ! debug_make "$1" "$2" "$3"; then
		say "cannot build kernel $1 with $2: $(grep -m1 -iE 'error' "$build/log")"
		return 1
	fi
	release=$(cat "$build/include/config/kernel.release")
	mkdir -p "$3/boot"
	mv "$build/vmlinux" "$3/boot/vmlinux-$release"
	cp "$build/.config" "$3/boot/config-$release"
	find "$build" \( -name '*.[oa]' -o -name '.*.cmd' -o -name '*.ko' \) \
		! -path '*/scripts/*' ! -path '*/tools/*' -delete
	echo "$release" >"$3/release"
}

# debug_kernel_fetch KERNEL FLAVOUR sets KERNEL_RELEASE, KERNEL_ROOT, KERNEL_IMAGE and
# KERNEL_BOOT.
debug_kernel_fetch()
{
	local key lock fetched=1

	mkdir -p "$CACHE"
	# Not the lock of everything else: this takes minutes.
	exec {lock}>"$CACHE/debug-lock-$1-$2"
	flock "$lock"
	if debug_source_prepare "$1"; then
		key=$({ debug_fragments "$1" "$2" && gcc --version &&
			echo "$DEBUG_PLAIN" && declare -f debug_configure debug_make debug_kernel_build; } |
			sha256sum | cut -c1-16)
		KERNEL_ROOT=$DEBUG_ROOT/$2-$key
		if [ ! -e "$KERNEL_ROOT/release" ]; then
			find "$DEBUG_ROOT" -maxdepth 1 -name "$2-*" ! -path "$KERNEL_ROOT" \
				-exec rm -rf {} +
			debug_kernel_build "$1" "$2" "$KERNEL_ROOT" || fetched=
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
