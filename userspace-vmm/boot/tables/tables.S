/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The tables that iasl has compiled, as arrays.
 */
.macro table name
	.global acpi_\name, acpi_\name\()_end
	.type acpi_\name, @object
acpi_\name:
	.incbin "\name\().aml"
acpi_\name\()_end:
	.size acpi_\name, . - acpi_\name
.endm

	.section .rodata
	table dsdt
	table facp
	table facs

	.section .note.GNU-stack, "", @progbits
