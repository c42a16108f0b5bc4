/*
 * Reading a folder.  A symlink is shown as what it leads to, which is asked of
 * the kernel from the root, so that it cannot lead out.  Worker, on an offload
 * thread.
 */

#include "handlers/listing.h"

#include "base/mem.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static int
open_beneath(int root_fd, const char *path, uint64_t flags)
{
	struct open_how how = { .flags = flags | O_CLOEXEC,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS };
	long fd = syscall(SYS_openat2, root_fd, path, &how, sizeof(how));

	return fd == -1 ? -errno : (int)fd;
}

/* What the symlink leads to, if that is beneath the root. */
static bool
follow(int root_fd, struct bt_str folder, const char *name, struct stat *ret)
{
	char path[PATH_MAX];
	size_t n = strlen(name);
	int fd, r;

	if (folder.n + n >= sizeof(path))
		return false;
	if (folder.n > 0)
		memcpy(path, folder.p, folder.n);
	memcpy(path + folder.n, name, n + 1);
	if ((fd = open_beneath(root_fd, path, O_PATH)) < 0)
		return false;
	r = fstat(fd, ret);
	close(fd);
	return r == 0;
}

/* Whether it would be served; what it is. */
static bool
look_at(int root_fd, int fd, struct bt_str folder, const char *name,
    struct stat *ret)
{
	if (fstatat(fd, name, ret, AT_SYMLINK_NOFOLLOW) == -1)
		return false;
	if (S_ISLNK(ret->st_mode) && !follow(root_fd, folder, name, ret))
		return false;
	return S_ISREG(ret->st_mode) || S_ISDIR(ret->st_mode);
}

static void
add(struct bt_listing *l, size_t *cap, const char *name, const struct stat *st)
{
	if (l->n == *cap) {
		*cap = *cap ? 2 * *cap : 64;
		l->entries =
		    bt_mem_resize(l->entries, *cap, sizeof(*l->entries));
	}
	l->entries[l->n++] = (struct bt_listing_entry){
		.name = bt_arena_copy(&l->arena, bt_str_of(name)),
		.folder = S_ISDIR(st->st_mode),
		.size = (uint64_t)st->st_size,
		.modified_s = st->st_mtime,
	};
}

static bool
is_shown(const char *name, bool dotfiles)
{
	if (name[0] != '.')
		return true;
	return dotfiles && strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

static int
read_all(int root_fd, struct bt_str path, bool dotfiles, DIR *dir,
    struct bt_listing *l)
{
	const struct dirent *d;
	size_t cap = 0;
	struct stat st;

	for (errno = 0; (d = readdir(dir)) != NULL; errno = 0) {
		if (!is_shown(d->d_name, dotfiles) ||
		    !look_at(root_fd, dirfd(dir), path, d->d_name, &st))
			continue;
		if (l->n == BT_LISTING_MAX) {
			l->cut = true;
			return 0;
		}
		add(l, &cap, d->d_name, &st);
	}
	return -errno;
}

int
bt_listing_read(
    int root_fd, struct bt_str path, bool dotfiles, struct bt_listing *ret)
{
	struct bt_listing l = { 0 };
	char name[PATH_MAX] = ".";
	int fd, r;
	DIR *dir;

	if (path.n >= sizeof(name))
		return -ENAMETOOLONG;
	if (path.n > 0) {
		memcpy(name, path.p, path.n);
		name[path.n] = '\0';
	}
	if ((fd = open_beneath(root_fd, name, O_RDONLY | O_DIRECTORY)) < 0)
		return fd;
	if ((dir = fdopendir(fd)) == NULL) {
		r = -errno;
		close(fd);
		return r;
	}
	r = read_all(root_fd, path, dotfiles, dir, &l);
	closedir(dir);
	if (r < 0)
		bt_listing_fini(&l);
	else
		*ret = l;
	return r;
}

void
bt_listing_fini(struct bt_listing *l)
{
	free(l->entries);
	bt_arena_fini(&l->arena);
	*l = (struct bt_listing){ 0 };
}

static int
compare_names(struct bt_str a, struct bt_str b)
{
	size_t n = a.n < b.n ? a.n : b.n;
	int r;

	for (size_t i = 0; i < n; i++) {
		r = (unsigned char)bt_lower(a.p[i]) -
		    (unsigned char)bt_lower(b.p[i]);
		if (r != 0)
			return r;
	}
	if (a.n != b.n)
		return a.n < b.n ? -1 : 1;
	return memcmp(a.p, b.p, n); /* they differ in case at most */
}

static int
compare(const void *va, const void *vb, void *arg)
{
	const struct bt_listing_entry *a = va, *b = vb;
	const struct bt_listing_order *order = arg;
	int r = 0;

	if (a->folder != b->folder)
		return a->folder ? -1 : 1;
	if (order->sort == BT_LISTING_BY_SIZE && !a->folder)
		r = (a->size > b->size) - (a->size < b->size);
	else if (order->sort == BT_LISTING_BY_TIME)
		r = (a->modified_s > b->modified_s) -
		    (a->modified_s < b->modified_s);
	if (r == 0 && order->sort != BT_LISTING_BY_NAME)
		return compare_names(a->name, b->name);
	if (r == 0)
		r = compare_names(a->name, b->name);
	return order->descending ? -r : r;
}

void
bt_listing_sort(struct bt_listing *l, struct bt_listing_order order)
{
	if (l->n > 1)
		qsort_r(
		    l->entries, l->n, sizeof(l->entries[0]), compare, &order);
}

/* Takes what stands before the next `&` off the front. */
static struct bt_str
take_parameter(struct bt_str *query)
{
	const char *end = memchr(query->p, '&', query->n);
	struct bt_str part = *query;

	if (end == NULL) {
		query->n = 0;
		return part;
	}
	part.n = (size_t)(end - query->p);
	query->p = end + 1;
	query->n -= part.n + 1;
	return part;
}

struct bt_listing_order
bt_listing_order_parse(struct bt_str query)
{
	struct bt_listing_order order = { 0 };

	while (query.n > 0) {
		struct bt_str part = take_parameter(&query);

		if (bt_str_equal(part, BT_STR("sort=name")))
			order.sort = BT_LISTING_BY_NAME;
		else if (bt_str_equal(part, BT_STR("sort=size")))
			order.sort = BT_LISTING_BY_SIZE;
		else if (bt_str_equal(part, BT_STR("sort=time")))
			order.sort = BT_LISTING_BY_TIME;
		else if (bt_str_equal(part, BT_STR("order=asc")))
			order.descending = false;
		else if (bt_str_equal(part, BT_STR("order=desc")))
			order.descending = true;
	}
	return order;
}
