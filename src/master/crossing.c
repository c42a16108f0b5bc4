/*
 * The master's luggage as a text.  Numbers and a rest of the line; what may
 * have line ends in it is written by its length.  Master.
 */

#include "master/crossing.h"

#include "base/mem.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* No conf and no queue makes one larger than this. */
#define BYTES_MAX (1024L * 1024 * 1024)

static const struct bt_crossing nothing = {
	.board_fd = -1,
	.control_fd = -1,
	.shared_fd = -1,
};

/* --- writing --- */

static void
put_blob(struct bt_buf *b, const char *word, struct bt_str s)
{
	bt_buf_printf(b, "%s %zu\n", word, s.n);
	bt_buf_append(b, s.p, s.n);
	bt_buf_putc(b, '\n');
}

static void
put_path(struct bt_buf *b, const char *word, const char *path)
{
	if (path != NULL)
		put_blob(b, word, bt_str_of(path));
}

static void
put_listener(struct bt_buf *b, const struct bt_crossing_listener *l)
{
	char text[BT_ADDR_TEXT_MAX];

	bt_buf_printf(b, "listener %u %d %d %" PRIu64 " %" PRIu64 " %s\n",
	    l->id, l->fd, l->unlink, l->dev, l->ino,
	    bt_addr_format(&l->addr, text));
}

static void
put_slot(struct bt_buf *b, const struct bt_crossing_slot *s)
{
	bt_buf_printf(b, "slot %u %u %d %d %u %d %d %u %d %d\n", s->index,
	    s->state, (int)s->pid, (int)s->guard, s->generation, s->near,
	    s->far, s->farewell, s->owes_farewell, s->owes_logs);
}

static void
put_held(struct bt_buf *b, const struct bt_handover *h)
{
	const struct bt_baton *t = &h->baton;

	bt_buf_printf(b,
	    "held %d %d %" PRId64 " %" PRIu64 " %" PRIu64 " %" PRIu64
	    " %u %u %u %u %u ",
	    h->fd, bt_baton_is_pair(t) ? h->with_fd : -1, t->accepted_us, t->id,
	    h->amid.words[0], h->amid.words[1], t->requests, t->listen,
	    t->family, t->port, t->flags);
	for (size_t i = 0; i < sizeof(t->host); i++)
		bt_buf_printf(b, "%02x", t->host[i]);
	put_blob(b, "", (struct bt_str){ h->bytes, t->bytes });
}

static int
write_all(int fd, struct bt_str s)
{
	while (s.n > 0) {
		ssize_t r = write(fd, s.p, s.n);

		if (r == -1 && errno != EINTR)
			return -errno;
		s.p += r > 0 ? r : 0;
		s.n -= r > 0 ? (size_t)r : 0;
	}
	return 0;
}

int
bt_crossing_write(const struct bt_crossing *x)
{
	struct bt_buf b = { 0 };
	int fd, r;

	bt_buf_printf(&b, "baton-crossing %d\n", BT_CROSSING_VERSION);
	bt_buf_printf(&b, "channel %u\n", bt_channel_layout());
	bt_buf_printf(&b, "master %d %u %u %" PRIu64 " %u\n", x->board_fd,
	    x->generation, x->workers, x->last_id, x->last_listener);
	bt_buf_printf(&b, "resize_by %d\n", x->resize_by);
	if (x->shared_fd != -1)
		bt_buf_printf(&b, "shared %d\n", x->shared_fd);
	put_path(&b, "exe", x->exe);
	put_path(&b, "conf_file", x->conf_file);
	put_path(&b, "pid_file", x->pid_file);
	put_blob(&b, "conf", bt_buf_str(&x->conf));
	if (x->control != NULL) {
		bt_buf_printf(&b, "control_socket %d %" PRIu64 "\n",
		    x->control_fd, x->control_ino);
		put_path(&b, "control", x->control);
	}
	for (size_t i = 0; i < x->clients_n; i++)
		bt_buf_printf(&b, "client %d %u\n", x->clients[i].fd,
		    x->clients[i].waits_for);
	for (size_t i = 0; i < x->listeners_n; i++)
		put_listener(&b, &x->listeners[i]);
	for (size_t i = 0; i < x->slots_n; i++)
		put_slot(&b, &x->slots[i]);
	for (size_t i = 0; i < x->held_n; i++)
		put_held(&b, &x->held[i]);
	fd = memfd_create("baton-crossing", MFD_CLOEXEC);
	r = fd == -1 ? -errno : write_all(fd, bt_buf_str(&b));
	bt_buf_fini(&b);
	if (r == 0)
		return fd;
	if (fd != -1)
		close(fd);
	return r;
}

int
bt_crossing_fail(int fd, struct bt_str why)
{
	struct bt_buf b = { 0 };
	int r;

	put_blob(&b, "failed", why);
	r = lseek(fd, 0, SEEK_END) == -1 ? -errno
					 : write_all(fd, bt_buf_str(&b));
	bt_buf_fini(&b);
	return r;
}

/* --- reading --- */

struct reader {
	struct bt_crossing *x;
	char *at, *end; /* a NUL is at `end` */
};

/* The bytes behind a line that has told their length; NUL-terminated. */
static char *
take_blob(struct reader *r, size_t n)
{
	char *bytes = r->at;

	if ((size_t)(r->end - r->at) <= n || r->at[n] != '\n')
		return NULL;
	r->at[n] = '\0';
	r->at += n + 1;
	return bytes;
}

/* One more at the end of an array; zeroed. */
#define GROW(array, n) \
	((array) = bt_mem_resize(array, (n) + 1, sizeof(*(array))), \
	    memset(&(array)[n], 0, sizeof(*(array))), &(array)[(n)++])

static bool
read_path(struct reader *r, const char *line, char **ret)
{
	char *path;
	size_t n;

	if (sscanf(line, "%zu", &n) != 1 || (path = take_blob(r, n)) == NULL)
		return false;
	free(*ret);
	*ret = bt_mem_strdup(path);
	return true;
}

static bool
read_exe(struct reader *r, const char *line)
{
	return read_path(r, line, &r->x->exe);
}

static bool
read_conf_file(struct reader *r, const char *line)
{
	return read_path(r, line, &r->x->conf_file);
}

static bool
read_pid_file(struct reader *r, const char *line)
{
	return read_path(r, line, &r->x->pid_file);
}

static bool
read_control(struct reader *r, const char *line)
{
	return read_path(r, line, &r->x->control);
}

static bool
read_failed(struct reader *r, const char *line)
{
	return read_path(r, line, &r->x->failed);
}

static bool
read_conf(struct reader *r, const char *line)
{
	char *text;
	size_t n;

	if (sscanf(line, "%zu", &n) != 1 || (text = take_blob(r, n)) == NULL)
		return false;
	bt_buf_append(&r->x->conf, text, n);
	return true;
}

static bool
read_master(struct reader *r, const char *line)
{
	struct bt_crossing *x = r->x;

	return sscanf(line, "%d %u %u %" SCNu64 " %u", &x->board_fd,
		   &x->generation, &x->workers, &x->last_id,
		   &x->last_listener) == 5;
}

static bool
read_resize_by(struct reader *r, const char *line)
{
	return sscanf(line, "%d", &r->x->resize_by) == 1;
}

static bool
read_shared(struct reader *r, const char *line)
{
	return sscanf(line, "%d", &r->x->shared_fd) == 1;
}

/* Workers that are taken over speak on in the old one. */
static bool
read_channel(struct reader *r, const char *line)
{
	unsigned layout;

	return sscanf(line, "%u", &layout) == 1 &&
	    layout == bt_channel_layout();
}

static bool
read_control_socket(struct reader *r, const char *line)
{
	return sscanf(line, "%d %" SCNu64, &r->x->control_fd,
		   &r->x->control_ino) == 2;
}

static bool
read_client(struct reader *r, const char *line)
{
	struct bt_crossing *x = r->x;
	struct bt_crossing_client *c = GROW(x->clients, x->clients_n);

	return sscanf(line, "%d %u", &c->fd, &c->waits_for) == 2;
}

static bool
read_listener(struct reader *r, const char *line)
{
	struct bt_crossing *x = r->x;
	struct bt_crossing_listener *l = GROW(x->listeners, x->listeners_n);
	const char *why;
	int at = 0, is_ours;

	if (sscanf(line, "%hu %d %d %" SCNu64 " %" SCNu64 " %n", &l->id, &l->fd,
		&is_ours, &l->dev, &l->ino, &at) != 5 ||
	    at == 0)
		return false;
	l->unlink = is_ours != 0;
	return bt_addr_parse(bt_str_of(line + at), &l->addr, &why) == 0;
}

static bool
read_slot(struct reader *r, const char *line)
{
	struct bt_crossing *x = r->x;
	struct bt_crossing_slot *s = GROW(x->slots, x->slots_n);
	int farewell, logs;

	if (sscanf(line, "%u %u %d %d %u %d %d %u %d %d", &s->index, &s->state,
		&s->pid, &s->guard, &s->generation, &s->near, &s->far,
		&s->farewell, &farewell, &logs) != 10)
		return false;
	s->owes_farewell = farewell != 0;
	s->owes_logs = logs != 0;
	return true;
}

static bool
read_held(struct reader *r, const char *line)
{
	struct bt_crossing *x = r->x;
	struct bt_handover *h = GROW(x->held, x->held_n);
	struct bt_baton *t = &h->baton;
	char host[2 * sizeof(t->host) + 1];
	const char *bytes;
	size_t n;

	if (sscanf(line,
		"%d %d %" SCNd64 " %" SCNu64 " %" SCNu64 " %" SCNu64
		" %u %hu %hu %hu %hu %32s %zu",
		&h->fd, &h->with_fd, &t->accepted_us, &t->id, &h->amid.words[0],
		&h->amid.words[1], &t->requests, &t->listen, &t->family,
		&t->port, &t->flags, host, &n) != 13 ||
	    strlen(host) != 2 * sizeof(t->host) || n > BT_BATON_BYTES_MAX ||
	    (bytes = take_blob(r, n)) == NULL)
		return false;
	for (size_t i = 0; i < sizeof(t->host); i++)
		if (sscanf(host + 2 * i, "%2hhx", &t->host[i]) != 1)
			return false;
	t->bytes = (uint32_t)n;
	h->bytes = n > 0 ? bt_mem_strndup(bytes, n) : NULL;
	return true;
}

static const struct {
	const char *word;
	bool (*read)(struct reader *, const char *line);
} words[] = {
	{ "channel", read_channel },
	{ "master", read_master },
	{ "resize_by", read_resize_by },
	{ "shared", read_shared },
	{ "exe", read_exe },
	{ "conf_file", read_conf_file },
	{ "pid_file", read_pid_file },
	{ "conf", read_conf },
	{ "control_socket", read_control_socket },
	{ "control", read_control },
	{ "client", read_client },
	{ "listener", read_listener },
	{ "slot", read_slot },
	{ "held", read_held },
	{ "failed", read_failed },
};

/* The next line, without its end; NULL: there is none. */
static char *
next_line(struct reader *r)
{
	char *line = r->at, *lf = memchr(line, '\n', (size_t)(r->end - line));

	if (lf == NULL)
		return NULL;
	*lf = '\0';
	r->at = lf + 1;
	return line;
}

static bool
read_line(struct reader *r, char *line)
{
	size_t n = strcspn(line, " ");

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strlen(words[i].word) == n &&
		    memcmp(words[i].word, line, n) == 0)
			return words[i].read(r, line + n);
	return false;
}

static int
read_text(struct reader *r, struct bt_buf *errors)
{
	char *line = next_line(r);
	unsigned version;

	if (line == NULL || sscanf(line, "baton-crossing %u", &version) != 1 ||
	    version != BT_CROSSING_VERSION) {
		bt_buf_printf(errors,
		    "the running baton hands over \"%.40s\", this one takes "
		    "version %d: restart it instead\n",
		    line ? line : "", BT_CROSSING_VERSION);
		return -EPROTO;
	}
	while ((line = next_line(r)) != NULL) {
		if (!read_line(r, line)) {
			bt_buf_printf(errors,
			    "the running baton hands over \"%.40s\", which "
			    "this one does not understand\n",
			    line);
			return -EPROTO;
		}
	}
	return 0;
}

int
bt_crossing_read(int fd, struct bt_crossing *ret, struct bt_buf *errors)
{
	struct reader r = { .x = ret };
	struct stat st;
	char *text;
	ssize_t n;
	int err;

	*ret = nothing;
	if (fstat(fd, &st) == -1)
		return -errno;
	if (st.st_size <= 0 || st.st_size > BYTES_MAX)
		return -EPROTO;
	text = bt_mem_new((size_t)st.st_size + 1);
	n = pread(fd, text, (size_t)st.st_size, 0);
	err = n == -1 ? -errno : n < st.st_size ? -EPROTO : 0;
	if (err == 0) {
		text[n] = '\0';
		r.at = text;
		r.end = text + n;
		err = read_text(&r, errors);
	}
	free(text);
	if (err < 0)
		bt_crossing_fini(ret);
	return err;
}

void
bt_crossing_each_fd(
    const struct bt_crossing *x, void (*fn)(void *arg, int fd), void *arg)
{
	fn(arg, x->board_fd);
	if (x->shared_fd != -1)
		fn(arg, x->shared_fd);
	if (x->control_fd != -1)
		fn(arg, x->control_fd);
	for (size_t i = 0; i < x->clients_n; i++)
		fn(arg, x->clients[i].fd);
	for (size_t i = 0; i < x->listeners_n; i++)
		fn(arg, x->listeners[i].fd);
	for (size_t i = 0; i < x->slots_n; i++) {
		fn(arg, x->slots[i].near);
		fn(arg, x->slots[i].far);
	}
	for (size_t i = 0; i < x->held_n; i++) {
		fn(arg, x->held[i].fd);
		if (bt_baton_is_pair(&x->held[i].baton))
			fn(arg, x->held[i].with_fd);
	}
}

void
bt_crossing_fini(struct bt_crossing *x)
{
	free(x->exe);
	free(x->conf_file);
	free(x->pid_file);
	free(x->control);
	free(x->failed);
	free(x->clients);
	free(x->listeners);
	free(x->slots);
	for (size_t i = 0; i < x->held_n; i++)
		free((void *)(uintptr_t)x->held[i].bytes);
	free(x->held);
	bt_buf_fini(&x->conf);
	*x = nothing;
}
