/*
 * Reading ahead on an offload thread.  It has a descriptor of its own, as the
 * exchange may end, and close its file, meanwhile.  Worker.
 */

#include "handlers/fetch.h"

#include "base/fd.h"
#include "base/mem.h"
#include "base/pages.h"
#include "handlers/work.h"

#include <fcntl.h>
#include <stdlib.h>

struct fetch {
	struct bt_work work;
	int fd; /* its own */
	uint64_t offset;
	size_t n;
};

static void
fetch_run(struct bt_work *work)
{
	struct fetch *f = (struct fetch *)work;

	bt_pages_fetch(f->fd, f->offset, f->n);
}

static void
fetch_done(struct bt_work *work)
{
	struct fetch *f = (struct fetch *)work;

	/* whatever came of it: what it can't read is an error of sendfile */
	if (work->x != NULL)
		work->x->ready = work->x->sent + f->n;
	bt_fd_close(&f->fd);
	free(f);
}

void
bt_fetch_start(struct baton_exchange *x, int fd, uint64_t offset, size_t n)
{
	struct fetch *f = bt_mem_zero(1, sizeof(*f));

	f->work.run = fetch_run;
	f->work.done = fetch_done;
	f->fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	f->offset = offset;
	f->n = n;
	if (f->fd != -1 && bt_work_start(x, &f->work) == 0)
		return;
	/* too much to do already: the disk is waited for after all */
	x->ready = x->sent + n;
	bt_fd_close(&f->fd);
	free(f);
}
