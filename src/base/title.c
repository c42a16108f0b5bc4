/*
 * The names of processes.  The kernel shows as command line what stands where
 * it laid the arguments, so they are overwritten there; the environment behind
 * them is left alone, as others may hold pointers into it.
 */

#include "base/title.h"

#include <string.h>
#include <sys/prctl.h>

static struct {
	char *at;
	size_t size;
	char *program; /* argv[0] from now on */
} room;

void
bt_title_init(int argc, char **argv)
{
	if (argc < 1)
		return;
	room.at = argv[0];
	room.size = 0;
	for (int i = 0; i < argc; i++) {
		/* execve lays them one behind the other; a tracer may not */
		if (argv[i] != room.at + room.size)
			break;
		room.size += strlen(argv[i]) + 1;
	}
	/* libc goes on to name the program by it, in a stack for instance */
	if ((room.program = strdup(argv[0])) != NULL)
		argv[0] = room.program;
	else
		room.size = 0;
}

void
bt_title_set(const char *title)
{
	size_t n = strlen(title);

	prctl(PR_SET_NAME, title); /* its first 15 bytes */
	if (n >= room.size)
		return;
	memcpy(room.at, title, n);
	memset(room.at + n, 0, room.size - n);
}
