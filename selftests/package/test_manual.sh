#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Manual pages are well formed, and name all there is: that of the devices is written by
# hand, those of the programs are made of their tables.

set -u

cd "$(dirname "$(readlink -f "$0")")/../.." || exit 1
. selftests/ktap.sh

PAGES=(docs/man/vqhost.4 build/vqvmm.1 build/vqtop.1 build/vqhost-bridge.1)
DEVICES=docs/man/vqhost.4

# A remark of either fails; lines that are long in the source are no matter.
well_formed()
{
	local remarks

	remarks=$(mandoc -T lint -W warning "$1" 2>&1; groff -man -Tutf8 -ww -z "$1" 2>&1)
	[ -z "$remarks" ] || { echo "$remarks"; return 1; }
}

# Words on standard input that a page does not name.
names_all()
{
	local text word status=0

	# Bold is printed by backspaces.
	text=$(mandoc -T ascii "$1" | sed 's/.\x08//g')
	while read -r word; do
		grep -qw -e "$word" <<<"$text" || { echo "not named: $word"; status=1; }
	done
	return "$status"
}

ioctls()
{
	{
		sed -n 's/^#define \(VQ*HOST_[A-Z_]*\) _IO.*/\1/p' uapi/linux/vqhost.h
		grep -rhoE 'case VQ?HOST_[A-Z_]+:' kmod/core kmod/net kmod/blk | sed 's/case //; s/://' |
			grep -E '_(SET|GET|RESET|NEW|FREE|ATTACH)_'
		echo VHOST_NET_SET_BACKEND
	} | sort -u
}

parameters()
{
	local module

	for module in build/*/vqhost*.ko; do
		/sbin/modinfo -F parm "$module" | cut -d: -f1
	done | sort -u
}

# named LIST: at least one, and the page of the devices has each.
named()
{
	local words

	words=$("$1")
	[ -n "$words" ] && names_all "$DEVICES" <<<"$words"
}

# What the help text of a program begins lines with.
options()
{
	"build/$1" help | sed -nE 's/^ +(--[a-z-]+|[a-z-]+=).*/\1/p' | tr -d =
}

program()
{
	[ "$(options "$1" | wc -l)" -gt 5 ] && options "$1" | names_all "build/$1.1"
}

ktap_plan $((${#PAGES[@]} + 4))
for page in "${PAGES[@]}"; do
	ktap_run "${page##*/} is well formed" well_formed "$page"
done
ktap_run "vqhost.4 names all ioctls" named ioctls
ktap_run "vqhost.4 names all module parameters" named parameters
ktap_run "vqvmm.1 names all options" program vqvmm
ktap_run "vqtop.1 names all options" program vqtop
ktap_exit
