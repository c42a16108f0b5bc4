/*
 * The access logs.  One may be a pipe to a program that is slow: what it does
 * not take waits in the buffer, and when that is full lines are lost, and
 * counted, before anybody waits for them.  A file has a buffer while it is
 * written to.  Worker, on the loop.
 */

#include "worker/access_log.h"

#include "base/mem.h"
#include "base/sink.h"
#include "channel/heritage.h"
#include "worker/log_line.h"

#include <errno.h>
#include <stdlib.h>

#define BUFFER_BYTES (64 * 1024)
#define LINE_MOST (16 * 1024)

struct log_file {
	struct bt_sink sink;
	uint32_t id;
	bool used; /* since the last tick */
	size_t len;
	char *buffer; /* BUFFER_BYTES; NULL while nothing is logged */
};

struct bt_access_log {
	struct bt_score_worker *score;
	size_t n;
	struct log_file files[];
};

_Static_assert(LINE_MOST >= BT_LOG_LINE_LEAST &&
	BT_SINK_PIPE_LINE_MAX >= BT_LOG_LINE_LEAST,
    "every line has room");

struct bt_access_log *
bt_access_log_new(
    const struct bt_conf *conf, int *fds, struct bt_score_worker *score)
{
	size_t n = conf->log_files_n;
	struct bt_access_log *log;

	if (n == 0 || fds == NULL)
		return NULL;
	log = bt_mem_zero(1, sizeof(*log) + n * sizeof(log->files[0]));
	log->score = score;
	log->n = n;
	for (size_t i = 0; i < n; i++) {
		log->files[i].sink.fd = -1;
		log->files[i].id = bt_log_file_id(conf->log_files[i]);
		bt_sink_take(&log->files[i].sink, &fds[i]);
	}
	return log;
}

/* Gives up the lines behind `from`. */
static void
lose(struct bt_access_log *log, struct log_file *f, size_t from)
{
	uint64_t lines = 0;

	for (size_t i = from; i < f->len; i++)
		lines += f->buffer[i] == '\n';
	bt_score_add(&log->score->log_lines_lost, lines);
	f->len = 0;
}

static void
flush(struct bt_access_log *log, struct log_file *f)
{
	ssize_t n;

	if (f->len == 0)
		return;
	n = bt_sink_write(&f->sink, f->buffer, f->len);
	if (n == -EAGAIN)
		return;
	if (n < 0 || (f->sink.kind == BT_SINK_FILE && (size_t)n < f->len)) {
		/* a full disk costs lines, and nothing else */
		lose(log, f, n < 0 ? 0 : (size_t)n);
		return;
	}
	f->len -= (size_t)n;
	memmove(f->buffer, f->buffer + n, f->len);
}

void
bt_access_log_free(struct bt_access_log *log)
{
	if (log == NULL)
		return;
	for (size_t i = 0; i < log->n; i++) {
		struct log_file *f = &log->files[i];

		flush(log, f);
		lose(log, f, 0);
		bt_sink_close(&f->sink);
		free(f->buffer);
	}
	free(log);
}

void
bt_access_log_switch(struct bt_access_log *log, uint32_t id, int *fd)
{
	if (log == NULL)
		return;
	for (size_t i = 0; i < log->n && *fd != -1; i++) {
		struct log_file *f = &log->files[i];

		if (f->id != id)
			continue;
		flush(log, f);
		bt_sink_take(&f->sink, fd);
	}
}

void
bt_access_log_flush(struct bt_access_log *log)
{
	for (size_t i = 0; i < log->n; i++) {
		struct log_file *f = &log->files[i];

		flush(log, f);
		if (f->len == 0 && !f->used) {
			free(f->buffer);
			f->buffer = NULL;
		}
		f->used = false;
	}
}

static void
add(struct bt_access_log *log, struct log_file *f, struct baton_exchange *x,
    const struct bt_conf_format *format)
{
	size_t room =
	    f->sink.kind == BT_SINK_FILE ? LINE_MOST : BT_SINK_PIPE_LINE_MAX;

	if (f->buffer == NULL)
		f->buffer = bt_mem_new(BUFFER_BYTES);
	f->used = true;
	if (BUFFER_BYTES - f->len < room)
		flush(log, f);
	if (BUFFER_BYTES - f->len < room)
		bt_score_add(&log->score->log_lines_lost, 1);
	else
		f->len += bt_log_line(x, format, f->buffer + f->len, room);
}

void
bt_access_log_add(struct bt_access_log *log, struct baton_exchange *x,
    const struct bt_conf_log *logs, size_t n)
{
	for (size_t i = 0; i < n; i++)
		add(log, &log->files[logs[i].file], x, logs[i].format);
}
