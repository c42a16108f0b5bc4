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

#define LINE_BYTES 2048

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
	if (out.fd != STDERR_FILENO)
		bt_fd_close(&out.fd);
	out.fd = bt_fd_take(fd);
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

/* Appends `text` to the line, escaped; returns the new length. */
static size_t
append(char *line, size_t len, const char *text)
{
	static const char hex[] = "0123456789abcdef";

	for (; *text != '\0' && len < LINE_BYTES - 8; text++) {
		unsigned char c = (unsigned char)*text;

		if (c >= 0x20 && c != 0x7f) {
			line[len++] = (char)c;
		} else {
			line[len++] = '\\';
			line[len++] = 'x';
			line[len++] = hex[c >> 4];
			line[len++] = hex[c & 15];
		}
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
		len = append(line, len, out.process);
		len = append(line, len, ctx ? ", " : ": ");
	}
	if (ctx != NULL) {
		text[0] = '\0';
		ctx->describe(ctx->of, text, sizeof(text));
		len = append(line, len, text);
		len = append(line, len, ": ");
	}
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	len = append(line, len, text);
	if (err != 0) {
		len = append(line, len, ": ");
		len = append(line, len, strerror(abs(err)));
	}
	line[len++] = '\n';
	if (write(out.fd, line, len) == -1) {
		/* there is no better place to say it */
	}
	errno = saved;
}
