# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# A fresh Debian of the machine's release, with DKMS and what a system at least has:
# made by mmdebstrap from the mirror that the machine uses, and kept in the cache.

DEBIAN_ROOT_PACKAGES=dkms,kmod,udev,openssl,libbpf1,liburing2,libncurses6

# debian_root_prepare sets DEBIAN_ROOT, a folder that nobody writes to.
debian_root_prepare()
{
	local codename lock work

	codename=$(. /etc/os-release && echo "$VERSION_CODENAME")
	DEBIAN_ROOT=$CACHE/debian-root/$codename-$(sha256sum <<<"$DEBIAN_ROOT_PACKAGES" | cut -c1-8)
	[ -d "$DEBIAN_ROOT" ] && return
	mkdir -p "$CACHE/debian-root"
	exec {lock}>"$CACHE/lock"
	flock "$lock"
	if [ ! -d "$DEBIAN_ROOT" ]; then
		say "fetching a Debian root"
		work=$(mktemp -d "$CACHE/debian-root/.fetch.XXXXXX")
		if ! apt_elsewhere "$codename" || ! mmdebstrap --variant=apt \
		     --aptopt='Acquire::Retries "2"' --include="$DEBIAN_ROOT_PACKAGES" \
		     "$codename" "$work/root" "$CACHE/apt/$codename/sources.list" \
		     >"$work/log" 2>&1 </dev/null; then
			say "cannot make a Debian root: $(grep -sm1 '^E:' "$work/log")"
			rm -rf "$work"
			exec {lock}>&-
			return 1
		fi
		mv "$work/root" "$DEBIAN_ROOT"
		rm -rf "$work"
	fi
	exec {lock}>&-
}
