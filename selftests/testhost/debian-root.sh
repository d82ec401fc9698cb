# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# A fresh Debian of the machine's release, with DKMS and what a system at least has:
# made by mmdebstrap from the mirror that the machine uses, and kept in the cache.

DEBIAN_ROOT_PACKAGES=dkms,kmod,udev,openssl,libbpf1,liburing2,libncurses6

# debian_root_make CODENAME: DEBIAN_ROOT appears only when whole.
debian_root_make()
{
	local work

	say "fetching a Debian root"
	mkdir -p "$CACHE/debian-root"
	work=$(mktemp -d "$CACHE/debian-root/.fetch.XXXXXX")
	if ! apt_elsewhere "$1" || ! mmdebstrap --variant=apt \
	     --aptopt='Acquire::Retries "2"' --include="$DEBIAN_ROOT_PACKAGES" \
	     "$1" "$work/root" "$CACHE/apt/$1/sources.list" \
	     >"$work/log" 2>&1 </dev/null; then
		say "cannot make a Debian root: $(grep -sm1 '^E:' "$work/log")"
		rm -rf "$work"
		return 1
	fi
	mv "$work/root" "$DEBIAN_ROOT"
	rm -rf "$work"
}

# debian_root_prepare sets DEBIAN_ROOT, a folder that nobody writes to.
debian_root_prepare()
{
	local codename

	codename=$(. /etc/os-release && echo "$VERSION_CODENAME")
	DEBIAN_ROOT=$CACHE/debian-root/$codename-$(sha256sum <<<"$DEBIAN_ROOT_PACKAGES" | cut -c1-8)
	fetch_once "$DEBIAN_ROOT" debian_root_make "$codename"
}
