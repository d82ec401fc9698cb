# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Debian packages, unpacked into the cache, never installed.

# fetch_once FOLDER COMMAND [ARGUMENT]...: have a command make a folder of the cache, one
# process at a time, unless the folder is there.
fetch_once()
{
	local folder=$1 lock status=0
	shift

	[ -d "$folder" ] && return
	mkdir -p "$CACHE"
	exec {lock}>"$CACHE/lock"
	flock "$lock"
	[ -d "$folder" ] || "$@" || status=1
	exec {lock}>&-
	return "$status"
}

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

# The same with all that they depend on, down to the C library if nothing is installed.
apt_download_whole()
{
	local folder=$1
	shift

	mkdir "$folder/partial"
	"${APT_GET[@]}" -qq -y -o APT::Sandbox::User=root -o "Dir::Cache::Archives=$folder" \
		--no-install-recommends --download-only install "$@" \
		>"$folder/log" 2>&1 </dev/null && return
	say "cannot fetch $*: $(grep -m1 '^E:' "$folder/log")"
	return 1
}

# apt_unpack_by DOWNLOAD INTO PACKAGE...: INTO appears only when whole.
apt_unpack_by()
{
	local download=$1 into=$2 work
	shift 2

	mkdir -p "${into%/*}"
	work=$(mktemp -d "${into%/*}/.fetch.XXXXXX")
	if ! ("$download" "$work" "$@" && mkdir "$work/root" &&
	      for deb in "$work"/*.deb; do dpkg-deb -x "$deb" "$work/root" || exit; done); then
		rm -rf "$work"
		return 1
	fi
	rm -rf "$into"
	mv "$work/root" "$into"
	rm -rf "$work"
}

# Download packages and unpack them into a folder.
apt_unpack()
{
	apt_unpack_by apt_download "$@"
}

# The same with all that they depend on.
apt_unpack_whole()
{
	apt_unpack_by apt_download_whole "$@"
}

# apt as the machine has it.
apt_machine()
{
	APT_GET=(apt-get)
	APT_CACHE=(apt-cache)
}

# apt_elsewhere SUITE...: apt with other suites and nothing installed.  The last one
# is preferred.  The machine's own sources stay as they are: their mirror, keys and
# proxies are taken over, lists are kept in the cache.
apt_elsewhere()
{
	local preferred=${*: -1} dir uri codename keyring suite

	dir=$CACHE/apt/$preferred
	codename=$(. /etc/os-release && echo "$VERSION_CODENAME")
	uri=$(apt-get indextargets --format '$(REPO_URI) $(RELEASE)' 'Created-By: Packages' |
	      sed -n "s/ $codename\$//p" | head -n1)
	[ -n "$uri" ] || { say "the machine has no apt source for $codename"; return 1; }
	keyring=$(grep -rhoE '/[^] ]*debian-archive-keyring\.(gpg|pgp|asc)' \
		  /etc/apt/sources.list /etc/apt/sources.list.d 2>/dev/null | head -n1)
	keyring=${keyring:-/usr/share/keyrings/debian-archive-keyring.gpg}
	mkdir -p "$dir/sources.d" "$dir/lists/partial" "$dir/cache"
	: >"$dir/status"
	for suite; do
		printf 'deb [signed-by=%s] %s %s main\n' "$keyring" "$uri" "$suite"
	done >"$dir/sources.list"
	local options=(-o "Dir::Etc::SourceList=$dir/sources.list"
		       -o "Dir::Etc::SourceParts=$dir/sources.d"
		       -o "Dir::State::Lists=$dir/lists"
		       -o "Dir::State::status=$dir/status"
		       -o "Dir::Cache=$dir/cache"
		       -o "APT::Default-Release=$preferred")
	APT_GET=(apt-get "${options[@]}")
	APT_CACHE=(apt-cache "${options[@]}")
	if ! "${APT_GET[@]}" -qq -o APT::Sandbox::User=root -o APT::Update::Error-Mode=any \
	     update >"$dir/log" 2>&1 </dev/null; then
		say "cannot fetch the list of $preferred: $(grep -m1 '^[EW]:' "$dir/log")"
		return 1
	fi
}

# apt with the backports for this release of Debian.
apt_backports()
{
	apt_elsewhere "$(. /etc/os-release && echo "$VERSION_CODENAME")-backports"
}
