/*
 * Privileges, given up for good.  Worker, before its loop.
 */

#include "worker/worker.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <unistd.h>

int
bt_privileges_drop(const char *user)
{
	const struct passwd *pw;

	if (user == NULL || geteuid() != 0)
		return 0;
	errno = 0;
	if ((pw = getpwnam(user)) == NULL)
		return errno ? -errno : -ENOENT;
	if (initgroups(pw->pw_name, pw->pw_gid) == -1 ||
	    setresgid(pw->pw_gid, pw->pw_gid, pw->pw_gid) == -1 ||
	    setresuid(pw->pw_uid, pw->pw_uid, pw->pw_uid) == -1)
		return -errno;
	/* it must not be possible to get them back */
	if (pw->pw_uid != 0 && (setuid(0) == 0 || geteuid() == 0))
		return -EPERM;
	return 0;
}
