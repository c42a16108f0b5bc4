#ifndef BT_BASE_STACK_H
#define BT_BASE_STACK_H

/*
 * The stack of a process that ends by a fault, in the error log: module and
 * offset of each frame, for addr2line(1).
 */

/* Whether there are stacks: not under sanitizers, who have their own. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define BT_HAS_STACK 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || \
    __has_feature(memory_sanitizer)
#define BT_HAS_STACK 0
#endif
#endif
#ifndef BT_HAS_STACK
#define BT_HAS_STACK 1
#endif

/*
 * Loads what bt_stack_on_fault() needs, so that children have it already and
 * share it.  Context: master, before the first fork.
 */
void bt_stack_prepare(void);

/*
 * From now on SIGSEGV, SIGBUS, SIGFPE, SIGILL and SIGABRT write the stack to
 * the error log, and then do what they always do: a core dump and the end.
 * `process` is copied.  Context: worker; the handler calls nothing that is not
 * async-signal-safe.
 */
void bt_stack_on_fault(const char *process);

#endif
