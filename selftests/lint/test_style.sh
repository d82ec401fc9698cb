#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Sources are clean for sparse, checkpatch and interpreters, and say their licence.

cd "$(dirname "$(readlink -f "$0")")/../.." || exit 1
. selftests/ktap.sh

# Our own files: what git knows, or would add.
our_files()
{
	git ls-files --cached --others --exclude-standard 2>/dev/null ||
		find . -type f ! -path './build/*' ! -path './.git/*' | sed 's|^\./||'
}

script_syntax()
{
	local file first status=0

	while read -r file; do
		[ -f "$file" ] || continue
		first=$(head -c 100 "$file" | head -n1 | tr -d '\0')
		case $first in
		'#!'*sh) bash -n "$file" || status=1 ;;
		'#!'*python3) python3 -c 'import ast, sys; ast.parse(open(sys.argv[1]).read())' "$file" || status=1 ;;
		esac
	done < <(our_files)
	return "$status"
}

# The first line, or the second one of a script, or anywhere in a manual page.
licences()
{
	local missing

	missing=$(our_files | grep -vE '^(LICENSE|README\.md|docs/.*\.md|.*/settings)$|\.(png|svg|json|json\.in)$' |
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
ktap_run "syntax of scripts" script_syntax
ktap_run "licences" licences
ktap_exit
