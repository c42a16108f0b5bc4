/*
 * Privileges, given up for good.  Worker, before its loop.
 *
 * Without a capability it cannot reach into the master's memory either, where
 * both are the same user: the kernel lets nobody trace whoever has more.
 */

#include "worker/worker.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <sys/syscall.h>
#include <unistd.h>

/*
 * What a service manager gave the master, for ports below 1024.  libc has no
 * names for these calls, and libcap would be one library more for just this.
 */
static int
drop_capabilities(void)
{
	struct __user_cap_header_struct header = {
		.version = _LINUX_CAPABILITY_VERSION_3
	};
	struct __user_cap_data_struct has[_LINUX_CAPABILITY_U32S_3];
	static const struct __user_cap_data_struct
	    none[sizeof(has) / sizeof(has[0])];
	uint32_t any = 0;

	if (syscall(SYS_capget, &header, has) == -1)
		return -errno;
	for (size_t i = 0; i < sizeof(has) / sizeof(has[0]); i++)
		any |= has[i].permitted | has[i].inheritable;
	/* where there is nothing to give up a sandbox may forbid the call */
	if (any != 0 && syscall(SYS_capset, &header, none) == -1)
		return -errno;
	return 0;
}

int
bt_privileges_drop(const char *user)
{
	const struct passwd *pw;

	if (geteuid() != 0)
		return drop_capabilities();
	if (user == NULL)
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
