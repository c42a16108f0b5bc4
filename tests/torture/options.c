/*
 * The command line.
 */

#include "tests/torture/options.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct option longs[] = {
	{ "server", required_argument, NULL, 's' },
	{ "program", required_argument, NULL, 'p' },
	{ "confs", required_argument, NULL, 'f' },
	{ "extra", required_argument, NULL, 'x' },
	{ "actions", required_argument, NULL, 'a' },
	{ "clients", required_argument, NULL, 'c' },
	{ "seed", required_argument, NULL, 'r' },
	{ "seconds", required_argument, NULL, 't' },
	{ "every", required_argument, NULL, 'e' },
	{ "tail", required_argument, NULL, 'l' },
	{ "workers", required_argument, NULL, 'w' },
	{ "wrk", required_argument, NULL, 'k' },
	{ "away", required_argument, NULL, 'y' },
	{ "grace", required_argument, NULL, 'g' },
	{ "compare", no_argument, NULL, 'C' },
	{ "sanitized", no_argument, NULL, 'S' },
	{ "store", no_argument, NULL, 'F' },
	{ "verbose", no_argument, NULL, 'v' },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

static void
usage(FILE *to, int status)
{
	fputs(
	    "usage: torture [options]\n"
	    "  --server NAME     baton, nginx, haproxy, caddy, apache2, ...\n"
	    "  --program PATH    the server's program\n"
	    "  --confs DIR       the templates of the confs\n"
	    "  --extra TEXT      more directives, outermost\n"
	    "  --actions LIST    what the operator does, and how often:\n"
	    "                    reload=8,kill=1,...\n"
	    "  --clients LIST    how many of which kind: thinking=40,...\n"
	    "  --seed N          of the schedule and the clients\n"
	    "  --seconds N       how long\n"
	    "  --every MS        the mean time between two actions\n"
	    "  --tail MS         no action in the last ones\n"
	    "  --workers N\n"
	    "  --wrk N           run wrk beside, with N connections\n"
	    "  --away MS         round trip of the clients that are not here\n"
	    "  --grace MS        after a verdict, before old answers count\n"
	    "  --compare         assert nothing, print a line to compare\n"
	    "  --sanitized       the server is: do not look at its memory\n"
	    "  --store           descriptors over a restart, as systemd does\n"
	    "  --verbose         say each action\n",
	    to);
	exit(status);
}

static unsigned
number(const char *text)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	if (*text == '\0' || *end != '\0' || n > 1000000000) {
		fprintf(stderr, "torture: '%s' is no number\n", text);
		exit(2);
	}
	return (unsigned)n;
}

void
options_parse(struct options *o, int argc, char **argv)
{
	int c;

	*o = (struct options){ .server = "baton",
		.confs = "tests/torture/conf",
		.extra = "",
		.seed = 1,
		.seconds = 20,
		.every_ms = 400,
		.tail_ms = 1000,
		.workers = 2,
		.away_ms = 20 };
	while ((c = getopt_long(argc, argv, "hv", longs, NULL)) != -1)
		switch (c) {
		case 's':
			o->server = optarg;
			break;
		case 'p':
			o->program = optarg;
			break;
		case 'f':
			o->confs = optarg;
			break;
		case 'x':
			o->extra = optarg;
			break;
		case 'a':
			o->actions = optarg;
			break;
		case 'c':
			o->clients = optarg;
			break;
		case 'r':
			o->seed = strtoull(optarg, NULL, 10);
			break;
		case 't':
			o->seconds = number(optarg);
			break;
		case 'e':
			o->every_ms = number(optarg);
			break;
		case 'l':
			o->tail_ms = number(optarg);
			break;
		case 'w':
			o->workers = number(optarg);
			break;
		case 'k':
			o->wrk = number(optarg);
			break;
		case 'y':
			o->away_ms = number(optarg);
			break;
		case 'g':
			o->grace_ms = number(optarg);
			break;
		case 'C':
			o->is_comparison = true;
			break;
		case 'S':
			o->is_sanitized = true;
			break;
		case 'F':
			o->stores = true;
			break;
		case 'v':
			o->verbose = true;
			break;
		case 'h':
			usage(stdout, 0);
			break;
		default:
			usage(stderr, 2);
		}
	if (optind < argc)
		usage(stderr, 2);
}
