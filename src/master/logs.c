/*
 * The logs as the master opens them: at the start, and again after a rotation.
 * Workers get the descriptors, since they may not open them.  Master.
 */

#include "base/log.h"
#include "base/mem.h"
#include "base/sink.h"
#include "channel/heritage.h"
#include "master/state.h"

#include <stdlib.h>

int
bt_log_files_open(
    const struct bt_conf *conf, struct bt_log_files *ret, const char **ret_path)
{
	struct bt_log_files files = { 0 };
	size_t n = conf->log_files_n;
	struct bt_sink sink;
	int r;

	files.fds = bt_mem_zero(n + 1, sizeof(files.fds[0]));
	files.ids = bt_mem_zero(n + 1, sizeof(files.ids[0]));
	for (; files.n < n; files.n++) {
		*ret_path = conf->log_files[files.n];
		if ((r = bt_sink_open(*ret_path, &sink)) < 0) {
			bt_log_files_close(&files);
			return r;
		}
		files.fds[files.n] = sink.fd;
		files.ids[files.n] = bt_log_file_id(*ret_path);
	}
	*ret = files;
	return 0;
}

void
bt_log_files_close(struct bt_log_files *files)
{
	for (size_t i = 0; i < files->n; i++) {
		struct bt_sink sink = { .fd = files->fds[i] };

		bt_sink_close(&sink);
	}
	free(files->fds);
	free(files->ids);
	*files = (struct bt_log_files){ 0 };
}

int
bt_master_open_logs(struct bt_master *m)
{
	const struct bt_conf *conf = m->conf;
	const char *path;
	int r;

	if ((r = bt_log_open(conf->error_log, conf->error_log_level)) < 0) {
		bt_log_error(
		    NULL, r, "cannot open error_log %s", conf->error_log);
		return r;
	}
	if ((r = bt_log_files_open(conf, &m->slots.logs, &path)) < 0)
		bt_log_error(NULL, r, "cannot open access_log %s", path);
	return r;
}

int
bt_master_reopen_logs(struct bt_master *m, const char **ret_path)
{
	/* in a reload those of the new conf are in use already */
	const struct bt_conf *conf =
	    m->reload.logs_opened ? m->reload.conf : m->conf;
	struct bt_log_files files;
	int r;

	if ((r = bt_log_files_open(conf, &files, ret_path)) < 0) {
		bt_log_error(NULL, r, "cannot open access_log %s", *ret_path);
		return r;
	}
	if ((r = bt_log_reopen()) < 0) {
		*ret_path = conf->error_log;
		bt_log_error(NULL, r, "cannot open error_log %s", *ret_path);
		bt_log_files_close(&files);
		return r;
	}
	bt_log_files_close(&m->slots.logs);
	m->slots.logs = files;
	for (unsigned i = 0; i < m->slots.n; i++)
		bt_slot_send_logs(&m->slots.all[i]);
	bt_log_info(NULL, 0, "logs reopened");
	return 0;
}
