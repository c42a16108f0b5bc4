#ifndef BT_BASE_SINK_H
#define BT_BASE_SINK_H

/*
 * Where lines go: a file, a FIFO, a stream that was there at the start, the
 * system's log.  Nobody waits for who reads there: what is not taken at once is
 * lost, or kept by who writes.  And no line is cut into another, of whatever
 * process: those of a file are appended by one write(2), those of a pipe by
 * writes which the kernel keeps whole.
 */

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum bt_sink_kind {
	BT_SINK_FILE,
	BT_SINK_PIPE,   /* FIFOs, pipes, terminals, /dev/null */
	BT_SINK_STREAM, /* a connected socket: the journal */
	BT_SINK_SYSLOG, /* datagrams */
};

struct bt_sink {
	int fd; /* -1: none */
	enum bt_sink_kind kind;
	bool torn; /* FILE: the next lines begin with an LF */
};

/* A line of a pipe that is not longer is never mixed with another one. */
#define BT_SINK_PIPE_LINE_MAX 4096

/*
 * Opens "stderr", "stdout", "syslog" (/dev/log), "syslog:PATH", or a file,
 * which is made where it is missing.  A FIFO need not have a reader, and is not
 * waited for.
 *
 * Returns:   0 with `*ret`, or negative errno.
 * Ownership: the caller's, bt_sink_close().
 */
int bt_sink_open(const char *place, struct bt_sink *ret);

/* Closes it; descriptors 0 to 2 stay open, as others have them, too. */
void bt_sink_close(struct bt_sink *);

/* Becomes what another process has opened; takes the descriptor. */
void bt_sink_take(struct bt_sink *, int *fd);

/*
 * Writes lines, each with its LF; for SYSLOG it is one, without.
 *
 * Returns: how many bytes are written; negative errno, none (-EAGAIN: it is
 *          full).  Of a FILE's line that is not written whole the rest is
 *          not to be written: the next one begins on its own.
 */
ssize_t bt_sink_write(struct bt_sink *, const char *lines, size_t n);

/* Looks for a system's log that was started again.  0, or negative errno. */
int bt_sink_connect(const struct bt_sink *, const char *place);

#endif
