/*
 * Counters in shared memory.  Made by the master before the first fork.
 */

#include "scoreboard/scoreboard.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAGIC 0x62746e73u /* "btns" */
#define VERSION 7         /* grows with every change of the structs */

const char *const bt_score_store_names[BT_SCORE_STORES] = { "url", "memory",
	"disk" };

const char *const bt_score_loss_names[BT_SCORE_LOSSES] = { "bad", "unknown",
	"expired", "revoked", "used", "outdated" };

const char *const bt_close_reason_names[BT_CLOSE_REASONS] = {
	[BT_CLOSE_CLIENT] = "client",
	[BT_CLOSE_DONE] = "done",
	[BT_CLOSE_RESET] = "reset",
	[BT_CLOSE_IDLE_TIMEOUT] = "idle_timeout",
	[BT_CLOSE_HEADER_TIMEOUT] = "header_timeout",
	[BT_CLOSE_BODY_TIMEOUT] = "body_timeout",
	[BT_CLOSE_SEND_TIMEOUT] = "send_timeout",
	[BT_CLOSE_BAD_REQUEST] = "bad_request",
	[BT_CLOSE_ERROR] = "error",
	[BT_CLOSE_DRAIN] = "drain",
	[BT_CLOSE_BODY_RATE] = "body_rate",
	[BT_CLOSE_SEND_RATE] = "send_rate",
	[BT_CLOSE_HEADER_SIZE] = "header_size",
	[BT_CLOSE_BODY_SIZE] = "body_size",
	[BT_CLOSE_KEEPALIVE_REQUESTS] = "keepalive_requests",
	[BT_CLOSE_DRAIN_TIMEOUT] = "drain_timeout",
	[BT_CLOSE_TUNNEL_TIMEOUT] = "tunnel_timeout",
};

static size_t
size_for(unsigned slots_n)
{
	return sizeof(struct bt_scoreboard) +
	    slots_n *
	    (sizeof(struct bt_score_slot) + sizeof(struct bt_score_times));
}

static struct bt_scoreboard *
map(int fd, size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	return p == MAP_FAILED ? NULL : p;
}

int
bt_scoreboard_new(unsigned slots_n, struct bt_scoreboard **ret)
{
	size_t size = size_for(slots_n);
	int fd = memfd_create("baton-scoreboard", MFD_CLOEXEC), err;
	struct bt_scoreboard *board = NULL;

	if (fd != -1 && ftruncate(fd, (off_t)size) == 0)
		board = map(fd, size);
	if (board == NULL) {
		err = errno;
		if (fd != -1)
			close(fd);
		return -err;
	}
	board->magic = MAGIC;
	board->version = VERSION;
	board->slots_n = slots_n;
	board->fd = fd;
	bt_sip_key_make(&board->key);
	*ret = board;
	return 0;
}

int
bt_scoreboard_open(int fd, struct bt_scoreboard **ret)
{
	struct bt_scoreboard *board, head;
	struct stat st;

	if (fstat(fd, &st) == -1 ||
	    pread(fd, &head, sizeof(head), 0) != sizeof(head))
		return -EPROTO;
	if (head.magic != MAGIC || head.version != VERSION ||
	    (size_t)st.st_size != size_for(head.slots_n))
		return -EPROTO;
	board = map(fd, (size_t)st.st_size);
	if (board == NULL)
		return -errno;
	board->fd = fd;
	*ret = board;
	return 0;
}

void
bt_scoreboard_free(struct bt_scoreboard *board)
{
	if (board == NULL)
		return;
	close(board->fd);
	munmap(board, size_for(board->slots_n));
}

struct bt_score_times *
bt_score_times(struct bt_scoreboard *board, unsigned slot)
{
	void *behind = &board->slots[board->slots_n];

	return (struct bt_score_times *)behind + slot;
}

static const struct bt_score_times *
times_of(const struct bt_scoreboard *board, unsigned slot)
{
	const void *behind = &board->slots[board->slots_n];

	return (const struct bt_score_times *)behind + slot;
}

void
bt_score_times_read(const struct bt_scoreboard *board, enum bt_time what,
    struct bt_histogram *ret)
{
	*ret = (struct bt_histogram){ 0 };
	for (unsigned i = 0; i < board->slots_n; i++)
		/* looking at them costs memory: not those of nobody */
		if (bt_score_get(&board->slots[i].started) > 0)
			bt_histogram_merge(ret, &times_of(board, i)->of[what]);
}

/* a - b, or 0 where two reads were a step apart */
static uint64_t
less(uint64_t a, uint64_t b)
{
	return a > b ? a - b : 0;
}

uint64_t
bt_score_slot_load(const struct bt_score_slot *slot)
{
	const struct bt_score_worker *w = &slot->worker;

	/* what only grows is read late on the left side, early on the right */
	uint64_t gone = bt_score_get(&w->done) + bt_score_get(&w->handed_back) +
	    bt_score_get(&w->lost) + bt_score_get(&slot->crashed) +
	    bt_score_get(&slot->recalled) + bt_score_get(&slot->rescued);

	return less(bt_score_get(&slot->dealt), gone);
}

void
bt_ledger_read(const struct bt_scoreboard *board, struct bt_ledger *ret)
{
	struct bt_ledger sum = { 0 };
	uint64_t early = 0;

	for (unsigned i = 0; i < board->slots_n; i++) {
		const struct bt_score_slot *slot = &board->slots[i];
		const struct bt_score_worker *w = &slot->worker;
		uint64_t done = bt_score_get(&w->done);
		uint64_t handed = bt_score_get(&w->handed_back) +
		    bt_score_get(&slot->rescued);
		uint64_t crashed = bt_score_get(&slot->crashed);
		uint64_t lost = bt_score_get(&w->lost);
		uint64_t recalled = bt_score_get(&slot->recalled);
		uint64_t taken = bt_score_get(&w->taken) + recalled;
		uint64_t dealt = bt_score_get(&slot->dealt);

		sum.done += done;
		sum.handed_back += handed + recalled;
		sum.crashed += crashed;
		/* a worker may be faster than the master's counting */
		if (dealt < taken + lost) {
			early += taken + lost - dealt;
			dealt = taken + lost;
		}
		sum.taken += taken;
		sum.dealt += dealt;
		sum.lost += lost;
		sum.open += less(taken, done + handed + recalled + crashed);
		sum.in_channel += less(dealt, taken + lost);
	}
	sum.refused = bt_score_get(&board->master.refused);
	/* those are no longer in the master, though it still counts them */
	sum.held = less(bt_score_get(&board->master.held), early);
	sum.returned = bt_score_get(&board->master.returned);
	sum.accepted = bt_score_get(&board->master.accepted);
	sum.returning = less(sum.handed_back, sum.returned);
	*ret = sum;
}
