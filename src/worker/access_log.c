/*
 * The access log.  It may be a pipe to a program that is slow: what it does not
 * take waits in the buffer, and when that is full lines are lost, and counted,
 * before anybody waits for them.  Worker, on the loop.
 */

#include "worker/access_log.h"

#include "base/fd.h"
#include "base/mem.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define BUFFER_BYTES (64 * 1024)
/* Each text from outside is cut to that, so that a line always fits. */
#define TEXT_BYTES_MAX 4096
#define USER_BYTES_MAX 256
#define LINE_BYTES_MAX (4 * 3 * TEXT_BYTES_MAX + 4 * USER_BYTES_MAX + 512)

struct bt_access_log {
	int fd;
	enum bt_log_format format;
	struct bt_score_worker *score;
	int64_t stamp_s; /* of `stamp` */
	char stamp[40];
	size_t len, lines;
	char buffer[BUFFER_BYTES];
};

_Static_assert(LINE_BYTES_MAX < BUFFER_BYTES, "a line must fit");

/* Where non-blocking has no meaning, as for files on a disk, nothing is lost.
 */
static void
take_file(struct bt_access_log *log, int *fd)
{
	log->fd = bt_fd_take(fd);
	bt_fd_set_nonblock(log->fd);
}

struct bt_access_log *
bt_access_log_new(
    int *fd, enum bt_log_format format, struct bt_score_worker *score)
{
	struct bt_access_log *log = bt_mem_zero(1, sizeof(*log));

	take_file(log, fd);
	log->format = format;
	log->score = score;
	return log;
}

void
bt_access_log_free(struct bt_access_log *log)
{
	if (log == NULL)
		return;
	bt_access_log_flush(log);
	bt_score_add(&log->score->log_lines_lost, log->lines);
	bt_fd_close(&log->fd);
	free(log);
}

void
bt_access_log_switch(struct bt_access_log *log, int *fd)
{
	bt_access_log_flush(log);
	bt_fd_close(&log->fd);
	take_file(log, fd);
}

/* What is written goes; the rest waits for the next flush. */
static void
keep_from(struct bt_access_log *log, size_t at)
{
	log->len -= at;
	memmove(log->buffer, log->buffer + at, log->len);
	log->lines = 0;
	for (size_t i = 0; i < log->len; i++)
		log->lines += log->buffer[i] == '\n';
}

void
bt_access_log_flush(struct bt_access_log *log)
{
	size_t at = 0;

	while (at < log->len) {
		ssize_t n = write(log->fd, log->buffer + at, log->len - at);

		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1 && errno == EAGAIN) {
			keep_from(log, at);
			return;
		}
		if (n <= 0) { /* a full disk costs lines, and nothing else */
			bt_score_add(&log->score->log_lines_lost, log->lines);
			break;
		}
		at += (size_t)n;
	}
	log->len = log->lines = 0;
}

/* Quotes, backslashes and what is not printable ASCII become \xNN. */
static char *
put_escaped(char *at, struct bt_str s)
{
	static const char hex[] = "0123456789ABCDEF";

	if (s.n > TEXT_BYTES_MAX)
		s.n = TEXT_BYTES_MAX;
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c >= 0x20 && c < 0x7f && c != '"' && c != '\\') {
			*at++ = (char)c;
		} else {
			*at++ = '\\';
			*at++ = 'x';
			*at++ = hex[c >> 4];
			*at++ = hex[c & 15];
		}
	}
	return at;
}

static char *
put_quoted(char *at, struct bt_str s)
{
	*at++ = ' ';
	*at++ = '"';
	if (s.n == 0)
		*at++ = '-';
	at = put_escaped(at, s);
	*at++ = '"';
	return at;
}

/* Without quotes around it, a blank would end it. */
static char *
put_word(char *at, struct bt_str s)
{
	char *begin = at;

	if (s.n == 0)
		*at++ = '-';
	if (s.n > USER_BYTES_MAX)
		s.n = USER_BYTES_MAX;
	at = put_escaped(at, s);
	for (; begin < at; begin++)
		if (*begin == ' ')
			*begin = '_';
	return at;
}

static const char *
stamp(struct bt_access_log *log, int64_t wall_s)
{
	static const char months[12][4] = { "Jan", "Feb", "Mar", "Apr", "May",
		"Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
	time_t t = (time_t)wall_s;
	struct tm tm;
	long minutes;

	if (log->stamp_s == wall_s)
		return log->stamp;
	localtime_r(&t, &tm);
	minutes = labs(tm.tm_gmtoff) / 60;
	snprintf(log->stamp, sizeof(log->stamp),
	    "%02d/%s/%04d:%02d:%02d:%02d %c%02ld%02ld", tm.tm_mday % 100,
	    months[tm.tm_mon], (tm.tm_year + 1900) % 10000, tm.tm_hour % 100,
	    tm.tm_min % 100, tm.tm_sec % 100, tm.tm_gmtoff < 0 ? '-' : '+',
	    minutes / 60 % 100, minutes % 60);
	log->stamp_s = wall_s;
	return log->stamp;
}

void
bt_access_log_add(
    struct bt_access_log *log, const struct bt_exchange *x, int64_t wall_s)
{
	const struct bt_request *r = &x->request;
	char host[BT_ADDR_TEXT_MAX], *at;
	struct bt_addr client;

	if (log->len + LINE_BYTES_MAX > BUFFER_BYTES)
		bt_access_log_flush(log);
	if (log->len + LINE_BYTES_MAX > BUFFER_BYTES) {
		bt_score_add(&log->score->log_lines_lost, 1);
		return;
	}
	bt_baton_peer(x->baton, &client);
	bt_addr_format_host(&client, host);
	at = log->buffer + log->len;
	at += sprintf(at, "%.64s - ", host);
	at = put_word(at, x->user);
	at += sprintf(at, " [%s]", stamp(log, wall_s));
	at = put_quoted(at, r->line);
	at += sprintf(
	    at, " %u %llu", x->reply.status, (unsigned long long)x->sent);
	if (log->format == BT_LOG_FORMAT_COMBINED) {
		at = put_quoted(at, bt_request_known(r, BT_FIELD_REFERER));
		at = put_quoted(at, bt_request_known(r, BT_FIELD_USER_AGENT));
	}
	*at++ = '\n';
	log->len = (size_t)(at - log->buffer);
	log->lines++;
}
