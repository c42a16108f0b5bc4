/*
 * What `baton -s` can ask for.  Master, on the loop.
 */

#include "base/log.h"
#include "master/report.h"
#include "master/state.h"

#include <string.h>

static void
on_status(void *arg, struct bt_control_client *c)
{
	bt_report_append(bt_control_lines(c), arg);
	bt_control_end(c, "ok");
}

static void
on_quit(void *arg, struct bt_control_client *c)
{
	bt_log_info(NULL, 0, "asked to quit");
	bt_control_wait(c, BT_WAIT_STOP);
	bt_master_drain(arg);
}

static void
on_stop(void *arg, struct bt_control_client *c)
{
	bt_log_info(NULL, 0, "asked to stop at once");
	bt_control_wait(c, BT_WAIT_STOP);
	bt_master_stop(arg);
}

static void
on_reopen(void *arg, struct bt_control_client *c)
{
	const char *path;
	int r = bt_master_reopen_logs(arg, &path);

	if (r < 0)
		bt_control_end(
		    c, "error %s cannot be reopened: %s", path, strerror(-r));
	else
		bt_control_end(c, "ok logs reopened");
}

static void
on_reload(void *arg, struct bt_control_client *c)
{
	struct bt_master *m = arg;

	bool next =
	    m->state == BT_MASTER_RELOADING || m->state == BT_MASTER_UPGRADING;

	bt_control_wait(c, next ? BT_WAIT_NEXT_RELOAD : BT_WAIT_RELOAD);
	bt_reload_begin(m);
}

static void
on_upgrade(void *arg, struct bt_control_client *c)
{
	bt_control_wait(c, BT_WAIT_UPGRADE);
	bt_upgrade_begin(arg);
}

const struct bt_control_verb bt_master_verbs[] = {
	{ "status", on_status },
	{ "quit", on_quit },
	{ "stop", on_stop },
	{ "reopen", on_reopen },
	{ "reload", on_reload },
	{ "upgrade", on_upgrade },
	{ NULL, NULL },
};
