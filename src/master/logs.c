/*
 * The logs as the master opens them: at the start, and again after a rotation.
 * Workers get the descriptors, since they may not open them.  Master.
 */

#include "base/fd.h"
#include "base/log.h"
#include "master/state.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

int
bt_master_open_access_log(const struct bt_conf *conf, bool *ret_off)
{
	int fd;

	*ret_off = conf->access_log == NULL;
	if (*ret_off)
		return -1;
	fd = open(
	    conf->access_log, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0640);
	return fd == -1 ? -errno : fd;
}

int
bt_master_open_logs(struct bt_master *m)
{
	const struct bt_conf *conf = m->conf;
	bool off;
	int r;

	if ((r = bt_log_open(conf->error_log, conf->error_log_level)) < 0) {
		bt_log_error(
		    NULL, r, "cannot open error_log %s", conf->error_log);
		return r;
	}
	r = bt_master_open_access_log(conf, &off);
	m->slots.access_log_fd = r < 0 ? -1 : r;
	if (off || r >= 0)
		return 0;
	bt_log_error(NULL, r, "cannot open access_log %s", conf->access_log);
	return r;
}

int
bt_master_reopen_logs(struct bt_master *m, const char **ret_path)
{
	bool off;
	int r, fd = bt_master_open_access_log(m->conf, &off);

	if (!off && fd < 0) {
		*ret_path = m->conf->access_log;
		bt_log_error(NULL, fd, "cannot open access_log %s", *ret_path);
		return fd;
	}
	if ((r = bt_log_reopen()) < 0) {
		*ret_path = m->conf->error_log;
		bt_log_error(NULL, r, "cannot open error_log %s", *ret_path);
		bt_fd_close(&fd);
		return r;
	}
	bt_fd_close(&m->slots.access_log_fd);
	m->slots.access_log_fd = fd;
	for (unsigned i = 0; i < m->slots.n; i++)
		bt_slot_send_logs(&m->slots.all[i]);
	bt_log_info(NULL, 0, "logs reopened");
	return 0;
}
