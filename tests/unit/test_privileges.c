/*
 * worker/privileges.c: who is not root keeps no capability either.
 */

#include "tests/unit/unit.h"

#include "worker/worker.h"

#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define SOMEBODY 65534
#define BIND (1u << CAP_NET_BIND_SERVICE)

static struct __user_cap_header_struct header = {
	.version = _LINUX_CAPABILITY_VERSION_3
};

static bool
has_capability(void)
{
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

	ck_assert_int_eq(syscall(SYS_capget, &header, data), 0);
	return data[0].permitted || data[1].permitted || data[0].inheritable;
}

/* As a service manager starts it with User= and AmbientCapabilities=. */
static void
become_somebody_who_may_bind(void)
{
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {
		{ .effective = BIND, .permitted = BIND, .inheritable = BIND }
	};

	ck_assert_int_eq(prctl(PR_SET_KEEPCAPS, 1), 0);
	ck_assert_int_eq(setresuid(SOMEBODY, SOMEBODY, SOMEBODY), 0);
	ck_assert_int_eq(syscall(SYS_capset, &header, data), 0);
	ck_assert_int_eq(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE,
			     CAP_NET_BIND_SERVICE, 0, 0),
	    0);
	ck_assert(has_capability());
}

START_TEST(capabilities_are_given_up)
{
	if (geteuid() == 0)
		become_somebody_who_may_bind();
	ck_assert_int_eq(bt_privileges_drop(_i ? "somebody else" : NULL), 0);
	ck_assert(!has_capability());
	ck_assert_int_eq(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET,
			     CAP_NET_BIND_SERVICE, 0, 0),
	    0);
}
END_TEST

BT_UNIT_SUITE(privileges)
{
	TCase *tc = bt_unit_case(s, "privileges");

	tcase_add_loop_test(tc, capabilities_are_given_up, 0, 2);
}
