/*
 * `baton -s`: the asking side of the control socket.  Its own process, which
 * may wait; never the daemon.
 */

#include "base/buf.h"
#include "base/fd.h"
#include "master/control.h"
#include "master/master.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define PATIENCE_S 10 /* beyond what the verb may take */
#define UPGRADE_S 60  /* a rehearsal, then the other program's start */
#define ANSWER_MAX (1024 * 1024)

static int
complain(const char *path, const char *what, int err)
{
	fprintf(stderr, "baton: %s%s%s%s%s\n", path ? path : "",
	    path ? ": " : "", what, err ? ": " : "", err ? strerror(err) : "");
	return 1;
}

/* Connects; says what is wrong and returns -1 when that does not work. */
static int
reach(const char *path, int64_t patience_ms)
{
	struct timeval tv = { .tv_sec = patience_ms / 1000 };
	struct bt_addr addr;
	int fd, err;

	if (bt_control_addr(path, &addr) < 0) {
		complain(path, "the path of the control socket is too long", 0);
		return -1;
	}
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd == -1) {
		complain(path, "cannot make a socket", errno);
		return -1;
	}
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv));
	if (connect(fd, (const void *)&addr.ss, addr.len) == 0)
		return fd;
	err = errno;
	complain(path,
	    err == ENOENT || err == ECONNREFUSED
		? "no master answers here; is baton running?"
		: "cannot reach the master",
	    err == ENOENT || err == ECONNREFUSED ? 0 : err);
	bt_fd_close(&fd);
	return -1;
}

/* Reads to the end.  0, or the errno. */
static int
read_answer(int fd, struct bt_buf *answer)
{
	while (answer->len < ANSWER_MAX) {
		ssize_t r = recv(fd, bt_buf_reserve(answer, 4096), 4096, 0);

		if (r == -1 && errno == EINTR)
			continue;
		if (r == -1)
			return errno;
		if (r == 0)
			return 0;
		answer->len += (size_t)r;
	}
	return EMSGSIZE;
}

/* Prints the answer; the last line says which exit status it is. */
static int
print_answer(const char *path, struct bt_buf *answer)
{
	size_t last = answer->len;
	struct bt_str verdict;

	if (answer->len == 0 || answer->data[answer->len - 1] != '\n')
		return complain(path, "the master went away unanswering", 0);
	for (last--; last > 0 && answer->data[last - 1] != '\n'; last--)
		;
	verdict =
	    (struct bt_str){ answer->data + last, answer->len - last - 1 };
	if (bt_str_has_prefix(verdict, BT_STR("ok"))) {
		fwrite(answer->data, 1, last, stdout);
		verdict.p += 2;
		verdict.n -= 2;
		verdict = bt_str_trim(verdict);
		if (verdict.n > 0)
			printf("%.*s\n", BT_STR_ARG(verdict));
		return fflush(stdout) == 0 ? 0 : 1;
	}
	fwrite(answer->data, 1, last, stderr);
	if (!bt_str_has_prefix(verdict, BT_STR("error ")))
		return complain(path, "the answer was cut off", 0);
	fprintf(stderr, "baton: %.*s\n", (int)verdict.n - 6, verdict.p + 6);
	return 1;
}

int
bt_control_ask(const struct bt_conf *conf, const char *verb)
{
	int64_t patience_ms = conf->drain_timeout_ms + PATIENCE_S * 1000 +
	    (strcmp(verb, "upgrade") == 0 ? UPGRADE_S * 1000 : 0);
	struct bt_buf answer = { NULL, 0, 0 };
	char line[64];
	int fd, n, r, status;

	if (conf->control == NULL)
		return complain(conf->file,
		    "the conf names no control socket (`control PATH;`)", 0);
	if ((fd = reach(conf->control, patience_ms)) == -1)
		return 1;
	n = snprintf(line, sizeof(line), "%s\n", verb);
	if (n >= (int)sizeof(line) ||
	    send(fd, line, (size_t)n, MSG_NOSIGNAL) != n) {
		bt_fd_close(&fd);
		return complain(conf->control, "cannot ask", errno);
	}
	r = read_answer(fd, &answer);
	if (r == EAGAIN)
		status = complain(
		    conf->control, "the master does not answer in time", 0);
	else if (r != 0)
		status = complain(conf->control, "no answer", r);
	else
		status = print_answer(conf->control, &answer);
	bt_fd_close(&fd);
	bt_buf_fini(&answer);
	return status;
}
