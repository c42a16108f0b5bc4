/*
 * The order: looked over, written to the disk, acknowledged; in this order, and
 * once.
 */

#include "page.h"
#include "shop.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#define ORDER_SIZE 12

static void
print_address(struct baton_exchange *x, const struct trip *t)
{
	const char *const lines[] = { t->name, t->street, t->town, t->mail,
		NULL };

	baton_print(x, "<div class=\"box\"><address>");
	for (size_t i = 0; lines[i] != NULL; i++) {
		baton_print_html(x, lines[i]);
		baton_print(x, "<br>");
	}
	baton_print(x, "</address></div>\n");
}

/* `failed`: it was tried. */
static void
show_review(struct baton_exchange *x, const struct trip *t, bool failed)
{
	struct page p = { .x = x, .trip = t };
	struct baton_suspension once = trip_suspension(x, "place", t);

	once.once = true;
	page_begin(&p, "Your order");
	page_main(&p, 3, "Is it all as it should be?");
	if (failed)
		baton_print(x,
		    "<p class=\"notice bad\" role=\"alert\">We could not write "
		    "your order down. Nothing was ordered; please try it again "
		    "in a moment.</p>\n");
	page_basket(&p, false);
	baton_print(x, "<h2 class=\"to\">To</h2>\n");
	print_address(x, t);
	page_form(&p, page_url(&p, once), "");
	baton_print(x, "<p class=\"next\">");
	page_link(&p, "address", "", "Change the address");
	baton_print(x,
	    "<button>Order, and pay by invoice</button></p></form>"
	    "\n");
	page_end(&p, failed ? 503 : 200);
}

void
review(struct baton_exchange *x, const void *state, size_t n)
{
	struct trip t;

	if (!trip_read(x, state, n, &t))
		return;
	if (trip_items(&t) == 0 || !trip_has_address(&t))
		trip_go(x, "basket", &t, t.notice);
	else
		show_review(x, &t, false);
}

/* An order on its way to the disk. */
struct order {
	const char *path; /* the place's */
	char number[ORDER_SIZE];
	char *line; /* of JSON */
	size_t line_n;
	int error;
	struct trip trip; /* its texts are the exchange's */
};

/* Nine characters that are not mistaken for each other on the telephone. */
static int
make_number(char out[static ORDER_SIZE])
{
	static const char letters[] = "23456789ABCDEFGHJKMNPQRSTUVWXYZ";
	unsigned char random[9];

	if (getrandom(random, sizeof(random), 0) != sizeof(random))
		return -errno;
	for (size_t i = 0, n = 0; i < sizeof(random); i++) {
		if (i == 3 || i == 6)
			out[n++] = '-';
		out[n++] = letters[random[i] % (sizeof(letters) - 1)];
		out[n] = '\0';
	}
	return 0;
}

static void
write_quoted(FILE *f, const char *name, const char *value)
{
	fprintf(f, ",\"%s\":\"", name);
	for (; *value != '\0'; value++) { /* is_text() */
		if (*value == '"' || *value == '\\')
			fputc('\\', f);
		fputc(*value, f);
	}
	fputc('"', f);
}

/* One line of JSON; or -ENOMEM. */
static int
write_order(struct order *o)
{
	const struct trip *t = &o->trip;
	FILE *f = open_memstream(&o->line, &o->line_n);
	const char *comma = "";

	if (f == NULL)
		return -errno;
	fprintf(f, "{\"order\":\"%s\",\"time\":%lld,\"cents\":%u,\"teas\":{",
	    o->number, (long long)time(NULL), trip_goods(t) + trip_postage(t));
	for (size_t i = 0; i < TEAS_N; i++) {
		if (t->count[i] == 0)
			continue;
		fprintf(f, "%s\"%u\":%u", comma, teas[i].id, t->count[i]);
		comma = ",";
	}
	fputc('}', f);
	write_quoted(f, "name", t->name);
	write_quoted(f, "street", t->street);
	write_quoted(f, "town", t->town);
	write_quoted(f, "mail", t->mail);
	fputs("}\n", f);
	return fclose(f) == 0 ? 0 : -errno;
}

/* Whole, and on the disk, or not at all: on a full one a part is cut again. */
static int
append(int fd, const char *line, size_t n)
{
	off_t end;
	ssize_t r;
	int e = EIO;

	if (flock(fd, LOCK_EX) == -1 || (end = lseek(fd, 0, SEEK_END)) == -1)
		return -errno;
	r = write(fd, line, n);
	if (r == (ssize_t)n &&
	    (fdatasync(fd) == 0 || errno == EINVAL)) /* a device */
		return 0;
	if (r == -1 || r == (ssize_t)n)
		e = errno;
	if (r > 0 && ftruncate(fd, end) == -1)
		e = errno;
	return -e;
}

/* On an offload thread, before the customer is told. */
static void
save_order(void *arg)
{
	struct order *o = arg;
	int fd = open(o->path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0640);

	if (fd == -1) {
		o->error = -errno;
		return;
	}
	o->error = append(fd, o->line, o->line_n);
	close(fd);
}

static void
order_saved(struct baton_exchange *x, void *arg)
{
	struct order *o = arg;

	if (o->error != 0) {
		baton_log(
		    x, BATON_ERROR, "%s: %s", o->path, strerror(-o->error));
		show_review(x, &o->trip, true);
		return;
	}
	o->trip.order = o->number;
	trip_go(x, "thanks", &o->trip, "");
}

static void
free_order(void *arg)
{
	struct order *o = arg;

	free(o->line);
	free(o);
}

void
place(struct baton_exchange *x, const void *state, size_t n)
{
	static const struct baton_offload work = {
		.run = save_order,
		.done = order_saved,
		.release = free_order,
	};
	struct order *o;
	struct trip t;

	if (!trip_read(x, state, n, &t))
		return;
	if (trip_items(&t) == 0 || !trip_has_address(&t) ||
	    strcmp(baton_method(x), "POST") != 0) {
		trip_go(x, "basket", &t, t.notice);
		return;
	}
	if ((o = calloc(1, sizeof(*o))) == NULL) {
		baton_reply_busy(x);
		return;
	}
	/*
	 * Before it is written, not after: a customer who leaves meanwhile
	 * would come back to pages that order it again.
	 */
	baton_forget(x);
	o->path = baton_place_text(baton_place(x), "orders");
	o->trip = t;
	if (make_number(o->number) < 0 || write_order(o) < 0) {
		free_order(o);
		show_review(x, &t, true);
	} else if (baton_offload(x, &work, o) < 0) {
		show_review(x, &t, true);
	}
}

void
thanks(struct baton_exchange *x, const void *state, size_t n)
{
	struct trip t;
	struct page p = { .x = x, .trip = &t };

	if (!trip_read(x, state, n, &t))
		return;
	page_begin(&p, "Thank you");
	page_main(&p, 3, "Thank you");
	baton_print(x,
	    "<p>Your order is <strong id=\"order\">%s</strong>. The "
	    "kettle can go on in three days.</p>\n",
	    t.order);
	page_basket(&p, false);
	baton_print(x, "<h2 class=\"to\">To</h2>\n");
	print_address(x, &t);
	baton_print(x,
	    "<p class=\"next\"><a class=\"button\" href=\"?\">"
	    "Another order</a></p>\n");
	page_end(&p, 200);
}
