#ifndef BT_TORTURE_OPTIONS_H
#define BT_TORTURE_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

struct options {
	const char *server;  /* a row of server.c */
	const char *program; /* instead of the row's */
	const char *confs;   /* the folder of the templates */
	const char *extra; /* more directives for the conf's outermost level */
	const char *actions; /* names, divided by commas */
	const char *clients; /* kind=count, divided by commas */
	uint64_t seed;
	unsigned seconds, every_ms, tail_ms, workers, wrk;
	unsigned away_ms, grace_ms;
	bool is_comparison; /* count, and assert nothing */
	bool is_sanitized;  /* the server: its memory tells nothing */
	bool stores;        /* the service manager: descriptors */
	bool verbose;
};

/* Prints what is wrong and exits with 2. */
void options_parse(struct options *, int argc, char **argv);

#endif
