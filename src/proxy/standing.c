/*
 * The workers' common knowledge of upstreams: a table in anonymous memory that
 * the master maps before it forks, found by a hash of the servers' names.
 */

#include "proxy/standing.h"

#include "base/mem.h"
#include "base/siphash.h"

#include <errno.h>
#include <sys/mman.h>

#define STANDINGS 256u
/* More than that is not on its way at once while somebody waits. */
#define WINDOW_MAX 256u
/* Without news for so long, one more may go: answers may take their time. */
#define PATIENCE_US 1000000

static struct bt_standing *standings;

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
	return 0;
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
			return s;
	}
	return bt_mem_zero(1, sizeof(struct bt_standing));
}

bool
bt_standing_wait(struct bt_standing *s, int64_t begun_us)
{
	int64_t first = GET(s->first_us);

	while (first == 0 || begun_us < first)
		if (atomic_compare_exchange_weak(
			&s->first_us, &first, begun_us))
			return true;
	return first == begun_us;
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
	bool first = bt_standing_wait(s, begun_us);

	if (now_us < next)
		return false;
	/* whose turn it is may be of a worker that hangs, or is no more */
	if (!first && now_us < next + 2 * interval_us)
		return false;
	if (GET(s->in_flight) > 0 && has_patience(s, now_us))
		return false;
	if (!atomic_compare_exchange_strong(
		&s->next_us, &next, now_us + interval_us))
		return false;
	SET(s->first_us, 0);
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
bt_standing_answered(struct bt_standing *s, uint32_t epoch, bool claimed,
    int64_t now_us, int64_t interval_us)
{
	uint32_t window = GET(s->window);

	if ((!claimed && bt_standing_is_trusted(s)) || GET(s->epoch) != epoch)
		return;
	if (claimed)
		bt_standing_drop(s, epoch);
	SET(s->moved_us, now_us);
	/* one answer alone proves little: the next one waits for its time */
	if (GET(s->answers) == 0)
		SET(s->next_us, now_us + interval_us);
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
	SET(s->answers, 0);
	SET(s->window, 1);
	SET(s->next_us, now_us + interval_us);
	SET(s->moved_us, now_us);
	if (atomic_compare_exchange_strong(&s->epoch, &epoch, epoch + 1))
		SET(s->in_flight, 0);
}

void
bt_standing_leave(struct bt_standing *s, int64_t begun_us)
{
	atomic_compare_exchange_strong(&s->first_us, &begun_us, 0);
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
