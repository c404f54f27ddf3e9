/* SPDX-License-Identifier: Apache-2.0 */
/**
 * `tag`, the packet path's part: which packets may belong to a session or host that a rule has
 * tagged. It begins anew with each match and so holds at least as long as the sequencer's own
 * count, which begins with alerts: what is said here is looked at there (alert/tags.h).
 *
 * Sessions are kept on their flow. Hosts are kept beside the rule set, for all its workers, in a
 * table of fixed size without locks; a reload forgets them.
 */
#ifndef SENSOR_DETECT_TAG_H
#define SENSOR_DETECT_TAG_H

#include <stdbool.h>
#include <stdint.h>

struct detect_flow;
struct detect_job;
struct detect_thread;
struct sig_op;
struct tag_hosts;

/** An empty table. Ends the process without memory. */
struct tag_hosts *tag_hosts_create(void);

/** Free. NULL is allowed. */
void tag_hosts_free(struct tag_hosts *hosts);

/** The rule has matched: begin its tag, or begin it anew. */
void detect_tag_begin(struct detect_job *job, uint32_t rule, const struct sig_op *op);

/** Whether any host is tagged: else no packet need be looked up. */
bool detect_hosts_tagged(const struct detect_thread *t);

/** The packet at hand has been looked at: fill the output's tags. */
void detect_tags_run(struct detect_job *job);

/** Give back what is kept on a flow. */
void detect_tags_free(struct detect_thread *t, struct detect_flow *f);

#endif
