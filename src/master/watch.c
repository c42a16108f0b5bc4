/*
 * The watch over the workers' heartbeats.  It looks when the first of them
 * could have become stale, which is two to four times a second, and more often
 * only while one is.  Master, on the loop.
 */

#include "master/watch.h"

#include "base/clock.h"
#include "base/log.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* While one is stale: so soon is it seen that it turns again. */
#define LOOK_STALE_MS 50
#define LOOK_LEAST_MS 10
/* A look that comes so much too late says more of the master than of them. */
#define LATE_MS 50

int64_t
bt_pulse_take(
    struct bt_pulse *p, uint64_t beat_ms, int64_t now_ms, int64_t passed_ms)
{
	int64_t ago_ms = now_ms - (int64_t)beat_ms;

	if (beat_ms == p->beat_ms) {
		p->silent_ms += passed_ms;
		return p->silent_ms;
	}
	/* it was later than the last look */
	p->beat_ms = beat_ms;
	p->silent_ms = ago_ms < 0 ? 0 : ago_ms < passed_ms ? ago_ms : passed_ms;
	return p->silent_ms;
}

/* Reads a file of /proc, which does not block; "" when we may not. */
static void
read_proc(pid_t pid, const char *name, char *out, size_t size)
{
	char path[64];
	ssize_t n = -1;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	if ((fd = open(path, O_RDONLY | O_CLOEXEC)) != -1) {
		n = read(fd, out, size - 1);
		close(fd);
	}
	out[n > 0 ? n : 0] = '\0';
}

/* What the kernel tells of a worker that cannot tell itself. */
static void
log_whereabouts(const struct bt_slot *s)
{
	char stat[512], where[64], stack[2048], *state, *line, *rest = stack;
	bool is_known;

	read_proc(s->pid, "stat", stat, sizeof(stat));
	read_proc(s->pid, "wchan", where, sizeof(where));
	read_proc(s->pid, "stack", stack, sizeof(stack));
	state = strrchr(stat, ')');
	/* "0": it is not in the kernel, or we may not know */
	is_known = where[0] != '\0' && strcmp(where, "0") != 0;
	bt_log_error(NULL, 0, "worker %u, pid %d: state %c%s%s", s->index,
	    (int)s->pid, state && state[1] ? state[2] : '?',
	    is_known ? ", in the kernel at " : "", is_known ? where : "");
	while ((line = strsep(&rest, "\n")) != NULL)
		if (*line != '\0')
			bt_log_error(
			    NULL, 0, "worker %u, kernel: %s", s->index, line);
}

/*
 * It has had its time.  SIGABRT has it write its stack, and SIGCONT lets it do
 * so when it was stopped; who cannot, because it hangs in the kernel, is killed
 * a little later.  Its end is a crash like any other: bt_slots_reap().
 */
static void
end(struct bt_slot *s, int64_t silent_ms, int64_t timeout_ms)
{
	if (!s->pulse.aborted) {
		s->pulse.aborted = true;
		bt_score_add(&s->score->timeouts, 1);
		bt_log_error(NULL, 0,
		    "worker %u, pid %d: its loop has not turned for %jd ms "
		    "(worker_timeout); it is ended",
		    s->index, (int)s->pid, (intmax_t)silent_ms);
		bt_events_add(&s->set->board->master.events,
		    "worker %u, pid %d: its loop has not turned for %jd ms; it "
		    "is ended",
		    s->index, (int)s->pid, (intmax_t)silent_ms);
		log_whereabouts(s);
		kill(s->pid, SIGABRT);
		kill(s->pid, SIGCONT);
	} else if (silent_ms >= timeout_ms + BT_ABORT_MS) {
		kill(s->pid, SIGKILL);
	}
}

static void
suspect(struct bt_slot *s)
{
	s->stale = true;
	bt_score_set(&s->score->stale, 1);
	bt_score_add(&s->score->stales, 1);
	bt_log_warn(NULL, 0,
	    "worker %u, pid %d: its loop has not turned for %jd ms; it gets "
	    "nothing new, and %ju connections that wait for it are dealt again",
	    s->index, (int)s->pid, (intmax_t)s->pulse.silent_ms,
	    (uintmax_t)bt_slot_in_channel(s));
	bt_events_add(&s->set->board->master.events,
	    "worker %u, pid %d: its loop has not turned for %jd ms", s->index,
	    (int)s->pid, (intmax_t)s->pulse.silent_ms);
	bt_slot_recall(s);
}

static void
trust(struct bt_slot *s)
{
	s->stale = false;
	bt_score_set(&s->score->stale, 0);
	bt_log_info(
	    NULL, 0, "worker %u, pid %d: turns again", s->index, (int)s->pid);
	bt_events_add(&s->set->board->master.events,
	    "worker %u, pid %d: turns again", s->index, (int)s->pid);
	s->set->on_news(s->set->arg, s, BT_SLOT_HAS_ROOM);
}

/* Looks at one; returns when it should be looked at again. */
static int64_t
look_at(struct bt_slot *s, int64_t now_ms, int64_t passed_ms, bool late)
{
	int64_t timeout_ms = s->set->conf->worker_timeout_ms;
	int64_t silent_ms = bt_pulse_take(&s->pulse,
	    bt_score_get(&s->score->worker.heartbeat_ms), now_ms, passed_ms);

	if (silent_ms >= BT_STALE_MS && late)
		return LOOK_STALE_MS; /* it shall have its turn first */
	if (silent_ms >= timeout_ms)
		end(s, silent_ms, timeout_ms);
	if (s->state == BT_SLOT_STARTING)
		return LOOK_STALE_MS; /* not dealt to; it may take its time */
	if (silent_ms >= BT_STALE_MS && !s->stale)
		suspect(s);
	else if (silent_ms < BT_STALE_MS && s->stale)
		trust(s);
	return s->stale ? LOOK_STALE_MS : BT_STALE_MS - silent_ms;
}

static void
look_again_in(struct bt_watch *w, int64_t ms)
{
	const struct timeval tv = { 0, (suseconds_t)ms * 1000 };

	w->wait_ms = ms;
	evtimer_add(w->look, &tv);
}

static void
on_look(evutil_socket_t fd, short what, void *arg)
{
	struct bt_watch *w = arg;
	int64_t now_ms = bt_clock_ms(), passed_ms = now_ms - w->last_ms;
	bool late = passed_ms > w->wait_ms + LATE_MS;
	int64_t next_ms = BT_STALE_MS;

	w->last_ms = now_ms;
	if (late)
		passed_ms = w->wait_ms;
	for (unsigned i = 0; i < w->slots->used; i++) {
		struct bt_slot *s = &w->slots->all[i];
		int64_t in_ms;

		/* not there, or not ours yet: see bt_slot_attach() */
		if (s->pid == 0 || s->readable == NULL)
			continue;
		in_ms = look_at(s, now_ms, passed_ms, late);
		next_ms = in_ms < next_ms ? in_ms : next_ms;
	}
	bt_lately_look(&w->lately, w->slots->board, now_ms);
	bt_log_tick(now_ms);
	look_again_in(w, next_ms > LOOK_LEAST_MS ? next_ms : LOOK_LEAST_MS);
}

int
bt_watch_start(struct bt_watch *w, struct bt_slots *slots)
{
	w->slots = slots;
	w->last_ms = bt_clock_ms();
	if ((w->look = evtimer_new(slots->base, on_look, w)) == NULL)
		return -ENOMEM;
	/* who comes in this turn is dealt by what it saw */
	event_priority_set(w->look, 0);
	look_again_in(w, BT_STALE_MS);
	return 0;
}

void
bt_watch_stop(struct bt_watch *w)
{
	if (w->look != NULL)
		event_free(w->look);
	w->look = NULL;
}
