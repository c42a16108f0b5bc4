#ifndef BT_TORTURE_SAY_H
#define BT_TORTURE_SAY_H

/* What the torture says while it runs, each line with the seconds since. */

void say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* The same, and the run has failed. */
void say_failed(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* How often that was said. */
unsigned say_failures(void);

/* For what is wrong with us or the machine: says it with errno, exit 2. */
_Noreturn void say_die(const char *what);

#endif
