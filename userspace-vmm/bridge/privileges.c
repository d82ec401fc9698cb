// SPDX-License-Identifier: GPL-2.0
/*
 * Giving up what is not needed any more.
 */
#include "bridge/privileges.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "option_values.h"

/**
 * privileges_find() - look a user up
 * @identity: is filled
 * @name: of the user, must outlive @identity
 *
 * Return: 0; OPTION_REJECTED, reported.
 */
int privileges_find(struct identity *identity, const char *name)
{
	const struct passwd *entry;

	errno = 0;
	entry = getpwnam(name);
	if (!entry)
		return option_error("--user", name, "%s",
				    errno ? strerror(errno) : "there is no such user");
	*identity = (struct identity) {
		.name = name, .user = entry->pw_uid, .group = entry->pw_gid
	};
	return 0;
}

/**
 * privileges_drop() - become that user, for good
 * @identity: from privileges_find()
 *
 * Return: 0; OPTION_REJECTED, reported.
 */
int privileges_drop(const struct identity *identity)
{
	if (initgroups(identity->name, identity->group) ||
	    setresgid(identity->group, identity->group, identity->group) ||
	    setresuid(identity->user, identity->user, identity->user) ||
	    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return option_error("--user", identity->name, "%m");
	return 0;
}
