/*
 * The listening sockets.  Accepts bursts into the dealer's queue and has them
 * dealt; when connections come fast it stays here for some rounds and lets
 * them gather, instead of going back through epoll for each.  Master, on the
 * loop.
 */

#include "master/listener.h"

#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"

#include <errno.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define RESUME_MS 100
#define DEFER_S 5
/* Signals, workers and other listeners wait at most this long for a turn. */
#define TURN_US 5000
#define TURN_SHARED_US 1000 /* when there are other listeners */

/* --- opening --- */

static const char *
unix_path(const struct bt_addr *a)
{
	return ((const struct sockaddr_un *)(const void *)&a->ss)->sun_path;
}

/* Is there a socket file at the path which nobody listens at any more? */
static bool
is_stale(const struct bt_addr *a)
{
	struct stat st;
	bool stale;
	int fd;

	if (lstat(unix_path(a), &st) == -1 || !S_ISSOCK(st.st_mode))
		return false;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd == -1)
		return false;
	/* EAGAIN: somebody is there, with a full backlog */
	stale = connect(fd, (const void *)&a->ss, a->len) == -1 &&
	    errno == ECONNREFUSED;
	close(fd);
	return stale;
}

/* The mode comes from the umask: there is no moment with another one. */
static int
bind_with_mode(int fd, const struct bt_addr *a, mode_t mode)
{
	mode_t before = umask(~mode & 0777);
	int r;

	r = bind(fd, (const void *)&a->ss, a->len) == -1 ? -errno : 0;
	if (r == -EADDRINUSE && a->ss.ss_family == AF_UNIX && is_stale(a) &&
	    unlink(unix_path(a)) == 0)
		r = bind(fd, (const void *)&a->ss, a->len) == -1 ? -errno : 0;
	umask(before);
	return r;
}

int
bt_listener_bind(const struct bt_addr *a, unsigned backlog, mode_t mode)
{
	int family = a->ss.ss_family, on = 1, fd, r;

	fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd == -1)
		return -errno;
	if (family != AF_UNIX)
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	/* `*:80` and `[::]:80` are two sockets */
	if (family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
	r = bind_with_mode(fd, a, mode);
	if (r == 0 && listen(fd, (int)backlog) == -1) {
		r = -errno;
		if (family == AF_UNIX)
			unlink(unix_path(a));
	}
	if (r < 0) {
		bt_fd_close(&fd);
		return r;
	}
	return fd;
}

/* Accepted sockets inherit these from the listener, on Linux. */
static void
set_options(int fd, const struct bt_conf_listen *conf)
{
	int on = 1, defer_s = DEFER_S;

	if (conf->addr.ss.ss_family == AF_UNIX)
		return;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (conf->deferred)
		setsockopt(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, &defer_s,
		    sizeof(defer_s));
}

/* Takes the inherited socket that is bound to the address, or returns -1. */
static int
take_inherited(const struct bt_conf_listen *conf, int *fds, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct bt_addr bound = { .len = sizeof(bound.ss) };
		int listens = 0;
		socklen_t len = sizeof(listens);

		if (fds[i] == -1 ||
		    getsockname(fds[i], (void *)&bound.ss, &bound.len) == -1 ||
		    !bt_addr_equal(&bound, &conf->addr))
			continue;
		getsockopt(fds[i], SOL_SOCKET, SO_ACCEPTCONN, &listens, &len);
		if (listens) {
			bt_fd_set_nonblock(fds[i]);
			listen(fds[i], (int)conf->backlog); /* the length */
			return bt_fd_take(&fds[i]);
		}
	}
	return -1;
}

static void on_acceptable(evutil_socket_t, short, void *);
static void on_resume(evutil_socket_t, short, void *);
static unsigned accept_burst(struct bt_listener *, int *ret_err);

static int
open_one(struct bt_listener *l, const struct bt_conf_listen *conf,
    int *inherited, size_t inherited_n)
{
	struct bt_addr bound = { .len = sizeof(bound.ss) };
	char text[BT_ADDR_TEXT_MAX];
	struct stat st;

	l->addr = conf->addr;
	l->fd = take_inherited(conf, inherited, inherited_n);
	if (l->fd == -1) {
		l->fd = bt_listener_bind(&conf->addr, conf->backlog, 0666);
		l->unlink = l->fd >= 0 && conf->addr.ss.ss_family == AF_UNIX;
	}
	if (l->fd < 0) {
		int r = l->fd;

		l->fd = -1;
		bt_log_error(NULL, r, "cannot listen at %s%s",
		    bt_addr_format(&conf->addr, text),
		    r == -EACCES && conf->addr.ss.ss_family != AF_UNIX
			? " (ports below 1024 are root's, or want "
			  "CAP_NET_BIND_SERVICE)"
			: "");
		return r;
	}
	if (l->unlink && stat(unix_path(&conf->addr), &st) == 0) {
		l->dev = st.st_dev;
		l->ino = st.st_ino;
	}
	set_options(l->fd, conf);
	bt_listener_attach(l);
	getsockname(l->fd, (void *)&bound.ss, &bound.len);
	bt_log_info(NULL, 0, "listening at %s", bt_addr_format(&bound, text));
	return 0;
}

static void
close_one(struct bt_listener *l)
{
	struct stat st;

	if (l->acceptable != NULL)
		event_free(l->acceptable);
	bt_fd_close(&l->fd);
	/* only if it is still ours: somebody may have bound a new one there */
	if (l->unlink && lstat(unix_path(&l->addr), &st) == 0 &&
	    st.st_dev == l->dev && st.st_ino == l->ino)
		unlink(unix_path(&l->addr));
	free(l);
}

/* 0 with the listener of that address, new or `old`; negative errno. */
static int
listener_for(struct bt_listeners *set, struct bt_conf_listen *conf,
    struct bt_listener *old, int *inherited, size_t inherited_n,
    struct bt_listener **ret)
{
	struct bt_listener *l = old;
	int r;

	if (l == NULL) {
		l = bt_mem_zero(1, sizeof(*l));
		l->set = set;
		l->fd = -1;
		if ((r = open_one(l, conf, inherited, inherited_n)) < 0) {
			close_one(l);
			return r;
		}
		l->id = ++set->last_listener;
	}
	conf->id = l->id;
	*ret = l;
	return 0;
}

int
bt_listeners_open(struct bt_listeners *set, struct bt_conf *conf,
    int *inherited, size_t inherited_n)
{
	int r;

	set->paused = BT_PAUSE_START;
	set->gather = (struct bt_gather){ 0 };
	set->all = bt_mem_zero(conf->listens_n, sizeof(*set->all));
	set->resume = evtimer_new(set->base, on_resume, set);
	for (set->n = 0; set->n < conf->listens_n; set->n++) {
		r = listener_for(set, &conf->listens[set->n], NULL, inherited,
		    inherited_n, &set->all[set->n]);
		if (r < 0) {
			bt_listeners_close(set);
			return r;
		}
	}
	return 0;
}

void
bt_listeners_adopt(struct bt_listeners *set, size_t n)
{
	set->paused = BT_PAUSE_START;
	set->gather = (struct bt_gather){ 0 };
	set->resume = evtimer_new(set->base, on_resume, set);
	set->all = bt_mem_zero(n, sizeof(*set->all));
	for (set->n = 0; set->n < n; set->n++) {
		struct bt_listener *l = bt_mem_zero(1, sizeof(*l));

		l->set = set;
		l->fd = -1;
		set->all[set->n] = l;
	}
}

void
bt_listener_attach(struct bt_listener *l)
{
	l->acceptable = event_new(
	    l->set->base, l->fd, EV_READ | EV_PERSIST, on_acceptable, l);
}

/* --- changing --- */

static bool
is_among(const struct bt_listener *l, struct bt_listener **all, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (all[i] == l)
			return true;
	return false;
}

int
bt_listeners_prepare(struct bt_listeners *set, struct bt_conf *conf,
    struct bt_listeners_change *ret, struct bt_buf *errors)
{
	struct bt_listeners_change change = { 0 };

	change.all = bt_mem_zero(conf->listens_n, sizeof(*change.all));
	for (; change.n < conf->listens_n; change.n++) {
		struct bt_conf_listen *want = &conf->listens[change.n];
		char text[BT_ADDR_TEXT_MAX];
		int r =
		    listener_for(set, want, bt_listeners_find(set, &want->addr),
			NULL, 0, &change.all[change.n]);

		if (r < 0) {
			bt_buf_printf(errors, "cannot listen at %s: %s\n",
			    bt_addr_format(&want->addr, text), strerror(-r));
			bt_listeners_abandon(set, &change);
			return r;
		}
	}
	*ret = change;
	return 0;
}

void
bt_listeners_abandon(
    struct bt_listeners *set, struct bt_listeners_change *change)
{
	for (size_t i = 0; i < change->n; i++)
		/* each that is new stands there once */
		/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc) */
		if (!is_among(change->all[i], set->all, set->n))
			close_one(change->all[i]);
	free(change->all);
	*change = (struct bt_listeners_change){ 0 };
}

void
bt_listeners_commit(
    struct bt_listeners *set, struct bt_listeners_change *change)
{
	char text[BT_ADDR_TEXT_MAX];
	int err;

	for (size_t i = 0; i < set->n; i++) {
		struct bt_listener *gone = set->all[i];

		if (is_among(gone, change->all, change->n))
			continue;
		do /* who is in its backlog was promised an answer */
			accept_burst(gone, &err);
		while (err == 0);
		bt_log_info(NULL, 0, "no longer listening at %s",
		    bt_addr_format(&gone->addr, text));
		close_one(gone);
	}
	for (size_t i = 0; set->paused == 0 && i < change->n; i++)
		event_add(change->all[i]->acceptable, NULL);
	free(set->all);
	set->all = change->all;
	set->n = change->n;
	*change = (struct bt_listeners_change){ 0 };
}

/* --- closing, pausing --- */

void
bt_listeners_close(struct bt_listeners *set)
{
	for (size_t i = 0; i < set->n; i++)
		close_one(set->all[i]);
	if (set->resume != NULL)
		event_free(set->resume);
	set->resume = NULL;
	free(set->all);
	set->all = NULL;
	set->n = 0;
}

struct bt_listener *
bt_listeners_find(struct bt_listeners *set, const struct bt_addr *addr)
{
	for (size_t i = 0; i < set->n; i++)
		if (bt_addr_equal(&set->all[i]->addr, addr))
			return set->all[i];
	return NULL;
}

void
bt_listeners_pause(struct bt_listeners *set, enum bt_pause why)
{
	bool was_accepting = set->paused == 0;

	if (set->paused & why)
		return;
	set->paused |= why;
	if (why == BT_PAUSE_FULL)
		bt_score_add(&set->score->pauses_full, 1);
	if (why == BT_PAUSE_DESCRIPTORS)
		bt_score_add(&set->score->pauses_descriptors, 1);
	for (size_t i = 0; was_accepting && i < set->n; i++)
		event_del(set->all[i]->acceptable);
}

void
bt_listeners_resume(struct bt_listeners *set, enum bt_pause why)
{
	if ((set->paused & why) == 0)
		return;
	set->paused &= ~(unsigned)why;
	for (size_t i = 0; set->paused == 0 && i < set->n; i++)
		event_add(set->all[i]->acceptable, NULL);
}

static void
on_resume(evutil_socket_t fd, short what, void *arg)
{
	bt_listeners_resume(arg, BT_PAUSE_DESCRIPTORS);
}

/* --- accepting --- */

/* What accept() says when a connection, not the listener, has a problem. */
static bool
is_passing(int err)
{
	switch (err) {
	case EINTR:
	case ECONNABORTED:
	case EPROTO:
	case EPERM: /* a firewall's rule */
	case ENETDOWN:
	case ENOPROTOOPT:
	case EHOSTDOWN:
	case ENONET:
	case EHOSTUNREACH:
	case EOPNOTSUPP:
	case ENETUNREACH:
	case ETIMEDOUT:
		return true;
	default:
		return false;
	}
}

/*
 * With a reset: the client knows at once, and does not take it
 * for an empty answer; nothing stays with us, not even TIME_WAIT.
 */
static void
refuse(int *fd)
{
	const struct linger none = { .l_onoff = 1, .l_linger = 0 };

	setsockopt(*fd, SOL_SOCKET, SO_LINGER, &none, sizeof(none));
	bt_fd_close(fd);
}

/*
 * Accepts a batch's worth into the dealer's queue.
 *
 * Returns: how many; `*ret_err` is why it ended: 0 (a full batch), EAGAIN, or
 *          what the kernel had to say.
 */
static unsigned
accept_burst(struct bt_listener *l, int *ret_err)
{
	struct bt_listeners *set = l->set;
	struct bt_handover *h =
	    bt_dealer_room(set->dealer, BT_CHANNEL_BATCH_MAX);
	int64_t now_us = bt_clock_us();
	unsigned n = 0, refused = 0, passed = 0;

	*ret_err = 0;
	while (n < BT_CHANNEL_BATCH_MAX && passed < BT_CHANNEL_BATCH_MAX) {
		struct bt_addr peer = { .len = sizeof(peer.ss) };
		int fd = accept4(l->fd, (void *)&peer.ss, &peer.len,
		    SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd == -1 && is_passing(errno)) {
			passed++;
			continue;
		}
		if (fd == -1) {
			*ret_err = errno;
			break;
		}
		h[n] = (struct bt_handover){ .fd = fd,
			.with_fd = -1,
			.baton = { .accepted_us = now_us,
			    .id = ++set->last_id,
			    .listen = l->id } };
		bt_baton_set_peer(&h[n].baton, &peer);
		if (set->limits->on &&
		    !bt_limits_admit(set->limits, &h[n].baton)) {
			refuse(&fd);
			refused++;
			passed++;
			continue;
		}
		n++;
	}
	bt_score_add(&set->score->accepted, n + refused);
	bt_score_add(&set->score->refused, refused);
	bt_dealer_take(set->dealer, n);
	return n;
}

/* Nothing can be accepted; without a pause, epoll would call us at once. */
static void
pause_for_descriptors(struct bt_listener *l, int err)
{
	struct timeval tv = { .tv_usec = RESUME_MS * 1000 };
	char text[BT_ADDR_TEXT_MAX];

	bt_log_warn(NULL, err, "accepting at %s pauses",
	    bt_addr_format(&l->addr, text));
	bt_listeners_pause(l->set, BT_PAUSE_DESCRIPTORS);
	event_add(l->set->resume, &tv);
}

static void
wait_us(unsigned us)
{
	struct timespec ts = { .tv_nsec = (long)us * 1000 };

	clock_nanosleep(CLOCK_MONOTONIC, 0, &ts, NULL);
}

/*
 * One round: accept, deal, wait for more to come.
 *
 * Returns: true when there should be another round.
 */
static bool
go_round(struct bt_listener *l)
{
	struct bt_listeners *set = l->set;
	uint64_t queued = bt_dealer_in_channels(set->dealer);
	unsigned n, us;
	int err;

	n = accept_burst(l, &err);
	bt_dealer_deal(set->dealer);
	if (set->dealer->pending_n > 0) {
		bt_listeners_pause(set, BT_PAUSE_FULL);
		return false;
	}
	/* what was dealt was closed here: that frees descriptors, go on */
	if (err != 0 && err != EAGAIN && n == 0) {
		pause_for_descriptors(l, err);
		return false;
	}
	us = bt_gather_next(&set->gather, n, queued, bt_clock_us());
	if (us == 0)
		return false;
	bt_score_add(&set->score->gathers, 1);
	wait_us(us);
	return true;
}

static void
on_acceptable(evutil_socket_t fd, short what, void *arg)
{
	struct bt_listener *l = arg;
	int64_t end_us =
	    bt_clock_us() + (l->set->n > 1 ? TURN_SHARED_US : TURN_US);

	/* a pause since epoll looked: another listener's turn came first */
	if (l->set->paused != 0)
		return;
	while (go_round(l) && bt_clock_us() < end_us)
		;
}

void
bt_listeners_empty(struct bt_listeners *set)
{
	int err;

	if (set->paused & BT_PAUSE_START)
		return;
	for (size_t i = 0; i < set->n; i++) {
		do
			accept_burst(set->all[i], &err);
		while (err == 0);
	}
	bt_dealer_deal(set->dealer);
}
