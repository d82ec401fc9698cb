/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Whom the process runs as.
 */
#ifndef VQVMM_BRIDGE_PRIVILEGES_H
#define VQVMM_BRIDGE_PRIVILEGES_H

#include <sys/types.h>

/**
 * struct identity - whom to run as
 * @name: of the user
 * @user: its number
 * @group: its main group
 */
struct identity {
	const char *name;
	uid_t user;
	gid_t group;
};

int privileges_find(struct identity *identity, const char *name);
int privileges_drop(const struct identity *identity);

#endif /* VQVMM_BRIDGE_PRIVILEGES_H */
