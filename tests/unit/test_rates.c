/* src/scoreboard/rates.c: token buckets, and what they are kept by */

#include "scoreboard/rates.h"
#include "tests/unit/unit.h"

#include <arpa/inet.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define ROWS(table) ((int)(sizeof(table) / sizeof((table)[0])))
#define HOUR_MS (3600 * 1000)

static struct bt_rates *rates;

static void
setup(void)
{
	ck_assert_int_eq(bt_rates_new(1024, &rates), 0);
}

static void
teardown(void)
{
	bt_rates_free(rates);
}

static uint64_t
key(const char *text)
{
	int family = strchr(text, ':') ? AF_INET6 : AF_INET;
	uint8_t host[16] = { 0 };

	ck_assert_int_eq(inet_pton(family, text, host), 1);
	return bt_rates_key(rates, family, host);
}

static const struct {
	const char *a, *b;
	bool same;
} addresses[] = {
	{ "192.0.2.1", "192.0.2.1", true },
	{ "192.0.2.1", "192.0.2.2", false },
	{ "192.0.2.1", "193.0.2.1", false },
	{ "0.0.0.0", "0.0.0.1", false },
	{ "2001:db8::1", "2001:db8::2", true },
	{ "2001:db8::1", "2001:db8::ffff:1:2:3", true },
	{ "2001:db8:0:1::1", "2001:db8:0:2::1", false },
	{ "::1", "::2", true },
	{ "::ffff:192.0.2.1", "192.0.2.1", true },
	{ "::ffff:192.0.2.1", "::ffff:192.0.2.2", false },
	{ "::fffe:192.0.2.1", "::fffe:192.0.2.2", true },
	{ "::", "0.0.0.0", false },
};

START_TEST(keys)
{
	ck_assert_uint_ne(key(addresses[_i].a), 0);
	ck_assert_int_eq(
	    key(addresses[_i].a) == key(addresses[_i].b), addresses[_i].same);
}
END_TEST

START_TEST(unix_sockets_have_none)
{
	const uint8_t host[16] = { 0 };

	ck_assert_uint_eq(bt_rates_key(rates, AF_UNIX, host), 0);
}
END_TEST

/* How many of `n` at that moment get a token. */
static unsigned
take(uint64_t k, struct bt_rate rate, int64_t now_ms, unsigned n)
{
	unsigned got = 0;

	for (unsigned i = 0; i < n; i++)
		got += bt_rates_take(rates, k, rate, now_ms) == 0;
	return got;
}

START_TEST(burst_then_rate)
{
	const struct bt_rate rate = { .per_s = 10, .burst = 5 };
	uint64_t k = key("192.0.2.1");
	int64_t t = HOUR_MS;

	ck_assert_uint_eq(take(k, rate, t, 100), 5);
	ck_assert_int_eq(bt_rates_take(rates, k, rate, t), 100);
	ck_assert_int_eq(bt_rates_take(rates, k, rate, t + 99), 1);
	ck_assert_uint_eq(take(k, rate, t + 100, 100), 1);
	ck_assert_uint_eq(take(k, rate, t + 400, 100), 3);
	/* it does not hold more than it can, however long one waits */
	ck_assert_uint_eq(take(k, rate, t + HOUR_MS, 100), 5);
	/* a minute, asked all the time: the rate, to the token */
	t += 2 * HOUR_MS;
	ck_assert_uint_eq(take(k, rate, t, 100), 5);
	for (unsigned ms = 1, got = 0; ms <= 60000; ms++) {
		got += take(k, rate, t + ms, 2);
		ck_assert_uint_eq(got, ms / 100);
	}
}
END_TEST

START_TEST(others_have_their_own)
{
	const struct bt_rate rate = { .per_s = 1, .burst = 3 };

	ck_assert_uint_eq(take(key("192.0.2.1"), rate, HOUR_MS, 9), 3);
	ck_assert_uint_eq(take(key("192.0.2.2"), rate, HOUR_MS, 9), 3);
	ck_assert_uint_eq(take(key("2001:db8::1"), rate, HOUR_MS, 9), 3);
	ck_assert_uint_eq(take(key("2001:db8::2"), rate, HOUR_MS, 9), 0);
}
END_TEST

/* What was owed under another rate does not last longer than under this. */
START_TEST(the_rate_changes)
{
	const struct bt_rate slow = { .per_s = 1, .burst = 1000 };
	const struct bt_rate fast = { .per_s = 100, .burst = 1 };
	uint64_t k = key("192.0.2.1");

	ck_assert_uint_eq(take(k, slow, HOUR_MS, 5000), 1000);
	ck_assert_int_eq(bt_rates_take(rates, k, fast, HOUR_MS), 10);
	ck_assert_uint_eq(take(k, fast, HOUR_MS + 10, 5), 1);
	ck_assert_uint_eq(take(k, slow, HOUR_MS + 20, 5000), 1000);
}
END_TEST

/*
 * More addresses than buckets: nobody is refused his first, and who is over
 * the limit again and again is found, mostly.
 */
START_TEST(more_addresses_than_buckets)
{
	const struct bt_rate rate = { .per_s = 1, .burst = 2 };
	uint8_t host[16] = { 10 };

	for (unsigned i = 0; i < 100000; i++) {
		memcpy(host + 1,
		    (const uint8_t[]){
			(uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i },
		    3);
		ck_assert_int_eq(
		    bt_rates_take(rates, bt_rates_key(rates, AF_INET, host),
			rate, HOUR_MS),
		    0);
	}
	ck_assert_uint_eq(take(key("192.0.2.1"), rate, HOUR_MS, 100), 2);
}
END_TEST

/* Several processes on one bucket take exactly what is in it. */
START_TEST(shared_by_processes)
{
	enum { PROCESSES = 4, BURST = 40000 };
	const struct bt_rate rate = { .per_s = 1, .burst = BURST };
	uint64_t k = key("192.0.2.1");
	unsigned got[PROCESSES], sum = 0;
	int out[2];

	ck_assert_int_eq(bt_rates_take(rates, k, rate, HOUR_MS), 0);
	ck_assert_int_eq(pipe(out), 0);
	for (int i = 0; i < PROCESSES; i++)
		if (fork() == 0) {
			unsigned n = take(k, rate, HOUR_MS, BURST);

			_exit(write(out[1], &n, sizeof(n)) != sizeof(n));
		}
	for (int i = 0; i < PROCESSES; i++) {
		ck_assert_int_eq(
		    read(out[0], &got[i], sizeof(got[i])), sizeof(got[i]));
		sum += got[i];
		wait(NULL);
	}
	ck_assert_uint_eq(sum, BURST - 1);
	close(out[0]);
	close(out[1]);
}
END_TEST

BT_UNIT_SUITE(rates)
{
	TCase *tc = bt_unit_case(s, "rates");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, keys, 0, ROWS(addresses));
	tcase_add_test(tc, unix_sockets_have_none);
	tcase_add_test(tc, burst_then_rate);
	tcase_add_test(tc, others_have_their_own);
	tcase_add_test(tc, the_rate_changes);
	tcase_add_test(tc, more_addresses_than_buckets);
	tcase_add_test(tc, shared_by_processes);
}
