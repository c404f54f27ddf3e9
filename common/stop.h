/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The end of a process that has threads: SIGTERM and SIGINT are blocked in all of them, and the
 * main thread asks for them when it has nothing else to do. No handler runs anywhere.
 */
#ifndef COMMON_STOP_H
#define COMMON_STOP_H

#include <stdbool.h>

/**
 * Block SIGTERM and SIGINT in this thread and those it makes from now on, and ignore SIGPIPE. To
 * be called before the first thread is made.
 */
void stop_block(void);

/** Wait until the process is asked to end; the signal that asked. After stop_block. */
int stop_wait(void);

/** Sleep for `ms` milliseconds; true at once when the process is asked to end. After stop_block. */
bool stop_nap(unsigned ms);

#endif
