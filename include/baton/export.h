#ifndef BATON_EXPORT_H
#define BATON_EXPORT_H

/* What crosses between baton and an application; all else stays inside. */
#define BATON_API __attribute__((visibility("default")))

#endif
