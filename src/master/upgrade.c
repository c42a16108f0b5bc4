/*
 * Upgrade: this process becomes the program that is installed now, and then
 * reloads.  Before that a child of ours runs that program for a rehearsal: it
 * reads what it would be handed, the conf, and starts a worker, all beside what
 * runs.  What it says against it is the answer, and nothing has happened.  The
 * other side of the crossing is takeover.c.  Master, on the loop.
 */

#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "master/crossing.h"
#include "master/rescue.h"
#include "master/takeover.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define REHEARSAL_S 20
#define SAID_MAX (64 * 1024)

char *
bt_upgrade_find_program(void)
{
	char path[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);

	return n > 0 ? bt_mem_strndup(path, (size_t)n) : NULL;
}

/* --- what is taken along --- */

static struct bt_crossing_slot
slot_of(const struct bt_slot *s)
{
	return (struct bt_crossing_slot){ .index = s->index,
		.state = s->state,
		.pid = s->pid,
		.guard = s->guard,
		.generation = s->generation,
		.near = bt_channel_fd(s->near),
		.far = bt_channel_fd(s->far),
		.farewell = s->farewell,
		.owes_farewell = s->owes_farewell,
		.owes_logs = s->owes_logs };
}

static struct bt_crossing_listener
listener_of(const struct bt_listener *l)
{
	return (struct bt_crossing_listener){ .id = l->id,
		.fd = l->fd,
		.unlink = l->unlink,
		.dev = l->dev,
		.ino = l->ino,
		.addr = l->addr };
}

static char *
copy_of(const char *text)
{
	return text ? bt_mem_strdup(text) : NULL;
}

/* Bytes of those that are held stay the dealer's: `x` copies. */
static void
pack_held(const struct bt_dealer *d, struct bt_crossing *x)
{
	x->held = bt_mem_zero(d->pending_n, sizeof(*x->held));
	for (; x->held_n < d->pending_n; x->held_n++) {
		struct bt_handover *h = &x->held[x->held_n];

		*h = d->pending[x->held_n];
		if (h->bytes != NULL)
			h->bytes = bt_mem_strndup(h->bytes, h->baton.bytes);
	}
}

static void
pack_control(const struct bt_control *control, struct bt_crossing *x)
{
	enum bt_control_wait what;
	size_t at = 0;
	int fd;

	if (control == NULL)
		return;
	x->control = bt_mem_strdup(bt_control_path(control));
	x->control_fd = bt_control_fd(control);
	x->control_ino = bt_control_ino(control);
	while ((fd = bt_control_next_waiting(control, &at, &what)) != -1) {
		x->clients = bt_mem_resize(
		    x->clients, x->clients_n + 1, sizeof(*x->clients));
		x->clients[x->clients_n++] =
		    (struct bt_crossing_client){ .fd = fd, .waits_for = what };
	}
}

static void
pack(const struct bt_master *m, struct bt_crossing *x)
{
	*x = (struct bt_crossing){ .exe = copy_of(m->exe),
		.conf_file = copy_of(m->conf_file),
		.pid_file = copy_of(m->pid_file),
		.board_fd = m->board->fd,
		.shared_fd = m->hooks->shared_fd(),
		.generation = m->generation,
		.workers = m->workers,
		.resize_by = m->resize_by,
		.last_id = m->listeners.last_id,
		.last_listener = m->listeners.last_listener,
		.control_fd = -1 };
	bt_conf_dump(m->conf, &x->conf);
	pack_control(m->control, x);
	x->listeners = bt_mem_zero(m->listeners.n, sizeof(*x->listeners));
	for (; x->listeners_n < m->listeners.n; x->listeners_n++)
		x->listeners[x->listeners_n] =
		    listener_of(m->listeners.all[x->listeners_n]);
	x->slots = bt_mem_zero(m->slots.used, sizeof(*x->slots));
	for (unsigned i = 0; i < m->slots.used; i++)
		if (m->slots.all[i].near != NULL)
			x->slots[x->slots_n++] = slot_of(&m->slots.all[i]);
	pack_held(&m->dealer, x);
}

/* --- the act --- */

static void
forget_rehearsal(struct bt_upgrade *u)
{
	if (u->readable != NULL)
		event_free(u->readable);
	if (u->patience != NULL)
		event_free(u->patience);
	u->readable = u->patience = NULL;
	bt_fd_close(&u->out_fd);
	bt_buf_fini(&u->said);
	u->rehearsal = 0;
}

/* Says no; `why` may have several lines. */
void
bt_upgrade_refuse(struct bt_master *m, struct bt_str why)
{
	const char *end = why.n > 0 ? memchr(why.p, '\n', why.n) : NULL;

	bt_events_add(&m->board->master.events, "no upgrade: %.*s",
	    end ? (int)(end - why.p) : (int)why.n, why.n > 0 ? why.p : "");
	bt_log_lines(BT_LOG_ERROR, why);
	bt_log_error(NULL, 0, "no upgrade; baton %s goes on", BT_VERSION);
	bt_control_end_waiting(m->control, BT_WAIT_UPGRADE, why,
	    "error no upgrade; baton %s goes on", BT_VERSION);
}

static void
fail(struct bt_master *m, struct bt_str why)
{
	bt_upgrade_refuse(m, why);
	forget_rehearsal(&m->upgrade);
	bt_master_enter(m, BT_MASTER_RUNNING);
	bt_master_go_on(m);
}

static void
fail_with(struct bt_master *m, const char *what, int err)
{
	char text[512];

	snprintf(text, sizeof(text), "%s%s%s\n", what, err ? ": " : "",
	    err ? strerror(err < 0 ? -err : err) : "");
	fail(m, bt_str_of(text));
}

static void
keep_open(void *arg, int fd)
{
	bt_fd_set_cloexec(fd, 0);
}

static void
keep_to_us(void *arg, int fd)
{
	bt_fd_set_cloexec(fd, 1);
}

/* Becomes the other program.  Returns only when that does not work. */
static void
cross(struct bt_master *m)
{
	struct bt_crossing x;
	int exe_fd, fd, r;

	bt_rescue_finish(&m->slots);
	pack(m, &x);
	exe_fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	fd = exe_fd == -1 ? -errno : bt_crossing_write(&x);
	r = fd;
	if (fd >= 0) {
		bt_log_info(NULL, 0, "becomes %s", x.exe);
		bt_crossing_each_fd(&x, keep_open, NULL);
		r = bt_takeover_exec(x.exe, fd, exe_fd);
		bt_crossing_each_fd(&x, keep_to_us, NULL);
		bt_fd_close(&fd);
	}
	bt_fd_close(&exe_fd);
	bt_crossing_fini(&x);
	fail_with(m, m->exe, r);
}

/* The rehearsal is over. */
static void
on_rehearsed(struct bt_master *m)
{
	struct bt_upgrade *u = &m->upgrade;
	struct bt_str said = bt_buf_str(&u->said);
	int status;

	while (waitpid(u->rehearsal, &status, 0) == -1 && errno == EINTR)
		;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0 &&
	    bt_str_has_prefix(said, BT_STR(BT_TAKEOVER_READY))) {
		forget_rehearsal(u);
		cross(m);
		return;
	}
	if (WIFSIGNALED(status))
		bt_buf_printf(&u->said, "%s was ended by SIG%s\n", m->exe,
		    sigabbrev_np(WTERMSIG(status)));
	else if (WEXITSTATUS(status) == 0 || said.n == 0)
		bt_buf_printf(&u->said,
		    "%s is no baton that this one can become (exit %d)\n",
		    m->exe, WEXITSTATUS(status));
	fail(m, bt_buf_str(&u->said));
}

static void
on_said(evutil_socket_t fd, short what, void *arg)
{
	struct bt_master *m = arg;
	struct bt_upgrade *u = &m->upgrade;
	char text[4096];
	ssize_t n = read(fd, text, sizeof(text));

	if (n == -1 && (errno == EINTR || errno == EAGAIN))
		return;
	if (n <= 0)
		on_rehearsed(m);
	else if (u->said.len < SAID_MAX)
		bt_buf_append(&u->said, text, (size_t)n);
}

static void
on_patience_ended(evutil_socket_t fd, short what, void *arg)
{
	struct bt_master *m = arg;

	bt_buf_printf(&m->upgrade.said, "%s was not ready in %d s\n", m->exe,
	    REHEARSAL_S);
	kill(m->upgrade.rehearsal, SIGKILL); /* and the pipe ends */
}

/* The child: it has nothing but what it rehearses with. */
__attribute__((noreturn)) static void
rehearse(const struct bt_master *m, int fd, int out_fd)
{
	int null = open("/dev/null", O_RDONLY);

	dup2(null, STDIN_FILENO);
	dup2(out_fd, STDOUT_FILENO);
	dup2(out_fd, STDERR_FILENO);
	bt_fd_set_cloexec(m->board->fd, 0);
	bt_takeover_rehearse(m->exe, fd);
	dprintf(STDERR_FILENO, "%s: %s\n", m->exe, strerror(errno));
	_exit(127);
}

static int
start_rehearsal(struct bt_master *m, int crossing_fd)
{
	const struct timeval patience = { REHEARSAL_S, 0 };
	struct bt_upgrade *u = &m->upgrade;
	int out[2];

	if (pipe2(out, O_CLOEXEC) == -1)
		return -errno;
	if ((u->rehearsal = fork()) == -1) {
		int err = errno;

		bt_fd_close(&out[0]);
		bt_fd_close(&out[1]);
		u->rehearsal = 0;
		return -err;
	}
	if (u->rehearsal == 0)
		rehearse(m, crossing_fd, out[1]);
	bt_fd_close(&out[1]);
	bt_fd_set_nonblock(out[0]);
	u->out_fd = out[0];
	u->readable =
	    event_new(m->base, u->out_fd, EV_READ | EV_PERSIST, on_said, m);
	u->patience = evtimer_new(m->base, on_patience_ended, m);
	event_add(u->readable, NULL);
	event_add(u->patience, &patience);
	return 0;
}

static void
begin(struct bt_master *m)
{
	struct bt_crossing x;
	int fd, r;

	bt_master_enter(m, BT_MASTER_UPGRADING);
	if (m->exe == NULL) {
		fail_with(m, "/proc does not tell which program this is", 0);
		return;
	}
	pack(m, &x);
	fd = bt_crossing_write(&x);
	bt_crossing_fini(&x);
	r = fd < 0 ? fd : start_rehearsal(m, fd);
	if (fd >= 0)
		bt_fd_close(&fd);
	if (r < 0)
		fail_with(m, m->exe, r);
}

void
bt_upgrade_begin(struct bt_master *m)
{
	char text[64];

	switch (m->state) {
	case BT_MASTER_RUNNING:
		begin(m);
		return;
	case BT_MASTER_RELOADING:
		m->upgrade.again = true;
		return;
	case BT_MASTER_UPGRADING: /* one will do */
		return;
	case BT_MASTER_STARTING:
	case BT_MASTER_DRAINING:
	case BT_MASTER_STOPPED:
		snprintf(text, sizeof(text), "baton is %s\n",
		    bt_master_state_names[m->state]);
		bt_upgrade_refuse(m, bt_str_of(text));
		return;
	}
}

void
bt_upgrade_abandon(struct bt_master *m)
{
	struct bt_upgrade *u = &m->upgrade;

	u->again = false;
	if (u->rehearsal != 0) {
		kill(u->rehearsal, SIGKILL);
		while (waitpid(u->rehearsal, NULL, 0) == -1 && errno == EINTR)
			;
		forget_rehearsal(u);
	}
	bt_control_end_waiting(m->control, BT_WAIT_UPGRADE, BT_STR_NONE,
	    "error baton was told to stop meanwhile");
}
