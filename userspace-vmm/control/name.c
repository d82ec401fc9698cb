// SPDX-License-Identifier: GPL-2.0
/*
 * Where the socket of a machine is: /run/vqvmm/NAME.sock for root, below
 * XDG_RUNTIME_DIR for others.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "control/control.h"

char *control_directory(void)
{
	const char *parent = geteuid() ? getenv("XDG_RUNTIME_DIR") : "/run";
	char *path;

	if (!parent || *parent != '/') {
		errno = ENOENT;
		return NULL;
	}
	return asprintf(&path, "%s/vqvmm", parent) < 0 ? NULL : path;
}

int control_address(const char *directory, const char *name, struct sockaddr_un *address)
{
	int length;

	*address = (struct sockaddr_un){ .sun_family = AF_UNIX };
	length = snprintf(address->sun_path, sizeof(address->sun_path), "%s/%s" CONTROL_SUFFIX,
			  directory, name);
	return length < (int)sizeof(address->sun_path) ? 0 : -ENAMETOOLONG;
}
