/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Frames: parsers say where the pieces of their protocol stand in the stream, and rules with
 * `frame:` look into them. Only frames that some rule asks for are followed; their bytes are copied
 * as they come, and dropped once rules have looked. As in Suricata a frame is looked at when it is
 * whole, or each time FRAME_STEP more of it are there. A gap divides a frame's bytes.
 */
#ifndef SENSOR_APP_FRAMES_H
#define SENSOR_APP_FRAMES_H

#include "sensor/app/parser.h"
#include "signatures/frame.h"

/** Length of a frame that ends where app_frame_close says, or with the stream. */
#define APP_FRAME_OPEN UINT64_MAX
/** Frames of a direction that wait for more bytes or for rules. */
#define APP_FRAMES_MAX 512u
/** Pieces of one frame, divided by gaps, between two looks. */
#define APP_FRAME_PIECES 4u

/** A frame begins at `at`, within the bytes at hand, and has `len` bytes. */
void app_frame_open(struct app_io *io, enum sig_frame frame, const uint8_t *at, uint64_t len);

/** The newest open frame of this kind in io->dir ends before `end`, within the bytes at hand. */
void app_frame_close(struct app_io *io, enum sig_frame frame, const uint8_t *end);

/** The end of the newest open frame of this kind is missing: rules do not see the frame. */
void app_frame_lose(struct app_io *io, enum sig_frame frame);

/** The bytes at hand were offered to the parser: take what frames need of them. */
void app_frames_feed(struct app_io *io);

/** `len` bytes behind those that came are missing. */
void app_frames_gap(struct app_io *io, uint64_t len);

/** No byte will come any more in the direction. */
void app_frames_end(struct app_flow *af, unsigned dir);

/** Drop all. */
void app_frames_free(struct app_ctx *ctx, struct app_flow *af);

#endif
