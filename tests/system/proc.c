/*
 * Reads /proc.
 */

#include "tests/system/proc.h"

#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static FILE *
open_of(pid_t pid, const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	return fopen(path, "re");
}

size_t
proc_children(pid_t pid, pid_t ret[PROC_CHILDREN_MAX])
{
	char name[64];
	size_t n = 0;
	FILE *f;
	int child;

	snprintf(name, sizeof(name), "task/%d/children", (int)pid);
	f = open_of(pid, name);
	if (f == NULL)
		return 0;
	while (n < PROC_CHILDREN_MAX && fscanf(f, "%d", &child) == 1)
		ret[n++] = child;
	fclose(f);
	return n;
}

bool
proc_is_alive(pid_t pid)
{
	char state = 'Z';
	FILE *f = open_of(pid, "stat");

	if (f == NULL)
		return false;
	if (fscanf(f, "%*d (%*[^)]) %c", &state) != 1)
		state = 'Z';
	fclose(f);
	return state != 'Z';
}

bool
proc_is_named(pid_t pid, const char *prefix)
{
	FILE *f = open_of(pid, "comm");
	char name[32] = "";

	if (f == NULL)
		return false;
	if (fgets(name, sizeof(name), f) == NULL)
		name[0] = '\0';
	fclose(f);
	return strncmp(name, prefix, strlen(prefix)) == 0;
}

void
proc_command(pid_t pid, char *ret, size_t size)
{
	FILE *f = open_of(pid, "cmdline");

	memset(ret, 0, size);
	if (f == NULL)
		return;
	/* up to the first NUL it is the program, or all of the title */
	if (fread(ret, 1, size - 1, f) == 0)
		ret[0] = '\0';
	fclose(f);
}

/* The number behind `key` in /proc/PID/status. */
static long
status_of(pid_t pid, const char *key)
{
	FILE *f = open_of(pid, "status");
	char line[256];
	long value = -1;

	if (f == NULL)
		ck_abort_msg("process %d is gone", (int)pid);
	while (fgets(line, sizeof(line), f) != NULL)
		if (strncmp(line, key, strlen(key)) == 0)
			value = strtol(line + strlen(key), NULL, 10);
	fclose(f);
	ck_assert_msg(value >= 0, "no %s in the status of %d", key, (int)pid);
	return value;
}

long
proc_memory_kb(pid_t pid)
{
	return status_of(pid, "RssAnon:");
}

/* As proc_pid_stat(5) has it: R, S, T, … */
static char
state_of(pid_t pid)
{
	FILE *f = open_of(pid, "stat");
	char line[1024] = "";
	const char *at;

	if (f == NULL)
		ck_abort_msg("process %d is gone", (int)pid);
	ck_assert_ptr_nonnull(fgets(line, sizeof(line), f));
	fclose(f);
	at = strrchr(line, ')'); /* behind its name */
	ck_assert_ptr_nonnull(at);
	return at[2];
}

bool
proc_is_stopped(void *pid)
{
	return state_of(*(const pid_t *)pid) == 'T';
}

bool
proc_is_asleep(void *pid)
{
	return state_of(*(const pid_t *)pid) == 'S';
}

uid_t
proc_user(pid_t pid)
{
	FILE *f = open_of(pid, "status");
	char line[256];
	unsigned real, effective = 0;
	int found = 0;

	if (f == NULL)
		ck_abort_msg("process %d is gone", (int)pid);
	while (fgets(line, sizeof(line), f) != NULL)
		found |= sscanf(line, "Uid: %u %u", &real, &effective) == 2;
	fclose(f);
	ck_assert(found);
	return (uid_t)effective;
}

/* Counts the descriptors; the highest goes to `*ret_max`. */
static int
descriptors(pid_t pid, int *ret_max)
{
	char path[64];
	struct dirent *entry;
	int n = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	dir = opendir(path);
	if (dir == NULL)
		ck_abort_msg("%s: %s", path, strerror(errno));
	while ((entry = readdir(dir)) != NULL) {
		int fd = atoi(entry->d_name);

		if (entry->d_name[0] == '.')
			continue;
		n++;
		if (fd > *ret_max)
			*ret_max = fd;
	}
	closedir(dir);
	return n;
}

int
proc_descriptors(pid_t pid)
{
	int max = 0;

	return descriptors(pid, &max);
}

int
proc_descriptor_max(pid_t pid)
{
	int max = 0;

	descriptors(pid, &max);
	return max;
}
