/*
 * Runs a command beside a slow disk:
 *
 *	cold_disk FOLDER MS COMMAND...
 *
 * FOLDER is a file system in which every name that begins with a digit is a
 * file of 64 KiB, and in which looking for a name, and reading, take MS each.
 * Whoever asks for ever new names asks a disk that has nothing in memory.
 */

#include "tests/system/fuse.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* So many requests a disk works on at a time. */
#define THREADS 64
#define FILE_BYTES (64 * 1024)

static struct timespec delay;

static uint64_t
find(void *arg, const char *name)
{
	return name[0] >= '0' && name[0] <= '9' ? 2 + strtoull(name, NULL, 10)
						: 0;
}

static uint64_t
size(void *arg, uint64_t file)
{
	return FILE_BYTES;
}

static void
read_file(void *arg, uint64_t file, uint64_t offset, char *out, size_t n)
{
	memset(out, 'c', n);
}

static void
take_time(void *arg)
{
	nanosleep(&delay, NULL);
}

static void *
thread_main(void *disk)
{
	fuse_serve(disk);
	return NULL;
}

int
main(int argc, char **argv)
{
	static struct fuse_disk disk = {
		.find = find, .size = size, .read = read_file, .wait = take_time
	};
	pthread_t thread;
	int status = 0;
	pid_t pid;

	if (argc < 4) {
		fprintf(stderr, "usage: cold_disk FOLDER MS COMMAND...\n");
		return 2;
	}
	delay.tv_nsec = atol(argv[2]) * 1000000;
	if ((disk.fd = fuse_mount(argv[1])) < 0) {
		fprintf(
		    stderr, "cold_disk: %s: %s\n", argv[1], strerror(-disk.fd));
		return 1;
	}
	if ((pid = fork()) == 0) {
		execvp(argv[3], argv + 3);
		_exit(127);
	}
	for (int i = 0; i < THREADS; i++)
		pthread_create(&thread, NULL, thread_main, &disk);
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
