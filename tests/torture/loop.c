/*
 * epoll, level-triggered, and a binary heap of timers.
 */

#include "tests/torture/loop.h"

#include "tests/torture/say.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#define EVENTS_MAX 512

static int epoll_fd = -1;
static struct timer **heap; /* from 1 on */
static size_t heap_n, heap_room;

void
loop_init(void)
{
	epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (epoll_fd == -1)
		say_die("epoll_create1");
	heap_room = 1024;
	heap = calloc(heap_room, sizeof(*heap));
}

void
loop_fini(void)
{
	close(epoll_fd);
	free(heap);
}

int64_t
loop_now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static void
control(int op, int fd, struct watch *w, uint32_t events)
{
	struct epoll_event e = { .events = events, .data.ptr = w };

	if (epoll_ctl(epoll_fd, op, fd, &e) == -1)
		say_die("epoll_ctl");
}

void
loop_watch(int fd, struct watch *w, uint32_t events)
{
	control(EPOLL_CTL_ADD, fd, w, events);
}

void
loop_change(int fd, struct watch *w, uint32_t events)
{
	control(EPOLL_CTL_MOD, fd, w, events);
}

void
loop_forget(int fd)
{
	control(EPOLL_CTL_DEL, fd, NULL, 0);
}

static void
put(struct timer *t, size_t place)
{
	heap[place] = t;
	t->place = place;
}

static void
rise(struct timer *t, size_t at)
{
	for (; at > 1 && heap[at / 2]->when_us > t->when_us; at /= 2)
		put(heap[at / 2], at);
	put(t, at);
}

static void
sink(struct timer *t, size_t at)
{
	for (size_t child; (child = at * 2) <= heap_n; at = child) {
		if (child < heap_n &&
		    heap[child + 1]->when_us < heap[child]->when_us)
			child++;
		if (heap[child]->when_us >= t->when_us)
			break;
		put(heap[child], at);
	}
	put(t, at);
}

void
loop_cancel(struct timer *t)
{
	size_t place = t->place;
	struct timer *last;

	if (place == 0)
		return;
	t->place = 0;
	last = heap[heap_n--];
	if (last == t)
		return;
	sink(last, place);
	rise(last, last->place);
}

void
loop_after(struct timer *t, int64_t us)
{
	loop_cancel(t);
	t->when_us = loop_now_us() + us;
	if (++heap_n >= heap_room) {
		heap_room *= 2;
		heap = realloc(heap, heap_room * sizeof(*heap));
		if (heap == NULL)
			say_die("realloc");
	}
	rise(t, heap_n);
}

static void
run_timers(void)
{
	int64_t now = loop_now_us();

	while (heap_n > 0 && heap[1]->when_us <= now) {
		struct timer *t = heap[1];

		loop_cancel(t);
		t->on_time(t->arg);
	}
}

/* How long to wait, in ms. */
static int
patience(int64_t deadline_us)
{
	int64_t until = deadline_us, now = loop_now_us();

	if (heap_n > 0 && heap[1]->when_us < until)
		until = heap[1]->when_us;
	if (until <= now)
		return 0;
	if (until - now > 1000 * 1000)
		return 1000;
	return (int)((until - now + 999) / 1000);
}

void
loop_run(const bool *done, int64_t deadline_us)
{
	struct epoll_event events[EVENTS_MAX];

	while (!*done && loop_now_us() < deadline_us) {
		int n = epoll_wait(
		    epoll_fd, events, EVENTS_MAX, patience(deadline_us));

		if (n == -1 && errno != EINTR)
			say_die("epoll_wait");
		for (int i = 0; i < n; i++) {
			struct watch *w = events[i].data.ptr;

			w->on_event(w->arg, events[i].events);
		}
		run_timers();
	}
}
