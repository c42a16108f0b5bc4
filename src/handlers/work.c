/*
 * Exchanges and the work that they wait for: each knows the other, and who ends
 * first clears the other's pointer.  Worker, on the loop.
 */

#include "handlers/work.h"

static struct bt_work *
work_from(struct bt_job *job)
{
	return (struct bt_work *)((char *)job - offsetof(struct bt_work, job));
}

static void
run(struct bt_job *job)
{
	struct bt_work *work = work_from(job);

	work->run(work);
}

static void
done(struct bt_job *job)
{
	struct bt_work *work = work_from(job);
	struct baton_exchange *x = work->x;

	if (x != NULL)
		x->work = NULL;
	work->done(work);
	if (x != NULL)
		x->services->resume(x);
}

void
bt_work_hold(struct baton_exchange *x, struct bt_work *work)
{
	work->job = (struct bt_job){ .run = run, .done = done };
	work->x = x;
	x->work = work;
}

int
bt_work_release(struct bt_offload *offload, struct bt_work *work)
{
	return bt_offload_submit(offload, &work->job);
}

int
bt_work_start(struct baton_exchange *x, struct bt_work *work)
{
	int r;

	bt_work_hold(x, work);
	if ((r = bt_work_release(x->services->offload, work)) < 0)
		x->work = NULL;
	return r;
}

bool
bt_work_cancel(struct baton_exchange *x)
{
	struct bt_work *work = x->work;

	if (!bt_offload_cancel(x->services->offload, &work->job))
		return false;
	x->work = NULL;
	work->x = NULL;
	work->done(work);
	return true;
}

void
bt_work_forget(struct baton_exchange *x)
{
	struct bt_work *work = x->work;

	if (work == NULL)
		return;
	x->work = NULL;
	work->x = NULL;
	if (bt_offload_cancel(x->services->offload, &work->job))
		work->done(work);
}
