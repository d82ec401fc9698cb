#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Sources are clean for sparse, checkpatch and bash, and say their licence.

cd "$(dirname "$(readlink -f "$0")")/../.." || exit 1
. selftests/ktap.sh

# Our own files: what git knows, or would add.
our_files()
{
	git ls-files --cached --others --exclude-standard 2>/dev/null ||
		find . -type f ! -path './build/*' ! -path './.git/*' | sed 's|^\./||'
}

shell_syntax()
{
	local file status=0

	while read -r file; do
		[ -f "$file" ] && head -n1 "$file" | grep -q '^#!.*[/ ]\(ba\)\?sh$' || continue
		bash -n "$file" || status=1
	done < <(our_files)
	return "$status"
}

# The first line, or the second one of a script, or anywhere in a manual page.
licences()
{
	local missing

	missing=$(our_files | grep -vE '^(LICENSE|README\.md|docs/.*\.md|.*/settings)$|\.(png|svg|json)$' |
		  while read -r file; do
			[ ! -s "$file" ] || head -n2 "$file" | grep -q 'SPDX-License-Identifier: GPL-2.0' || echo "$file"
		  done)
	[ -z "$missing" ] || { echo "no licence in: $missing"; return 1; }
}

# kernel-doc comments are well formed and name every parameter.
kernel_doc()
{
	local tool files remarks

	tool=$(dirname "$(selftests/testhost/testhost checkpatch)")/kernel-doc
	mapfile -t files < <(find kmod -name '*.[ch]' -type f)
	remarks=$("$tool" -none "${files[@]}" 2>&1)
	[ -z "$remarks" ] || { echo "$remarks"; return 1; }
}

ktap_plan 5
ktap_run "sparse" make -s sparse
ktap_run "checkpatch" make -s checkpatch
ktap_run "kernel-doc" kernel_doc
ktap_run "shell syntax" shell_syntax
ktap_run "licences" licences
ktap_exit
