/*
 * The books of crash rescue.  Until a guard has ended, what its worker had
 * counts as open: in the slot's rescuing.  Master, on the loop.
 */

#include "master/rescue.h"

#include "base/log.h"
#include "base/mem.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>

/* A guard at work. */
struct bt_rescuer {
	struct bt_rescuer *next;
	pid_t pid, worker;
	struct bt_slot *slot;
};

void
bt_rescue_begin(struct bt_slot *s, pid_t guard, pid_t worker, uint64_t open)
{
	struct bt_rescuer *r = bt_mem_zero(1, sizeof(*r));

	*r = (struct bt_rescuer){ .next = s->set->rescuers,
		.pid = guard,
		.worker = worker,
		.slot = s };
	s->set->rescuers = r;
	s->rescuers++;
	s->rescuing += open;
	if (open > 0)
		s->stop_came = false;
}

void
bt_rescue_take(struct bt_slot *s, struct bt_handover *h, size_t n)
{
	/* those that came before the end was known are not in it */
	s->rescuing -= n < s->rescuing ? n : s->rescuing;
	s->rescued += n;
	bt_score_add(&s->score->rescued, n);
	s->set->on_back(s->set->arg, h, n);
}

/* All that it sent is here: the rest is lost. */
static void
settle(const struct bt_rescuer *r)
{
	struct bt_slot *s = r->slot;

	bt_slot_hear(s);
	if (--s->rescuers > 0)
		return; /* the last one's settling is for all */
	bt_score_add(&s->score->crashed, s->rescuing);
	if (s->stop_came)
		s->set->crashed_before += s->rescuing;
	if (s->rescued > 0 || s->rescuing > 0)
		bt_log_info(NULL, 0,
		    "worker %u, pid %d: %ju of its connections were dealt "
		    "again, %ju ended with it",
		    s->index, (int)r->worker, (uintmax_t)s->rescued,
		    (uintmax_t)s->rescuing);
	s->rescued = s->rescuing = 0;
	s->stop_came = false;
	s->set->on_news(s->set->arg, s, BT_SLOT_SETTLED);
}

void
bt_rescue_note_stop(struct bt_slots *set)
{
	for (struct bt_rescuer *r = set->rescuers; r != NULL; r = r->next)
		r->slot->stop_came = true;
}

static bool
has_ended(pid_t pid)
{
	return waitpid(pid, NULL, WNOHANG) != 0; /* also: never was ours */
}

void
bt_rescue_reap(struct bt_slots *set)
{
	struct bt_rescuer **at = &set->rescuers, *r;

	while ((r = *at) != NULL) {
		if (!has_ended(r->pid)) {
			at = &r->next;
			continue;
		}
		*at = r->next;
		settle(r);
		free(r);
	}
	for (unsigned i = 0; i < set->used; i++) {
		struct bt_slot *s = &set->all[i];

		if (s->guard == 0 || s->generation < set->reap_from ||
		    !has_ended(s->guard))
			continue;
		s->guard = 0;
		if (s->state != BT_SLOT_LEAVING)
			bt_log_warn(NULL, 0,
			    "the guard of worker %u has ended: its connections "
			    "will end with it",
			    i);
	}
}

void
bt_rescue_end(pid_t guard)
{
	if (guard <= 0 || has_ended(guard))
		return;
	kill(guard, SIGKILL);
	while (waitpid(guard, NULL, 0) == -1 && errno == EINTR)
		;
}

void
bt_rescue_finish(struct bt_slots *set)
{
	for (struct bt_rescuer *r = set->rescuers; r != NULL; r = r->next)
		bt_rescue_end(r->pid);
	/* settling deals, but it neither forks nor reaps */
	while (set->rescuers != NULL) {
		struct bt_rescuer *r = set->rescuers;

		set->rescuers = r->next;
		settle(r);
		free(r);
	}
}

void
bt_rescue_fini(struct bt_slots *set)
{
	struct bt_rescuer *r;

	while ((r = set->rescuers) != NULL) {
		set->rescuers = r->next;
		bt_rescue_end(r->pid);
		free(r);
	}
	for (unsigned i = 0; i < set->used; i++)
		bt_rescue_end(set->all[i].guard);
}
