/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a PC has had for ever and a guest expects at fixed ports.
 *
 * Each *_create() answers for its ports until *_destroy(), which takes what
 * *_create() gave, or NULL.  They return 0 or -errno.
 * Context: the main thread, before the vCPUs run and after they have stopped.
 */
#ifndef VQVMM_LEGACY_LEGACY_H
#define VQVMM_LEGACY_LEGACY_H

struct console;
struct machine;
struct power;
struct rtc;
struct serial;

/**
 * serial_create() - a 16550 UART at port 0x3f8, with the console as its line
 * @machine: the machine
 * @console: the line
 * @out: receives the UART
 *
 * Return: 0 or -errno.
 */
int serial_create(struct machine *machine, struct console *console, struct serial **out);

/**
 * serial_destroy() - remove the UART
 * @serial: may be NULL
 */
void serial_destroy(struct serial *serial);

/**
 * rtc_create() - the clock (MC146818) at port 0x70
 * @machine: the machine
 * @out: receives the clock
 *
 * It starts with the host's time, UTC.
 * Return: 0 or -errno.
 */
int rtc_create(struct machine *machine, struct rtc **out);

/**
 * rtc_destroy() - remove the clock
 * @rtc: may be NULL
 */
void rtc_destroy(struct rtc *rtc);

/**
 * i8042_create() - a keyboard controller to which nothing is attached
 * @machine: the machine
 *
 * It is there to reset the machine.
 * Return: 0 or -errno.
 */
int i8042_create(struct machine *machine);

/**
 * i8042_destroy() - remove the keyboard controller
 * @machine: the machine
 */
void i8042_destroy(struct machine *machine);

/**
 * power_create() - ACPI's power management registers and the panic notifier
 * @machine: the machine
 * @out: receives them
 *
 * Return: 0 or -errno.
 */
int power_create(struct machine *machine, struct power **out);

/**
 * power_destroy() - remove them
 * @power: may be NULL
 */
void power_destroy(struct power *power);

#endif /* VQVMM_LEGACY_LEGACY_H */
