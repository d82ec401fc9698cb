# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# KTAP for test scripts: ktap_plan once, then one of the others for each test.

KTAP_NUMBER=0
KTAP_FAILED=0

ktap_plan()
{
	echo "TAP version 13"
	echo "1..$1"
}

# ktap_ok STATUS DESCRIPTION: a test that passed if STATUS is 0.
ktap_ok()
{
	KTAP_NUMBER=$((KTAP_NUMBER + 1))
	if [ "$1" -eq 0 ]; then
		echo "ok $KTAP_NUMBER $2"
	else
		KTAP_FAILED=1
		echo "not ok $KTAP_NUMBER $2"
	fi
}

# ktap_run DESCRIPTION COMMAND...: a test that passes if the command does; what
# it prints becomes comments.
ktap_run()
{
	local description=$1 status
	shift

	"$@" 2>&1 | sed 's/^/# /'
	status=${PIPESTATUS[0]}
	ktap_ok "$status" "$description"
}

# ktap_equal ACTUAL EXPECTED DESCRIPTION
ktap_equal()
{
	if [ "$1" = "$2" ]; then
		ktap_ok 0 "$3"
	else
		printf '# expected: %q\n# but got:  %q\n' "$2" "$1"
		ktap_ok 1 "$3"
	fi
}

ktap_skip()
{
	KTAP_NUMBER=$((KTAP_NUMBER + 1))
	echo "ok $KTAP_NUMBER $1 # SKIP $2"
}

ktap_exit()
{
	exit "$KTAP_FAILED"
}
