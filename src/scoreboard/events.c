/*
 * A ring of lines with one writer.  A line that is being replaced has no
 * number meanwhile, so that a reader can tell that he has half of two: he looks
 * at the number before and after, and leaves it out.
 */

#include "scoreboard/events.h"

#include "base/clock.h"

#include <stdarg.h>
#include <stdio.h>

/* Text from outside, e.g. out of a conf file, must not move a terminal. */
static void
make_printable(char *text)
{
	for (unsigned char *p = (unsigned char *)text; *p != '\0'; p++)
		if (*p < 0x20 || *p == 0x7f)
			*p = '?';
}

/* A character of UTF-8 that does not fit as a whole is left out. */
static void
cut_whole(char *text, size_t n)
{
	size_t at = n;

	while (at > 0 && ((unsigned char)text[at - 1] & 0xc0) == 0x80)
		at--;
	if (at > 0 && (unsigned char)text[at - 1] >= 0xc0)
		text[at - 1] = '\0';
}

void
bt_events_add(struct bt_events *events, const char *fmt, ...)
{
	uint64_t n = events->n;
	struct bt_event *e = &events->ring[n % BT_EVENTS];
	va_list ap;
	int r;

	__atomic_store_n(&e->number, 0, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_RELEASE);
	e->time_s = (uint32_t)bt_clock_wall_s();
	va_start(ap, fmt);
	r = vsnprintf(e->text, sizeof(e->text), fmt, ap);
	va_end(ap);
	if (r >= (int)sizeof(e->text))
		cut_whole(e->text, sizeof(e->text) - 1);
	make_printable(e->text);
	__atomic_store_n(&e->number, n + 1, __ATOMIC_RELEASE);
	__atomic_store_n(&events->n, n + 1, __ATOMIC_RELEASE);
}

size_t
bt_events_read(
    const struct bt_events *events, struct bt_event ret[static BT_EVENTS])
{
	uint64_t last = __atomic_load_n(&events->n, __ATOMIC_ACQUIRE);
	size_t n = 0;

	for (uint64_t i = last; i > 0 && i + BT_EVENTS > last; i--) {
		const struct bt_event *e = &events->ring[(i - 1) % BT_EVENTS];

		if (__atomic_load_n(&e->number, __ATOMIC_ACQUIRE) != i)
			continue;
		ret[n] = *e;
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		if (__atomic_load_n(&e->number, __ATOMIC_RELAXED) != i)
			continue;
		ret[n].text[BT_EVENT_TEXT - 1] = '\0';
		n++;
	}
	return n;
}
