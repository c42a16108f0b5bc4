/*
 * The workers' common knowledge of upstreams: a table in anonymous memory that
 * the master maps before it forks, found by a hash of the servers' names.
 */

#include "proxy/standing.h"

#include "base/mem.h"
#include "base/siphash.h"

#include <errno.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#define STANDINGS 256u
/* More than that is not on its way at once while somebody waits. */
#define WINDOW_MAX 256u
/* Whose turn it is may take so long to see it. */
#define LATE_US 100000
/* Without news for so long, one more may go: answers may take their time. */
#define PATIENCE_US 1000000

/*
 * Who is away for a moment is looked for more often, so as not to be found late
 * by more than that part of the time; and never more often than each ms.
 */
#define LATE_PART 16
#define OFTEN_US 1000

static struct bt_standing *standings;
static int news_fd = -1; /* an eventfd(2); nobody reads what it counts */

/* The worker that this process is. */
static struct {
	const struct bt_scoreboard *board;
	unsigned slot;
} self;

#define GET(a) atomic_load_explicit(&(a), memory_order_relaxed)
#define SET(a, v) atomic_store_explicit(&(a), (v), memory_order_relaxed)

int
bt_standings_make(void)
{
	void *p;

	if (standings != NULL)
		return 0;
	p = mmap(NULL, STANDINGS * sizeof(standings[0]), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (p == MAP_FAILED)
		return -errno;
	standings = p;
	news_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return 0;
}

int
bt_standings_news_fd(void)
{
	return news_fd;
}

void
bt_standings_enter(const struct bt_scoreboard *board, unsigned slot)
{
	self.board = board;
	self.slot = slot;
	for (unsigned i = 0; standings != NULL && i < STANDINGS; i++)
		if (GET(standings[i].key) != 0)
			SET(standings[i].waiting_us[slot], 0);
}

/* There is a worker in that slot. */
static struct bt_standing *
use(struct bt_standing *s)
{
	uint32_t n = GET(s->slots_n);

	while (n <= self.slot &&
	    !atomic_compare_exchange_weak(&s->slots_n, &n, self.slot + 1))
		;
	return s;
}

/* By the name and the servers, in their order; never 0. */
static uint64_t
key_of(const struct bt_conf_upstream *u)
{
	static const struct bt_sip_key none = { { 0, 0 } };
	uint64_t key = bt_siphash(&none, u->name).h[0];

	for (size_t i = 0; i < u->origins_n; i++) {
		const struct bt_sip_key next = { { key, i } };

		key = bt_siphash(&next, u->origins[i].text).h[0];
	}
	return key != 0 ? key : 1;
}

/* A zeroed one is not trusted yet, and has not failed. */
struct bt_standing *
bt_standing_of(const struct bt_conf_upstream *u)
{
	uint64_t key = key_of(u), found;

	for (unsigned i = 0; standings != NULL && i < STANDINGS; i++) {
		struct bt_standing *s = &standings[(key + i) % STANDINGS];

		found = 0;
		if (atomic_compare_exchange_strong(&s->key, &found, key) ||
		    found == key)
			return use(s);
	}
	return use(bt_mem_zero(1, sizeof(struct bt_standing)));
}

void
bt_standing_waits(struct bt_standing *s, int64_t begun_us)
{
	SET(s->waiting_us[self.slot], begun_us);
}

/* It cannot go on, and nobody shall wait for it. */
static bool
is_idle(unsigned slot)
{
	const struct bt_score_slot *score;

	if (self.board == NULL || slot >= self.board->slots_n)
		return false;
	score = &self.board->slots[slot];
	return __atomic_load_n(&score->pid, __ATOMIC_RELAXED) == 0 ||
	    bt_score_get(&score->stale) > 0;
}

bool
bt_standing_is_first(const struct bt_standing *s, int64_t begun_us)
{
	uint32_t n = GET(s->slots_n);

	for (unsigned i = 0; i < n; i++) {
		int64_t other = GET(s->waiting_us[i]);

		if (other != 0 && other < begun_us && i != self.slot &&
		    !is_idle(i))
			return false;
	}
	return true;
}

void
bt_standing_tell(const struct bt_standing *s)
{
	uint32_t n = GET(s->slots_n);

	for (unsigned i = 0; i < n; i++)
		if (i != self.slot && GET(s->waiting_us[i]) != 0) {
			(void)!write(news_fd, &(uint64_t){ 1 }, 8);
			return;
		}
}

/* `interval_us` from now, or less where it has been away for less. */
static int64_t
next_probe_us(struct bt_standing *s, int64_t now_us, int64_t interval_us)
{
	int64_t us = (now_us - GET(s->away_us)) / LATE_PART;

	if (us > interval_us)
		us = interval_us;
	return now_us + (us > OFTEN_US ? us : OFTEN_US);
}

static bool
has_patience(struct bt_standing *s, int64_t now_us)
{
	int64_t moved = GET(s->moved_us);

	return now_us - moved < PATIENCE_US ||
	    !atomic_compare_exchange_strong(&s->moved_us, &moved, now_us);
}

/* While there is one at a time. */
static bool
claim_probe(struct bt_standing *s, int64_t begun_us, int64_t now_us,
    int64_t interval_us)
{
	int64_t next = GET(s->next_us);
	int64_t late_us = 2 * interval_us > LATE_US ? 2 * interval_us : LATE_US;

	if (now_us < next)
		return false;
	/* whose turn it is may be of a worker that has much else to do */
	if (now_us < next + late_us && !bt_standing_is_first(s, begun_us))
		return false;
	if (GET(s->in_flight) > 0 && has_patience(s, now_us))
		return false;
	if (!atomic_compare_exchange_strong(
		&s->next_us, &next, next_probe_us(s, now_us, interval_us)))
		return false;
	atomic_fetch_add(&s->in_flight, 1);
	return true;
}

bool
bt_standing_claim(struct bt_standing *s, int64_t begun_us, int64_t now_us,
    int64_t interval_us)
{
	uint32_t n = GET(s->in_flight), window = GET(s->window);

	if (window <= 1) {
		if (!claim_probe(s, begun_us, now_us, interval_us))
			return false;
		SET(s->moved_us, now_us);
		return true;
	}
	do
		if (n >= window && has_patience(s, now_us))
			return false;
	while (!atomic_compare_exchange_weak(&s->in_flight, &n, n + 1));
	SET(s->moved_us, now_us);
	return true;
}

void
bt_standing_drop(struct bt_standing *s, uint32_t epoch)
{
	uint32_t n = GET(s->in_flight);

	while (n > 0 && GET(s->epoch) == epoch &&
	    !atomic_compare_exchange_weak(&s->in_flight, &n, n - 1))
		;
}

void
bt_standing_answered(
    struct bt_standing *s, uint32_t epoch, bool claimed, int64_t now_us)
{
	uint32_t window = GET(s->window);

	if ((!claimed && bt_standing_is_trusted(s)) || GET(s->epoch) != epoch)
		return;
	if (claimed)
		bt_standing_drop(s, epoch);
	SET(s->moved_us, now_us);
	/* one answer alone proves little: it may have been the last one */
	if (GET(s->answers) == 0)
		SET(s->next_us, now_us + OFTEN_US);
	else if (window < WINDOW_MAX)
		SET(s->window, window < 1 ? 2 : window + 1);
	if (!bt_standing_is_trusted(s))
		atomic_fetch_add(&s->answers, 1);
}

void
bt_standing_failed(
    struct bt_standing *s, uint32_t epoch, int64_t now_us, int64_t interval_us)
{
	if (GET(s->epoch) != epoch)
		return; /* others have said so */
	SET(s->failed, true);
	if (GET(s->answers) > 0)
		SET(s->away_us, now_us);
	SET(s->answers, 0);
	SET(s->window, 1);
	SET(s->next_us, next_probe_us(s, now_us, interval_us));
	SET(s->moved_us, now_us);
	if (atomic_compare_exchange_strong(&s->epoch, &epoch, epoch + 1))
		SET(s->in_flight, 0);
}

void
bt_standing_origin_failed(struct bt_standing_origin *o,
    const struct bt_conf_upstream *conf, int64_t now_us)
{
	if (atomic_fetch_add(&o->fails, 1) + 1 >= conf->fall)
		SET(o->down_until_us, now_us + conf->fail_timeout_ms * 1000);
}

void
bt_standing_origin_well(struct bt_standing_origin *o, int64_t now_us)
{
	if (GET(o->fails) == 0)
		return;
	SET(o->fails, 0);
	if (GET(o->down_until_us) == 0)
		return;
	SET(o->down_until_us, 0);
	SET(o->up_since_us, now_us);
}

void
bt_standing_origin_checked(struct bt_standing_origin *o,
    const struct bt_conf_upstream *conf, bool well, int64_t now_us)
{
	if (!well) {
		SET(o->checks_passed, 0);
		if (atomic_fetch_add(&o->checks_failed, 1) + 1 >= conf->fall)
			SET(o->checked_down, true);
		return;
	}
	SET(o->checks_failed, 0);
	if (!GET(o->checked_down)) {
		bt_standing_origin_well(o, now_us);
		return;
	}
	if (atomic_fetch_add(&o->checks_passed, 1) + 1 < conf->rise)
		return;
	SET(o->checks_passed, 0);
	SET(o->checked_down, false);
	SET(o->fails, 0);
	SET(o->down_until_us, 0);
	SET(o->up_since_us, now_us);
}
