#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The test host itself: what goes in and comes out, and how a run can fail.

here=$(dirname "$(readlink -f "$0")")
. "$here/../ktap.sh"
testhost=$here/testhost
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# testhost with arguments; sets status, output; messages go to $scratch/messages.
testhost()
{
	"$testhost" "$@" >"$scratch/output" 2>"$scratch/messages" </dev/null
	status=$?
	output=$(tr -d '\0' <"$scratch/output")
	sed 's/^/# /' "$scratch/messages"
}

# A bad option ends at once with status 2 and one line that names it.
bad_option()
{
	local name=$1
	shift

	testhost "$@"
	ktap_equal "$status $(grep -c . "$scratch/messages")" "2 1" "$name: status 2 and one line"
	ktap_run "$name: named" grep -qF -e "$name" "$scratch/messages"
}

# A module whose only deed is a warning.  It lies where the host can see it.
build_warning_module()
{
	local module=$scratch/results/module

	mkdir -p "$module"
	cat >"$module/warning.c" <<-END
	#include <linux/module.h>
	static int __init warning_init(void)
	{
		WARN(1, "on purpose\n");
		return -ENODEV;
	}
	module_init(warning_init);
	MODULE_LICENSE("GPL");
	END
	echo "obj-m := warning.o" >"$module/Kbuild"
	make -C "$("$testhost" headers 6.1)" M="$module" modules
}

ktap_plan 23

bad_option --colour run --colour blue -- true
bad_option "--kernel /nowhere" run --kernel /nowhere -- true
bad_option "--cpus many" run --cpus many -- true

# Words that quoting can lose, and output as a program wrote it.
words=("" " two  words " 'a"b' "it's" '$HOME' '*' $'line\nbreak' '\' ';' ü)
inside='
printf "<%s>" "$@"; echo; echo "here: $PWD"; echo "variable: $COLOUR"
printf "no newline: \0\377"; echo " error" >&2; printf last
cp /proc/version "$VQHOST_RESULTS/version"; echo spoilt >"$VQHOST_TREE/LICENSE"; exit 37'
cd "$here" || exit 1
testhost run --results "$scratch/results" --env "COLOUR=dark blue" -- \
	bash -c "$inside" inside "${words[@]}"
ktap_equal "$status" 37 "the exit status is the command's"
ktap_equal "$(sed '/^here/q' "$scratch/output")" \
	"$(printf '<%s>' "${words[@]}"; echo; echo "here: $here")" "arguments survive, the folder is the same"
ktap_run "variables are set" grep -qxF "variable: dark blue" "$scratch/output"
printf 'no newline: \0\377 error\nlast' >"$scratch/expected"
ktap_run "output is exact and in order" \
	cmp <(tail -n2 "$scratch/output") "$scratch/expected"
ktap_run "the results directory comes back" grep -q "^Linux version 6.1" "$scratch/results/version"
ktap_run "the tree stays as it is" grep -q "GNU GENERAL PUBLIC" "$here/../../LICENSE"

testhost run --results "$scratch/results" --timeout 30 -- bash -c 'echo begun; sleep 1000'
ktap_equal "$status$output" 124begun "a hang is ended by the time limit"
ktap_run "the message names the limit" grep -q "time limit of 30 s" "$scratch/messages"
ktap_run "the console log is kept" test -s "$scratch/results/testhost/console.log"

ktap_run "a module that warns builds" build_warning_module
testhost run --results "$scratch/results" \
	-- bash -c 'insmod "$VQHOST_RESULTS/module/warning.ko"; true'
ktap_equal "$status" 123 "a kernel warning fails the run"
ktap_run "the report is shown" grep -q "on purpose" "$scratch/messages"

testhost run --results "$scratch/results" -- \
	bash -c 'echo before; sleep 3; echo c >/proc/sysrq-trigger; sleep 1000'
ktap_equal "$status$output" 122before "a panic is told apart"

# A log of which a part was written with the clock of a guest.
cat >"$scratch/results/dmesg" <<-END
#!/bin/sh
echo '[  100.5] testhost: the command starts'
echo '[  170.0] a message'
echo '[  169.9] one of another processor'
echo '[   56.1] BUG: of a guest?'
END
chmod +x "$scratch/results/dmesg"
testhost run --results "$scratch/results" -- bash -c 'cat "$VQHOST_RESULTS/dmesg" >/usr/bin/dmesg
	"$0" || echo "unsound: $?"' "$here/host-is-sound"
ktap_equal "$status" 120 "a clock that goes back voids a run"
ktap_run "what shows it is printed" grep -qF "[   56.1]" "$scratch/messages"
ktap_equal "$output" "[   56.1] BUG: of a guest?"$'\n'"unsound: 1" "the inside can see it too"

testhost run --results "$scratch/results" --icount -- bash -c 'nproc'
ktap_equal "$status$output" 01 "icount has one processor"

ktap_exit
