/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The tables that iasl has compiled.
 */
#ifndef VQVMM_BOOT_TABLES_TABLES_H
#define VQVMM_BOOT_TABLES_TABLES_H

#include <stdint.h>

extern const uint8_t acpi_dsdt[], acpi_dsdt_end[];
extern const uint8_t acpi_facp[], acpi_facp_end[];
extern const uint8_t acpi_facs[], acpi_facs_end[];

#endif /* VQVMM_BOOT_TABLES_TABLES_H */
