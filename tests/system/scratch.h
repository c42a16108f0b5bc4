#ifndef BT_TESTS_SCRATCH_H
#define BT_TESTS_SCRATCH_H

/*
 * What belongs to one test and goes with it: a folder, and memory that nobody
 * has to free.
 */

#include <stdbool.h>
#include <stddef.h>

/* The runner's folder, in which each test makes its own.  Once, in main(). */
const char *scratch_root_make(void);
void scratch_root_free(void);

/* The folder of this test, made when it is first asked for. */
const char *scratch(void);

/* Memory until the test ends, zeroed. */
void *scratch_alloc(size_t n);
/* Earlier than that; accepts NULL. */
void scratch_free(void *);
/* Grows what scratch_alloc() or this gave. */
void *scratch_resize(void *, size_t n);
char *scratch_printf(const char *fmt, ...)
    __attribute__((format(printf, 1, 2)));

/* `n` bytes and a text, joined. */
char *scratch_join(const void *, size_t n, const char *text);

/* The path of `name` in the folder. */
char *scratch_path(const char *name);

/* Writes a file, and the folders above it; returns its path. */
char *scratch_file(const char *name, const void *bytes, size_t n);
char *scratch_text(const char *name, const char *text);

/* The content of a file, a NUL behind it; NULL when there is no such file. */
char *scratch_read(const char *name, size_t *ret_n);

bool scratch_exists(const char *name);

/*
 * `n` bytes that look like noise and are the same for the same seed: content
 * which shows where it was cut, repeated or mixed up.
 */
void scratch_noise(char *out, size_t n, unsigned seed);

/* Removes the folder and frees the memory: at the end of a test that passed. */
void scratch_remove(void);

#endif
