/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The names of all keys. One hash tag per member state, {jm}, and {rg} for the region; a call never
 * touches two tags.
 *
 *   {jm}:ing           stream  accepted batches: one entry is one batch (ingest/record.h)
 *   {jm}:tip           string  id of the newest entry that ingest made
 *   {jm}:arc           hash    pos: last entry that is safe in the archive
 *   {jm}:pos:ID        hash    "EPOCH LANE" -> "LAST MS": last committed number, and when
 *   {jm}:ledger:ID     hash    a sensor's account in this state: received, lost, late, shed, gaps
 *   {jm}:hours:ID      hash    the same by hour: "HOUR WHAT" -> n, hours since 1970; raised too
 *   {jm}:raised:ID     hash    LANE -> "EPOCH LAST", as the sensor said last
 *   {rg}:alarms        hash    alarms, on and lately over: id -> JSON (ingest/alarms.h)
 *   {jm}:sig:ID {jm}:inc:ID {jm}:q {jm}:tmr {jm}:ev:ID {jm}:aud {jm}:chg   triage
 *   {jm}:nums          hash    signal's number -> what of it changes with each alert
 *   {jm}:supphits      hash    suppression's number -> "HITS LAST_MS"
 *   {jm}:out           stream  what the region hears: sightings of indicators, releases
 *   {jm}:proj:ID {jm}:projs    what this state may see of a campaign; zset of ids by last sighting
 *   {rg}:ind:ID {rg}:inds      indicators as all states saw them; zset of ids by last sighting
 *   {rg}:camps {rg}:owed       those that are campaigns; ids whose projections are to be written
 *   {rg}:sensor:ID     hash    name, site, states, status, fingerprint, health
 *   {rg}:sensors       set     ids
 *   {rg}:token:HASH    hash    enrolment invitations by the hash of their secret, with expiry
 *   {rg}:revoked       zset    SHA-256 of revoked certificates by the time they end anyway
 *   {rg}:commands:ID   list    fixed verbs waiting for a sensor
 *   {rg}:feed:NAME     hash    channel: partner key, current version
 *   {rg}:once:HASH     hash    a request under an Idempotency-Key, and its answer; a day
 *   {rg}:user:NAME {rg}:session:HASH   collector/auth
 */
#ifndef COLLECTOR_STORE_KEYS_H
#define COLLECTOR_STORE_KEYS_H

#include "collector/store/store.h"

/** Longest key, NUL included. */
#define STORE_KEY_MAX 192

/** The region's tag. */
#define STORE_REGION "rg"

struct store_key {
    char text[STORE_KEY_MAX];
};

/** "{tag}:" and the formatted rest. What does not fit dies: ids are checked where they enter. */
struct store_key store_key(const char *tag, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/** "{tag}:kind:NUMBER", for those that are made by the thousand. */
struct store_key store_key_number(const char *tag, const char *kind, uint64_t number);

/** A key as an argument. */
#define STORE_KEY(key) STORE_TEXT((key).text)

#endif
