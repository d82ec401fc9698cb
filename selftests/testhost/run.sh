# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Options of a run, the QEMU process, and the verdict.

# Variables of the caller that the command sees too.
RUN_VARIABLES=(HOME LANG TERM USER XDG_CACHE_HOME XDG_STATE_HOME KDIR KSFT QUICK V)

run_options()
{
	KERNEL=6.1 CPUS= MEM=4G ICOUNT= TIMEOUT=600 RESULTS= ENVIRONMENT=() COMMAND=()
	while [ $# -gt 0 ]; do
		case $1 in
		--kernel|--cpus|--mem|--timeout|--results|--env)
			[ $# -ge 2 ] || usage_error "$1: needs a value"
			run_option_value "$1" "$2"
			shift 2
			;;
		--icount)
			ICOUNT=1
			shift
			;;
		-h|--help)
			usage
			exit 0
			;;
		--)
			shift
			COMMAND=("$@")
			break
			;;
		*)
			usage_error "$1: unknown option, see testhost --help"
			;;
		esac
	done
	if [ -n "$ICOUNT" ] && [ "${CPUS:-1}" -ne 1 ]; then
		usage_error "--cpus $CPUS: --icount counts on one processor only"
	fi
	[ -n "$CPUS" ] || CPUS=$([ -n "$ICOUNT" ] && echo 1 || echo 2)
}

run_option_value()
{
	case $1 in
	--kernel)
		KERNEL=$2
		;;
	--cpus)
		[[ $2 =~ ^[1-9][0-9]?$ ]] || usage_error "$1 $2: not a number from 1 to 99"
		CPUS=$2
		;;
	--mem)
		[[ $2 =~ ^[1-9][0-9]*[MG]?$ ]] || usage_error "$1 $2: not a size such as 4096M or 4G"
		MEM=$2
		;;
	--timeout)
		[[ $2 =~ ^[1-9][0-9]*$ ]] || usage_error "$1 $2: not a number of seconds"
		TIMEOUT=$2
		;;
	--results)
		mkdir -p "$2" 2>/dev/null && [ -w "$2" ] || usage_error "$1 $2: not a writable directory"
		RESULTS=$(readlink -f "$2")
		;;
	--env)
		[[ $2 =~ ^[A-Za-z_][A-Za-z0-9_]*(=|$) ]] || usage_error "$1 $2: not NAME=VALUE"
		ENVIRONMENT+=("$2")
		;;
	esac
}

# A fresh results directory; the oldest of many are removed.
run_results_default()
{
	local state=${XDG_STATE_HOME:-$HOME/.local/state}/vqhost/testhost

	mkdir -p "$state"
	find "$state" -mindepth 1 -maxdepth 1 -type d -name '20*' | sort | head -n -20 |
		xargs -r -d '\n' rm -rf
	RESULTS=$(mktemp -d "$state/$(date +%Y%m%d-%H%M%S).XXXX")
}

# The files through which the inside learns what to do.
run_write_job()
{
	local name

	CONTROL=$RESULTS/testhost
	rm -rf "$CONTROL"
	mkdir -p "$CONTROL"
	: >"$CONTROL/output"
	{
		printf 'TREE=%q\n' "$TREE"
		printf 'RESULTS=%q\n' "$RESULTS"
		printf 'MODULES=%q\n' "${KERNEL_ROOT%/}/lib/modules"
		printf 'TIMEOUT=%q\n' "$TIMEOUT"
		printf 'INTERACTIVE=%q\n' "$INTERACTIVE"
		if [ -n "$INTERACTIVE" ] && read -r ROWS COLUMNS < <(stty size 2>/dev/null); then
			printf 'ROWS=%q COLUMNS=%q\n' "$ROWS" "$COLUMNS"
		fi
	} >"$CONTROL/config"
	{
		for name in "${RUN_VARIABLES[@]}"; do
			[ -z "${!name+set}" ] || printf 'export %s=%q\n' "$name" "${!name}"
		done
		for name in ${ENVIRONMENT[@]+"${ENVIRONMENT[@]}"}; do
			[[ $name == *=* ]] || name=$name=${!name-}
			printf 'export %s=%q\n' "${name%%=*}" "${name#*=}"
		done
		printf 'export VQHOST_RESULTS=%q VQHOST_TREE=%q\n' "$RESULTS" "$TREE"
		# Below /tmp only the tree is there.
		printf 'cd %q 2>/dev/null || cd %q\n' "$PWD" "$TREE"
		printf 'exec'
		printf ' %q' "${COMMAND[@]}"
		printf '\n'
	} >"$CONTROL/job"
}

# run_qemu_command sets QEMU, the process that is the host.
run_qemu_command()
{
	local kernel_options

	# Warnings and worse go to the console.  A stall is reported only after a
	# time that a busy machine below the host does not explain.
	kernel_options="console=ttyS0 loglevel=5 panic=-1 log_buf_len=4M tsc=reliable"
	kernel_options+=" watchdog_thresh=30 rcupdate.rcu_cpu_stall_timeout=60"
	# Every mistake, not only the first.
	[[ $KERNEL_RELEASE != *-kasan ]] || kernel_options+=" kasan_multi_shot"
	QEMU=(timeout --foreground -k 5 "$TIMEOUT"
	      "${EMULATOR[@]}" "${ACCELERATOR[@]}" -smp "$CPUS" -m "$MEM"
	      -display none -nodefaults -no-user-config -no-reboot
	      -kernel "$KERNEL_BOOT" -initrd "$INITRAMFS" -append "$kernel_options"
	      -virtfs "local,path=/,mount_tag=root,security_model=none,readonly=on,multidevs=remap"
	      -virtfs "local,path=${RESULTS//,/,,},mount_tag=results,security_model=none,multidevs=remap"
	      -serial "file:$CONTROL/console.log")
	[ -z "$INTERACTIVE" ] ||
		QEMU+=(-chardev "stdio,id=prompt,mux=on,signal=off" -serial chardev:prompt -mon prompt)
}

# Run QEMU on this terminal.
run_interactive()
{
	local terminal status

	terminal=$(stty -g 2>/dev/null) && stty raw -echo
	"${QEMU[@]}" 2>"$CONTROL/qemu.log"
	status=$?
	[ -z "$terminal" ] || stty "$terminal"
	return "$status"
}

# Run QEMU, and print what the command prints until QEMU is gone.
run_batch()
{
	local qemu follower status

	"${QEMU[@]}" </dev/null >"$CONTROL/qemu.log" 2>&1 &
	qemu=$!
	trap 'run_stop "$qemu"; exit 130' INT TERM HUP
	tail -c +1 -s 0.1 -f --pid="$qemu" "$CONTROL/output" &
	follower=$!
	wait "$qemu"
	status=$?
	wait "$follower"
	trap - INT TERM HUP
	return "$status"
}

run_stop()
{
	trap '' INT TERM HUP
	kill "$1" 2>/dev/null
	wait
}

# run_verdict QEMU-STATUS: print what went wrong; the status to exit with.
run_verdict()
{
	local logs=("$CONTROL/console.log")

	[ ! -e "$CONTROL/dmesg" ] || logs=("$CONTROL/dmesg" "$CONTROL/kmemleak")
	if [[ $ACCELERATOR_NAME == emulation* ]] && console_clock_went_back "${logs[0]}" >&2; then
		say "the host's clock went back: the emulator went wrong, nothing that happened here counts"
		return $EXIT_VOID
	fi
	if [ "$1" -eq 124 ] || [ "$1" -eq 137 ]; then
		console_reports "${logs[@]}" >&2 || tail -n 20 "$CONTROL/console.log" >&2
		say "time limit of $TIMEOUT s reached, the host was ended; console log: $CONTROL/console.log"
		return $EXIT_TIMEOUT
	fi
	if console_reports "${logs[@]}" >"$CONTROL/report"; then
		cat "$CONTROL/report" >&2
		if [ ! -s "$CONTROL/status" ]; then
			say "the host died; console log: $CONTROL/console.log"
			return $EXIT_DIED
		fi
		say "the kernel reported a problem (command's exit status $(cat "$CONTROL/status")); log: ${logs[0]}"
		return $EXIT_KERNEL_REPORT
	fi
	rm -f "$CONTROL/report"
	if [ ! -s "$CONTROL/status" ]; then
		tail -n 20 "$CONTROL/qemu.log" "$CONTROL/console.log" >&2
		say "the host died (QEMU's exit status $1); console log: $CONTROL/console.log"
		return $EXIT_DIED
	fi
	return "$(cat "$CONTROL/status")"
}

run_main()
{
	INTERACTIVE=
	[ "$1" = run ] || INTERACTIVE=1
	shift
	run_options "$@"
	if [ -n "$INTERACTIVE" ]; then
		[ ${#COMMAND[@]} -gt 0 ] || COMMAND=(bash -i)
		TIMEOUT=0
	fi
	[ ${#COMMAND[@]} -gt 0 ] || usage_error "run: give a command after --"
	"$HERE/setup" >&2 || exit $EXIT_UNPREPARED
	kernel_prepare "$KERNEL" || exit $EXIT_UNPREPARED
	initramfs_prepare || exit $EXIT_UNPREPARED
	accelerator_choose
	[ -n "$RESULTS" ] || run_results_default
	run_write_job
	say "kernel $KERNEL_RELEASE, $CPUS cpus, $MEM, by $ACCELERATOR_NAME; results in $RESULTS"
	run_qemu_command
	if [ -n "$INTERACTIVE" ]; then
		say "Ctrl-a x ends the host at once"
		run_interactive
	else
		run_batch
	fi
	run_verdict $?
}
