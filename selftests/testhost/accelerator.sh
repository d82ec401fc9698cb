# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Choose between hardware virtualization and emulation.

# A machine can have /dev/kvm and nested virtualization in name only, so the
# answer comes from booting the kernel; it is remembered until the next reboot.
kvm_boots()
{
	local answer

	grep -qwE 'svm|vmx' /proc/cpuinfo && [ -w /dev/kvm ] || return 1
	answer=$CACHE/kvm-$(cat /proc/sys/kernel/random/boot_id)
	if [ ! -e "$answer" ]; then
		timeout -k 5 60 qemu-system-x86_64 -accel kvm -cpu host -m 512 -display none \
			-nodefaults -no-reboot -serial stdio \
			-kernel "$KERNEL_BOOT" -initrd "$INITRAMFS" \
			-append "console=ttyS0 panic=-1 testhost=probe" </dev/null 2>&1 |
			grep -q "accelerator works" && echo yes >"$answer" || echo no >"$answer"
	fi
	grep -q yes "$answer"
}

# accelerator_choose sets EMULATOR, the QEMU to run, and ACCELERATOR, its options.
accelerator_choose()
{
	if [ -n "$ICOUNT" ]; then
		emulator_prepare
		ACCELERATOR=(-accel "tcg,thread=single" -icount "shift=0,sleep=off" -cpu "max,+svm")
		ACCELERATOR_NAME="emulation, counting instructions"
	elif kvm_boots; then
		EMULATOR=(qemu-system-x86_64)
		ACCELERATOR=(-accel kvm -cpu host)
		ACCELERATOR_NAME="hardware virtualization"
	else
		emulator_prepare
		ACCELERATOR=(-accel "tcg,thread=multi,tb-size=512" -cpu "max,+svm")
		ACCELERATOR_NAME="emulation"
	fi
}
