/*
 * One line at a time, on stdout.
 */

#include "tests/torture/say.h"

#include "tests/torture/loop.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int64_t begun_us;
static unsigned failures;

static void __attribute__((format(printf, 2, 0)))
line(const char *mark, const char *fmt, va_list args)
{
	int64_t now = loop_now_us();

	if (begun_us == 0)
		begun_us = now;
	printf("%8.3f %s", (double)(now - begun_us) / 1e6, mark);
	vprintf(fmt, args);
	putchar('\n');
	fflush(stdout);
}

void
say(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	line("", fmt, args);
	va_end(args);
}

void
say_failed(const char *fmt, ...)
{
	va_list args;

	failures++;
	va_start(args, fmt);
	line("FAILED: ", fmt, args);
	va_end(args);
}

unsigned
say_failures(void)
{
	return failures;
}

void
say_die(const char *what)
{
	fprintf(stderr, "torture: %s: %s\n", what, strerror(errno));
	exit(2);
}
