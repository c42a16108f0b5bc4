/*
 * A pool of threads, two lists under one lock, and an eventfd to wake the loop.
 * Threads are started one by one, when there is more work than idle threads, so
 * that who never needs one has none.  Worker.
 */

#include "base/offload.h"

#include "base/fd.h"
#include "base/mem.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* What runs here may be an application's. */
#define STACK_BYTES (1024 * 1024)
/* Where there are more threads than CPUs, the loops run before them. */
#define NICE 10
/* So long the end of the process waits for work that is under way. */
#define END_S 1

TAILQ_HEAD(job_list, bt_job);

struct bt_offload {
	pthread_mutex_t lock;
	pthread_cond_t work;
	/* under the lock */
	struct job_list queue, finished;
	unsigned queued_n, idle_n;
	bool ending;
	/* the loop's */
	int event_fd;
	unsigned queue_max, threads_n, threads_max;
	pthread_t threads[];
};

int
bt_offload_new(unsigned threads, unsigned queue_max, struct bt_offload **ret)
{
	struct bt_offload *o =
	    bt_mem_zero(1, sizeof(*o) + threads * sizeof(o->threads[0]));

	o->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (o->event_fd == -1) {
		int error = errno;

		free(o);
		return -error;
	}
	pthread_mutex_init(&o->lock, NULL);
	pthread_cond_init(&o->work, NULL);
	TAILQ_INIT(&o->queue);
	TAILQ_INIT(&o->finished);
	o->queue_max = queue_max;
	o->threads_max = threads;
	*ret = o;
	return 0;
}

int
bt_offload_fd(const struct bt_offload *o)
{
	return o->event_fd;
}

/* With the lock; the loop looks when the first one is there. */
static void
finish(struct bt_offload *o, struct bt_job *job)
{
	const uint64_t one = 1;
	bool first = TAILQ_EMPTY(&o->finished);

	TAILQ_INSERT_TAIL(&o->finished, job, link);
	while (first && write(o->event_fd, &one, sizeof(one)) == -1 &&
	    errno == EINTR)
		;
}

static void *
thread_main(void *arg)
{
	struct bt_offload *o = arg;
	struct bt_job *job;

	/* of this thread alone: the loop goes first */
	setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid), NICE);
	pthread_mutex_lock(&o->lock);
	for (;;) {
		while ((job = TAILQ_FIRST(&o->queue)) == NULL && !o->ending) {
			o->idle_n++;
			pthread_cond_wait(&o->work, &o->lock);
			o->idle_n--;
		}
		if (o->ending)
			break;
		TAILQ_REMOVE(&o->queue, job, link);
		o->queued_n--;
		job->queued = false;
		pthread_mutex_unlock(&o->lock);
		job->run(job);
		pthread_mutex_lock(&o->lock);
		finish(o, job);
	}
	pthread_mutex_unlock(&o->lock);
	return NULL;
}

/* One more thread; signals are the loop's. */
static int
start_thread(struct bt_offload *o)
{
	pthread_attr_t attr;
	sigset_t all, before;
	int error;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK_BYTES);
	sigfillset(&all);
	/* a fault is the thread's own, and tells its stack */
	sigdelset(&all, SIGSEGV);
	sigdelset(&all, SIGBUS);
	sigdelset(&all, SIGFPE);
	sigdelset(&all, SIGILL);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	error =
	    pthread_create(&o->threads[o->threads_n], &attr, thread_main, o);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attr);
	if (error == 0)
		o->threads_n++;
	return -error;
}

int
bt_offload_submit(struct bt_offload *o, struct bt_job *job)
{
	unsigned queued, idle;
	int r = 0;

	pthread_mutex_lock(&o->lock);
	queued = o->queued_n;
	idle = o->idle_n;
	pthread_mutex_unlock(&o->lock);
	if (queued >= o->queue_max)
		return -EAGAIN;
	if (queued >= idle && o->threads_n < o->threads_max)
		r = start_thread(o);
	if (r < 0 && o->threads_n == 0)
		return r;
	pthread_mutex_lock(&o->lock);
	TAILQ_INSERT_TAIL(&o->queue, job, link);
	o->queued_n++;
	job->queued = true;
	pthread_cond_signal(&o->work);
	pthread_mutex_unlock(&o->lock);
	return 0;
}

bool
bt_offload_cancel(struct bt_offload *o, struct bt_job *job)
{
	bool queued;

	pthread_mutex_lock(&o->lock);
	if ((queued = job->queued)) {
		TAILQ_REMOVE(&o->queue, job, link);
		o->queued_n--;
		job->queued = false;
	}
	pthread_mutex_unlock(&o->lock);
	return queued;
}

static void
do_all(struct job_list *jobs)
{
	struct bt_job *job;

	while ((job = TAILQ_FIRST(jobs)) != NULL) {
		TAILQ_REMOVE(jobs, job, link);
		job->done(job);
	}
}

void
bt_offload_collect(struct bt_offload *o)
{
	struct job_list finished = TAILQ_HEAD_INITIALIZER(finished);
	uint64_t count;

	/* emptied first: who finishes from now on writes again */
	while (read(o->event_fd, &count, sizeof(count)) == -1 && errno == EINTR)
		;
	pthread_mutex_lock(&o->lock);
	TAILQ_CONCAT(&finished, &o->finished, link);
	pthread_mutex_unlock(&o->lock);
	do_all(&finished);
}

/* False when a thread is in something that does not end. */
static bool
join_all(struct bt_offload *o)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += END_S;
	for (; o->threads_n > 0; o->threads_n--)
		if (pthread_timedjoin_np(
			o->threads[o->threads_n - 1], NULL, &until) != 0)
			return false;
	return true;
}

void
bt_offload_free(struct bt_offload *o)
{
	if (o == NULL)
		return;
	pthread_mutex_lock(&o->lock);
	o->ending = true;
	pthread_cond_broadcast(&o->work);
	pthread_mutex_unlock(&o->lock);
	if (!join_all(o))
		return;
	do_all(&o->queue);
	do_all(&o->finished);
	pthread_cond_destroy(&o->work);
	pthread_mutex_destroy(&o->lock);
	bt_fd_close(&o->event_fd);
	free(o);
}
