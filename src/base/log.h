#ifndef BT_BASE_LOG_H
#define BT_BASE_LOG_H

/*
 * The error log of this process: whole lines, one write(2) each, to stderr, a
 * file, or the system's log.  Lines begin with the time and the level; when
 * stderr is the journal's (JOURNAL_STREAM), with the level prefix `<N>` of
 * sd-daemon(3) instead.  Bytes outside of printable ASCII and UTF-8 are
 * escaped. Repeats are counted (base/repeats.h).  Nobody waits for who reads
 * the log: lines that find no room are lost, and the next one that does says
 * how many.
 *
 * Who can do something about a failure handles it, who cannot returns it; the
 * place that knows the client or the directive logs it, once.
 */

#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum bt_log_level {
	BT_LOG_ERROR, /* needs a person */
	BT_LOG_WARN,  /* may need a person */
	BT_LOG_INFO,  /* a life event */
	BT_LOG_DEBUG, /* follows the line */
	BT_LOG_LEVELS,
};

extern const char *const bt_log_level_names[BT_LOG_LEVELS];

/* Who is speaking: `describe` writes e.g. `conn 12 from 192.0.2.7`. */
struct bt_log {
	void (*describe)(const void *of, char *out, size_t size);
	const void *of;
};

/*
 * Opens the log: `path` is one of bt_sink_open(), NULL is "stderr".  Until
 * then, and after a failure, lines go to stderr at level info.
 *
 * Returns: 0, or negative errno of opening it; the old one stays.
 */
int bt_log_open(const char *path, enum bt_log_level level);

/* Opens the same path again (after logrotate).  0, or negative errno. */
int bt_log_reopen(void);

/* Takes a descriptor opened elsewhere in place of the file in use. */
void bt_log_take(int *fd);

/*
 * The name in front of every line: `master`, `worker 3`.  It is copied.  What
 * the process that forked it has said is forgotten.
 */
void bt_log_set_process(const char *name);

/* The descriptor in use, for those who shed all others. */
int bt_log_fd(void);

bool bt_log_enabled(enum bt_log_level);

/* Is the log the journal's, so that lines begin with their level? */
bool bt_log_in_journal(void);

/*
 * Writes a line.  `ctx` may be NULL; `err` is an errno of either sign, or 0;
 * errno is kept.
 */
void bt_log_write(enum bt_log_level, const struct bt_log *ctx, int err,
    const char *fmt, ...) __attribute__((format(printf, 4, 5)));

/* Says how often was repeated what is no longer to be waited for. */
void bt_log_tick(int64_t now_ms);

/* The same for all that was: the process ends. */
void bt_log_finish(void);

/* A line for each line of the text; a tab is four spaces. */
void bt_log_lines(enum bt_log_level, struct bt_str text);

#define bt_log_error(ctx, err, ...) \
	bt_log_write(BT_LOG_ERROR, ctx, err, __VA_ARGS__)
#define bt_log_warn(ctx, err, ...) \
	bt_log_write(BT_LOG_WARN, ctx, err, __VA_ARGS__)
#define bt_log_info(ctx, err, ...) \
	bt_log_write(BT_LOG_INFO, ctx, err, __VA_ARGS__)
#define bt_log_debug(ctx, err, ...) \
	do { \
		if (bt_log_enabled(BT_LOG_DEBUG)) \
			bt_log_write(BT_LOG_DEBUG, ctx, err, __VA_ARGS__); \
	} while (0)

#endif
