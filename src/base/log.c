/*
 * The error log.  Any process, the loop's thread.
 */

#include "base/log.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/repeats.h"
#include "base/sink.h"
#include "base/utf8.h"

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/*
 * A line and what its parts may fill it up to, so that a long one leaves room
 * for those behind it: the errno tells more than the end of a long path.
 */
#define LINE_BYTES 2048
#define CONTEXT_MOST 1024
#define TEXT_MOST (LINE_BYTES - 128)
#define LINE_MOST (LINE_BYTES - 1) /* LF */

const char *const bt_log_level_names[BT_LOG_LEVELS] = {
	[BT_LOG_ERROR] = "error",
	[BT_LOG_WARN] = "warn",
	[BT_LOG_INFO] = "info",
	[BT_LOG_DEBUG] = "debug",
};

/* syslog(3) priorities, as sd-daemon(3) wants them in `<N>` */
static const int priorities[BT_LOG_LEVELS] = { 3, 4, 6, 7 };

/* LOG_DAEMON of syslog(3) */
#define FACILITY (3 << 3)

static struct {
	struct bt_sink sink;
	char *path; /* NULL: stderr */
	enum bt_log_level level;
	bool journal;
	unsigned lost; /* lines, since the last that was written */
	char process[32];
	struct bt_repeats repeats;
} out = { .sink = { .fd = STDERR_FILENO, .kind = BT_SINK_PIPE },
	.level = BT_LOG_INFO };

/* True when stderr is the stream that the journal told us of. */
static bool
is_journal(int fd)
{
	const char *env = getenv("JOURNAL_STREAM");
	struct stat st;
	uintmax_t dev, ino;

	return env != NULL && sscanf(env, "%ju:%ju", &dev, &ino) == 2 &&
	    fstat(fd, &st) == 0 && st.st_dev == dev && st.st_ino == ino;
}

int
bt_log_open(const char *path, enum bt_log_level level)
{
	struct bt_sink sink;
	int r;

	if (path != NULL && strcmp(path, "stderr") == 0)
		path = NULL;
	if ((r = bt_sink_open(path ? path : "stderr", &sink)) < 0)
		return r;
	bt_sink_close(&out.sink);
	free(out.path);
	out.sink = sink;
	out.path = path ? bt_mem_strdup(path) : NULL;
	out.level = level;
	out.journal = path == NULL && is_journal(sink.fd);
	return 0;
}

int
bt_log_reopen(void)
{
	char *path;
	int r;

	if (out.path == NULL)
		return 0;
	path = bt_mem_strdup(out.path);
	r = bt_log_open(path, out.level);
	free(path);
	return r;
}

void
bt_log_take(int *fd)
{
	if (*fd == -1)
		return;
	bt_sink_take(&out.sink, fd);
	out.journal = is_journal(out.sink.fd);
}

void
bt_log_set_process(const char *name)
{
	snprintf(out.process, sizeof(out.process), "%s", name);
	out.repeats.n = out.repeats.counting = 0;
}

int
bt_log_fd(void)
{
	return out.sink.fd;
}

bool
bt_log_enabled(enum bt_log_level level)
{
	return level <= out.level;
}

bool
bt_log_in_journal(void)
{
	return out.journal;
}

/* Appends `text` to the line, escaped; returns the new length, <= `most`. */
static size_t
append(char *line, size_t len, size_t most, const char *text)
{
	static const char hex[] = "0123456789abcdef";

	while (*text != '\0') {
		unsigned char c = (unsigned char)*text;
		size_t n = bt_utf8_printable(text, strnlen(text, 4));

		if (len + (n ? n : 4) > most)
			break;
		if (n > 0) {
			memcpy(line + len, text, n);
			len += n;
			text += n;
			continue;
		}
		line[len++] = '\\';
		line[len++] = 'x';
		line[len++] = hex[c >> 4];
		line[len++] = hex[c & 15];
		text++;
	}
	return len;
}

/* `Nov 23 16:05:07 baton[77]: `, as syslog(3) begins its lines (RFC 3164). */
static size_t
append_syslog_head(char *line, enum bt_log_level level, const struct tm *tm)
{
	static const char months[12][4] = { "Jan", "Feb", "Mar", "Apr", "May",
		"Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };

	return (size_t)snprintf(line, 64,
	    "<%d>%s %2d %02d:%02d:%02d baton[%d]: ",
	    FACILITY | priorities[level], months[tm->tm_mon], tm->tm_mday,
	    tm->tm_hour, tm->tm_min, tm->tm_sec, (int)getpid());
}

static size_t
append_head(char *line, enum bt_log_level level)
{
	struct timespec now;
	struct tm tm;

	if (out.journal)
		return (size_t)sprintf(line, "<%d>", priorities[level]);
	clock_gettime(CLOCK_REALTIME, &now);
	localtime_r(&now.tv_sec, &tm);
	if (out.sink.kind == BT_SINK_SYSLOG)
		return append_syslog_head(line, level, &tm);
	return (size_t)snprintf(line, 64,
	    "%04d-%02d-%02d %02d:%02d:%02d.%03d %-5s ", tm.tm_year + 1900,
	    tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec,
	    (int)(now.tv_nsec / 1000000), bt_log_level_names[level]);
}

static bool
put(char *line, size_t len)
{
	ssize_t n;

	if (out.sink.kind != BT_SINK_SYSLOG) {
		line[len++] = '\n';
		n = bt_sink_write(&out.sink, line, len);
		return n == (ssize_t)len;
	}
	n = bt_sink_write(&out.sink, line, len);
	if (n >= 0 || n == -EAGAIN)
		return n >= 0;
	/* it was started again: whoever comes first connects it for all */
	return out.path != NULL && bt_sink_connect(&out.sink, out.path) == 0 &&
	    bt_sink_write(&out.sink, line, len) >= 0;
}

static bool
say(enum bt_log_level level, const struct bt_log *ctx, int err,
    const char *text)
{
	char line[LINE_BYTES], about[LINE_BYTES];
	size_t len = append_head(line, level);

	if (out.process[0] != '\0') {
		len = append(line, len, CONTEXT_MOST, out.process);
		len = append(line, len, CONTEXT_MOST, ctx ? ", " : ": ");
	}
	if (ctx != NULL) {
		about[0] = '\0';
		ctx->describe(ctx->of, about, sizeof(about));
		len = append(line, len, CONTEXT_MOST, about);
		len = append(line, len, CONTEXT_MOST, ": ");
	}
	len = append(line, len, TEXT_MOST, text);
	if (err != 0) {
		len = append(line, len, LINE_MOST, ": ");
		len = append(line, len, LINE_MOST, strerror(abs(err)));
	}
	return put(line, len);
}

/* There is no better place to say that it could not be said. */
static void
say_or_count(enum bt_log_level level, const struct bt_log *ctx, int err,
    const char *text)
{
	char lost[64];

	if (out.lost > 0) {
		snprintf(lost, sizeof(lost), "%u line%s lost here", out.lost,
		    out.lost == 1 ? " was" : "s were");
		if (say(BT_LOG_WARN, NULL, 0, lost))
			out.lost = 0;
	}
	if (!say(level, ctx, err, text))
		out.lost++;
}

void
bt_log_tick(int64_t now_ms)
{
	struct bt_repeat r;
	char text[sizeof(r.text) + 64];

	while (bt_repeats_next(&out.repeats, now_ms, &r)) {
		snprintf(text, sizeof(text), "%u times more, in %d s: %s",
		    r.more, BT_REPEATS_MS / 1000, r.text);
		say_or_count((enum bt_log_level)r.level, NULL, r.err, text);
	}
}

void
bt_log_finish(void)
{
	bt_log_tick(INT64_MAX);
}

void
bt_log_write(enum bt_log_level level, const struct bt_log *ctx, int err,
    const char *fmt, ...)
{
	char text[LINE_BYTES];
	int64_t now_ms;
	int saved = errno;
	va_list ap;

	if (!bt_log_enabled(level))
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	now_ms = bt_clock_ms();
	bt_log_tick(now_ms);
	if (level == BT_LOG_DEBUG ||
	    bt_repeats_take(&out.repeats, level, err, text, now_ms))
		say_or_count(level, ctx, err, text);
	errno = saved;
}

/* The line with its tabs as spaces, so that a caret below it stays in place. */
static void
write_line(enum bt_log_level level, const char *text, size_t n)
{
	char line[LINE_BYTES];
	size_t len = 0;

	for (size_t i = 0; i < n && len + 4 < sizeof(line); i++) {
		bool tab = text[i] == '\t';

		memset(line + len, tab ? ' ' : text[i], tab ? 4 : 1);
		len += tab ? 4 : 1;
	}
	line[len] = '\0';
	say_or_count(level, NULL, 0, line);
}

void
bt_log_lines(enum bt_log_level level, struct bt_str text)
{
	if (!bt_log_enabled(level))
		return;
	while (text.n > 0) {
		const char *lf = memchr(text.p, '\n', text.n);
		size_t n = lf ? (size_t)(lf - text.p) : text.n;

		write_line(level, text.p, n);
		text.p += n + (lf != NULL);
		text.n -= n + (lf != NULL);
	}
}
