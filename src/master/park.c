/*
 * Idle connections over a restart.  Master.
 */

#include "master/park.h"

#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define NAME_CONNECTION "baton-connection"
#define NAME_LIST "baton-list"
#define FIRST_LINE "baton-parked 2\n"
#define BATCH BT_CHANNEL_BATCH_MAX
#define BARRIER_MS 5000
#define LIST_MAX (256L * 1024 * 1024)

static const struct bt_conf_listen *
listen_with_id(const struct bt_conf *conf, uint16_t id)
{
	for (size_t i = 0; i < conf->listens_n; i++)
		if (conf->listens[i].id == id)
			return &conf->listens[i];
	return NULL;
}

/* --- putting them there --- */

/* The list has no place for a file, nor for whom a PROXY header named. */
static bool
can_be_parked(const struct bt_handover *h)
{
	return !(h->baton.flags & (BT_BATON_FILE | BT_BATON_PROXIED));
}

bool
bt_park_needs_worker(const struct bt_dealer *d)
{
	for (size_t i = 0; i < d->pending_n; i++)
		if (!can_be_parked(&d->pending[i]) &&
		    (d->pending[i].baton.flags &
			(BT_BATON_FILE | BT_BATON_HELD)))
			return true;
	return false;
}

/*
 * A line, and its bytes: a tunnel's names its other end, and what is known of
 * it.  False: this one cannot be parked.
 */
static bool
put_line(
    struct bt_buf *b, const struct bt_conf *conf, const struct bt_handover *h)
{
	const struct bt_conf_listen *l = listen_with_id(conf, h->baton.listen);
	bool pair = bt_baton_is_pair(&h->baton);
	char addr[BT_ADDR_TEXT_MAX];
	struct stat st, with = { 0 };

	if (!can_be_parked(h) || l == NULL || fstat(h->fd, &st) == -1 ||
	    (pair && fstat(h->with_fd, &with) == -1))
		return false;
	bt_buf_printf(b,
	    "%" PRIu64 " %u %u %" PRIu64 " %" PRIu64 " %" PRIu64 " %s\n",
	    (uint64_t)st.st_ino, h->baton.requests, h->baton.bytes,
	    (uint64_t)with.st_ino, pair ? h->amid.words[0] : 0,
	    pair ? h->amid.words[1] : 0, bt_addr_format(&l->addr, addr));
	bt_buf_append(b, h->bytes, h->baton.bytes);
	bt_buf_putc(b, '\n');
	return true;
}

/* The list goes last: a store without it has nothing for us. */
static int
store_list(const struct bt_buf *list)
{
	int fd = memfd_create("baton-list", MFD_CLOEXEC), r = 0;

	if (fd == -1)
		return -errno;
	if (write(fd, list->data, list->len) != (ssize_t)list->len)
		r = -EIO;
	if (r == 0)
		r = bt_systemd_store(NAME_LIST, &fd, 1);
	bt_fd_close(&fd);
	return r;
}

/* The first `n` of the queue are the service manager's. */
static void
forget(struct bt_dealer *d, const bool *parked)
{
	size_t kept = 0;

	for (size_t i = 0; i < d->pending_n; i++) {
		if (!parked[i]) {
			d->pending[kept++] = d->pending[i];
			continue;
		}
		bt_handover_close(&d->pending[i]);
		free((void *)(uintptr_t)d->pending[i].bytes);
	}
	d->pending_n = kept;
}

size_t
bt_park_store(struct bt_dealer *d, const struct bt_conf *conf, size_t max)
{
	bool *parked = bt_mem_zero(d->pending_n + 1, sizeof(*parked));
	struct bt_buf list = { 0 };
	int fds[BATCH], r = 0;
	size_t n = 0, batch = 0, fds_n = 1; /* one is for the list */

	bt_buf_puts(&list, FIRST_LINE);
	for (size_t i = 0; i < d->pending_n && r == 0; i++) {
		const struct bt_handover *h = &d->pending[i];
		size_t need = bt_baton_is_pair(&h->baton) ? 2 : 1;

		if (fds_n + need > max || !put_line(&list, conf, h))
			continue;
		parked[i] = true;
		n++;
		fds_n += need;
		if (batch + need > BATCH) {
			r = bt_systemd_store(NAME_CONNECTION, fds, batch);
			batch = 0;
		}
		fds[batch++] = h->fd;
		if (need > 1)
			fds[batch++] = h->with_fd;
	}
	if (r == 0 && batch > 0)
		r = bt_systemd_store(NAME_CONNECTION, fds, batch);
	if (r == 0 && n > 0)
		r = store_list(&list);
	if (r == 0 && n > 0)
		r = bt_systemd_barrier(BARRIER_MS);
	if (r == 0)
		forget(d, parked);
	else
		bt_log_warn(NULL, r, "connections cannot be parked");
	bt_buf_fini(&list);
	free(parked);
	return r == 0 ? n : 0;
}

/* --- taking them up --- */

/* A socket that was parked, by its inode. */
struct parked {
	uint64_t ino;
	int *fd;
};

static int
by_inode(const void *a, const void *b)
{
	const struct parked *x = a, *y = b;

	return x->ino < y->ino ? -1 : x->ino > y->ino;
}

/* The text of the list, NUL-terminated; the caller's, or NULL. */
static char *
read_list(int fd, size_t *ret_n)
{
	struct stat st;
	char *text;

	if (fstat(fd, &st) == -1 || st.st_size <= 0 || st.st_size > LIST_MAX)
		return NULL;
	text = bt_mem_new((size_t)st.st_size + 1);
	if (pread(fd, text, (size_t)st.st_size, 0) != st.st_size) {
		free(text);
		return NULL;
	}
	text[st.st_size] = '\0';
	*ret_n = (size_t)st.st_size;
	return text;
}

static uint16_t
id_of_address(const struct bt_conf *conf, const char *text)
{
	struct bt_addr addr;
	const char *why;

	if (bt_addr_parse(bt_str_of(text), &addr, &why) < 0)
		return 0;
	for (size_t i = 0; i < conf->listens_n; i++)
		if (bt_addr_equal(&conf->listens[i].addr, &addr))
			return conf->listens[i].id;
	return 0; /* nobody listens there any more: its next answer is 421 */
}

/* What its line says, in `told`, but for its descriptors. */
static void
take_up(struct bt_listeners *set, const struct bt_handover *told, int *fd,
    int *with_fd)
{
	struct bt_addr peer = { .len = sizeof(peer.ss) };
	struct bt_handover *h = bt_dealer_room(set->dealer, 1);

	if (getpeername(*fd, (void *)&peer.ss, &peer.len) == -1)
		return; /* reset meanwhile */
	*h = *told;
	h->fd = bt_fd_take(fd);
	h->with_fd = with_fd != NULL ? bt_fd_take(with_fd) : -1;
	h->bytes = told->baton.bytes > 0
	    ? bt_mem_strndup(told->bytes, told->baton.bytes)
	    : NULL;
	h->baton.accepted_us = bt_clock_us();
	h->baton.id = ++set->last_id;
	bt_baton_set_peer(&h->baton, &peer);
	bt_limits_return(set->limits, &h->baton);
	bt_score_add(&set->score->accepted, 1);
	bt_dealer_take(set->dealer, 1);
}

/* The descriptor with that inode, not taken yet; or NULL. */
static int *
find_parked(struct parked *all, size_t n, uint64_t ino)
{
	struct parked key = { .ino = ino }, *found;

	found = n > 0 ? bsearch(&key, all, n, sizeof(*all), by_inode) : NULL;
	return found != NULL && *found->fd != -1 ? found->fd : NULL;
}

/* Goes through the list.  Returns how many were taken up. */
static size_t
take_listed(struct bt_listeners *set, const struct bt_conf *conf,
    struct parked *all, size_t n, char *text, size_t len)
{
	uint64_t before = set->last_id;
	char *at = text + sizeof(FIRST_LINE) - 1, *lf;

	while ((lf = memchr(at, '\n', (size_t)(text + len - at))) != NULL) {
		struct bt_handover told = { .bytes = lf + 1 };
		struct bt_baton *b = &told.baton;
		uint64_t ino, with_ino;
		int addr, *fd, *with_fd;

		*lf = '\0';
		if (sscanf(at,
			"%" SCNu64 " %u %u %" SCNu64 " %" SCNu64 " %" SCNu64
			" %n",
			&ino, &b->requests, &b->bytes, &with_ino,
			&told.amid.words[0], &told.amid.words[1], &addr) != 6 ||
		    b->bytes > BT_BATON_BYTES_MAX ||
		    (size_t)(text + len - lf) < (size_t)b->bytes + 2)
			break;
		b->listen = id_of_address(conf, at + addr);
		b->flags = with_ino != 0 ? BT_BATON_TUNNEL : 0;
		fd = find_parked(all, n, ino);
		with_fd = find_parked(all, n, with_ino);
		if (fd != NULL && (with_ino == 0 || with_fd != NULL))
			take_up(set, &told, fd, with_fd);
		at = lf + 1 + b->bytes + 1;
	}
	return (size_t)(set->last_id - before);
}

size_t
bt_park_take_up(struct bt_listeners *set, const struct bt_conf *conf,
    struct bt_systemd_fd *fds, size_t n)
{
	struct parked *all = bt_mem_zero(n + 1, sizeof(*all));
	size_t all_n = 0, len = 0, taken = 0;
	char *text = NULL;

	for (size_t i = 0; i < n; i++) {
		struct stat st;

		if (strcmp(fds[i].name, NAME_CONNECTION) == 0 &&
		    fstat(fds[i].fd, &st) == 0) {
			all[all_n++] = (struct parked){ st.st_ino, &fds[i].fd };
		} else if (strcmp(fds[i].name, NAME_LIST) == 0) {
			if (text == NULL)
				text = read_list(fds[i].fd, &len);
			bt_fd_close(&fds[i].fd);
		}
	}
	qsort(all, all_n, sizeof(*all), by_inode);
	if (text != NULL &&
	    strncmp(text, FIRST_LINE, sizeof(FIRST_LINE) - 1) == 0)
		taken = take_listed(set, conf, all, all_n, text, len);
	for (size_t i = 0; i < all_n; i++)
		bt_fd_close(all[i].fd); /* those that are not listed */
	if (all_n > 0 || text != NULL) {
		/* as long as it is stored there, no close of ours ends one */
		bt_systemd_unstore(NAME_CONNECTION);
		bt_systemd_unstore(NAME_LIST);
		bt_log_info(NULL, 0, "%zu parked connections taken up", taken);
	}
	free(text);
	free(all);
	return taken;
}
