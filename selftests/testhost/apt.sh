# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Debian packages, unpacked into the cache, never installed.

# The name of the newest package matching a pattern in apt's lists.
apt_newest()
{
	"${APT_CACHE[@]}" pkgnames "$1" | grep -Ex "$2" | sort -V | tail -n1
}

# The version of a package that apt would install.
apt_candidate()
{
	"${APT_CACHE[@]}" policy "$1" | sed -n 's/^ *Candidate: //p' | grep -v none
}

# apt_download FOLDER PACKAGE...: lists too old to find a package are renewed once.
apt_download()
{
	local folder=$1 attempt
	shift

	for attempt in 1 2; do
		(cd "$folder" && "${APT_GET[@]}" -qq -o APT::Sandbox::User=root download "$@") \
			>"$folder/log" 2>&1 </dev/null && return
		[ "$attempt" -eq 1 ] && "${APT_GET[@]}" -qq -o APT::Sandbox::User=root update \
			>/dev/null 2>&1 </dev/null
	done
	say "cannot fetch $*: $(grep -m1 '^E:' "$folder/log")"
	return 1
}

# Download packages and unpack them into a folder that appears only when whole.
apt_unpack()
{
	local into=$1 work
	shift

	mkdir -p "${into%/*}"
	work=$(mktemp -d "${into%/*}/.fetch.XXXXXX")
	if ! (apt_download "$work" "$@" && mkdir "$work/root" &&
	      for deb in "$work"/*.deb; do dpkg-deb -x "$deb" "$work/root" || exit; done); then
		rm -rf "$work"
		return 1
	fi
	rm -rf "$into"
	mv "$work/root" "$into"
	rm -rf "$work"
}

# apt as the machine has it.
apt_machine()
{
	APT_GET=(apt-get)
	APT_CACHE=(apt-cache)
}

# apt with one more suite, without touching the machine's own sources: its
# mirror, keys and proxies are taken over, lists are kept in the cache.
apt_backports()
{
	local dir=$CACHE/apt uri codename keyring

	codename=$(. /etc/os-release && echo "$VERSION_CODENAME")
	uri=$(apt-get indextargets --format '$(REPO_URI) $(RELEASE)' 'Created-By: Packages' |
	      sed -n "s/ $codename\$//p" | head -n1)
	[ -n "$uri" ] || { say "the machine has no apt source for $codename"; return 1; }
	keyring=$(grep -rhoE '/[^] ]*debian-archive-keyring\.(gpg|pgp|asc)' \
		  /etc/apt/sources.list /etc/apt/sources.list.d 2>/dev/null | head -n1)
	keyring=${keyring:-/usr/share/keyrings/debian-archive-keyring.gpg}
	mkdir -p "$dir/sources.d" "$dir/lists/partial" "$dir/cache"
	printf 'deb [signed-by=%s] %s %s-backports main\n' \
		"$keyring" "$uri" "$codename" >"$dir/sources.list"
	local options=(-o "Dir::Etc::SourceList=$dir/sources.list"
		       -o "Dir::Etc::SourceParts=$dir/sources.d"
		       -o "Dir::State::Lists=$dir/lists"
		       -o "Dir::Cache=$dir/cache")
	APT_GET=(apt-get "${options[@]}")
	APT_CACHE=(apt-cache "${options[@]}")
	if ! "${APT_GET[@]}" -qq -o APT::Sandbox::User=root -o APT::Update::Error-Mode=any \
	     update >"$dir/log" 2>&1 </dev/null; then
		say "cannot fetch the list of $codename-backports: $(grep -m1 '^[EW]:' "$dir/log")"
		return 1
	fi
}
