/*
 * The error log.  Any process, the loop's thread.
 */

#include "base/log.h"

#include "base/fd.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
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

static struct {
	int fd;
	char *path; /* NULL: stderr */
	enum bt_log_level level;
	bool journal;
	char process[32];
} out = { .fd = STDERR_FILENO, .level = BT_LOG_INFO };

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
	int fd = STDERR_FILENO;

	if (path != NULL && strcmp(path, "stderr") != 0) {
		fd =
		    open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0640);
		if (fd == -1)
			return -errno;
	} else {
		path = NULL;
	}
	if (out.fd != STDERR_FILENO)
		bt_fd_close(&out.fd);
	free(out.path);
	out.fd = fd;
	out.path = path ? bt_mem_strdup(path) : NULL;
	out.level = level;
	out.journal = path == NULL && is_journal(fd);
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
	if (out.fd != STDERR_FILENO)
		bt_fd_close(&out.fd);
	out.fd = bt_fd_take(fd);
	out.journal = is_journal(out.fd);
}

void
bt_log_set_process(const char *name)
{
	snprintf(out.process, sizeof(out.process), "%s", name);
}

int
bt_log_fd(void)
{
	return out.fd;
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

/*
 * The length of the character at `s` which may be shown as it is: printable
 * ASCII, or well-formed UTF-8 (RFC 3629) but for C1 controls, which terminals
 * obey.  0 for anything else.
 */
static size_t
printable(const char *text)
{
	const unsigned char *s = (const unsigned char *)text;
	unsigned low = 0x80, high = 0xbf; /* bounds of the second byte */
	size_t n;

	if (s[0] < 0x80)
		return s[0] >= 0x20 && s[0] != 0x7f;
	if (s[0] < 0xc2 || s[0] > 0xf4)
		return 0;
	n = s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
	if (s[0] == 0xc2 || s[0] == 0xe0)
		low = 0xa0; /* C1 controls, overlong forms */
	else if (s[0] == 0xed)
		high = 0x9f; /* surrogates */
	else if (s[0] == 0xf0)
		low = 0x90; /* overlong forms */
	else if (s[0] == 0xf4)
		high = 0x8f; /* past U+10FFFF */
	if (s[1] < low || s[1] > high)
		return 0;
	for (size_t i = 2; i < n; i++)
		if (s[i] < 0x80 || s[i] > 0xbf)
			return 0;
	return n;
}

/* Appends `text` to the line, escaped; returns the new length, <= `most`. */
static size_t
append(char *line, size_t len, size_t most, const char *text)
{
	static const char hex[] = "0123456789abcdef";

	while (*text != '\0') {
		unsigned char c = (unsigned char)*text;
		size_t n = printable(text);

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

static size_t
append_head(char *line, enum bt_log_level level)
{
	struct timespec now;
	struct tm tm;

	if (out.journal)
		return (size_t)sprintf(line, "<%d>", priorities[level]);
	clock_gettime(CLOCK_REALTIME, &now);
	localtime_r(&now.tv_sec, &tm);
	return (size_t)snprintf(line, 64,
	    "%04d-%02d-%02d %02d:%02d:%02d.%03d %-5s ", tm.tm_year + 1900,
	    tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec,
	    (int)(now.tv_nsec / 1000000), bt_log_level_names[level]);
}

void
bt_log_write(enum bt_log_level level, const struct bt_log *ctx, int err,
    const char *fmt, ...)
{
	char line[LINE_BYTES], text[LINE_BYTES];
	int saved = errno;
	size_t len;
	va_list ap;

	if (!bt_log_enabled(level))
		return;
	len = append_head(line, level);
	if (out.process[0] != '\0') {
		len = append(line, len, CONTEXT_MOST, out.process);
		len = append(line, len, CONTEXT_MOST, ctx ? ", " : ": ");
	}
	if (ctx != NULL) {
		text[0] = '\0';
		ctx->describe(ctx->of, text, sizeof(text));
		len = append(line, len, CONTEXT_MOST, text);
		len = append(line, len, CONTEXT_MOST, ": ");
	}
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	len = append(line, len, TEXT_MOST, text);
	if (err != 0) {
		len = append(line, len, LINE_MOST, ": ");
		len = append(line, len, LINE_MOST, strerror(abs(err)));
	}
	line[len++] = '\n';
	if (write(out.fd, line, len) == -1) {
		/* there is no better place to say it */
	}
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
	bt_log_write(level, NULL, 0, "%.*s", (int)len, line);
}

void
bt_log_lines(enum bt_log_level level, struct bt_str text)
{
	while (text.n > 0) {
		const char *lf = memchr(text.p, '\n', text.n);
		size_t n = lf ? (size_t)(lf - text.p) : text.n;

		write_line(level, text.p, n);
		text.p += n + (lf != NULL);
		text.n -= n + (lf != NULL);
	}
}
