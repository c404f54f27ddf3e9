-- SPDX-License-Identifier: Apache-2.0
-- What the state's worker writes: signals, incidents' evidence and the stream position, as absolute values, in one step.

-- Take or renew the lease on a state. KEYS: fold. ARGV: owner, now ms, milliseconds it holds. Returns the fencing number,
-- which rises with each new owner or new hold of one.
local function lease(keys, args)
    local have = redis.call('HMGET', keys[1], 'owner', 'until', 'fence')
    local now = tonumber(args[2])
    if have[1] and have[1] ~= args[1] and tonumber(have[2]) > now then
        return abeng.refuse('CONFLICT', 'held by ' .. have[1])
    end
    redis.call('HSET', keys[1], 'owner', args[1], 'until', string.format('%.0f', now + tonumber(args[3])))
    return redis.call('HINCRBY', keys[1], 'fence', 1)
end

-- Renew. KEYS: fold. ARGV: fence, now ms, milliseconds.
local function renew(keys, args)
    if redis.call('HGET', keys[1], 'fence') ~= args[1] then
        return abeng.refuse('DENIED', 'the state has another owner')
    end
    redis.call('HSET', keys[1], 'until', string.format('%.0f', tonumber(args[2]) + tonumber(args[3])))
    return redis.status_reply('OK')
end

-- Let go. KEYS: fold. ARGV: fence.
local function release(keys, args)
    if redis.call('HGET', keys[1], 'fence') == args[1] then
        redis.call('HSET', keys[1], 'until', 0)
    end
    return redis.status_reply('OK')
end

-- New evidence opens what ended (evidence that is only scored anew does not); a rejected one only with four times the
-- alerts or a stage not seen before.
local function opens(h, count, stages)
    local known = tonumber(h.end_count or 0)
    if not abeng.ENDED[h.status] or count <= known then
        return false
    end
    return h.status ~= 'rejected' or count >= 4 * known
        or bit.band(stages, 62, bit.bnot(tonumber(h.end_stages or 0))) ~= 0
end

-- Evidence that an incident waited for: its clock runs again. Returns what the timeline says, or nil.
local function wakes(key, h, version, count, now, timers, id)
    if h.waiting_on ~= 'evidence' or count <= tonumber(h.wait_count or 0) then
        return nil
    end
    local left = tonumber(h.left_ms or 0)
    h.deadline_ms = left > 0 and string.format('%.0f', now + left) or ''
    redis.call('HSET', key, 'dver', version, 'deadline_ms', h.deadline_ms)
    redis.call('HDEL', key, 'waiting_ms', 'waiting_on', 'wait_count', 'left_ms')
    redis.call('ZREM', timers, id)
    return string.format('%.0f more alerts: clock runs again', count - tonumber(h.wait_count or 0))
end

-- One incident. `a`: number, evidence, tier, claim, decide, notify, ack (seconds), alerts, stages.
local function incident(key, timeline, common, a, now)
    local h = abeng.map(redis.call('HGETALL', key))
    local tier, limits = tonumber(a[3]), { claim = a[4], decide = a[5], notify = a[6], ack = a[7] }
    local version = string.format('%.0f', tonumber(h.version or 0) + 1)
    local fresh = not h.version
    local again = not fresh and opens(h, tonumber(a[8]), tonumber(a[9]))
    local said
    if h.claimed_by and tier > tonumber(h.tier) then
        tier = tonumber(h.tier)
    end
    local due = function(clock)
        local s = tonumber(limits[clock] or 0)
        return s > 0 and string.format('%.0f', now + s * 1000) or ''
    end
    redis.call('HSET', key, 'ev', a[2], 'version', version, 'tier', tier)
    local woken = not again and wakes(key, h, version, tonumber(a[8]), now, common.timers, a[1])
    if woken then
        redis.call('XADD', timeline, '*', 'at', now, 'who', 'abeng', 'verb', 'woken', 'text', woken)
        abeng.audit(common.audit, string.format('%.0f', now), 'abeng', 'woken', a[1], woken)
    end
    if fresh or again then
        h.deadline_ms = due('claim')
        redis.call('HSET', key, 'dver', version, 'status', 'new', 'clock', 'claim', 'deadline_ms', h.deadline_ms,
            'opened_ms', now)
        redis.call('HDEL', key, 'claimed_by', 'claimed_ms', 'ended_ms', 'waiting_ms', 'waiting_on', 'outcome', 'reason')
        redis.call('ZREM', common.timers, a[1])
        h.status = 'new'
        said = fresh and 'opened' or 'reopened'
    elseif tier < tonumber(h.tier) and h.clock then
        local sooner = due(h.clock)
        if sooner ~= '' and (tonumber(h.deadline_ms) or math.huge) > tonumber(sooner) then
            h.deadline_ms = sooner
            redis.call('HSET', key, 'deadline_ms', sooner)
        end
        said = 'raised'
    end
    if said then
        local text = said == 'raised' and 'tier ' .. h.tier .. ' to ' .. tier or 'tier ' .. tier
        redis.call('XADD', timeline, '*', 'at', now, 'who', 'abeng', 'verb', said, 'text', text)
        abeng.audit(common.audit, string.format('%.0f', now), 'abeng', said, a[1], text)
    end
    if not abeng.ENDED[h.status] and h.status ~= 'merged' then
        redis.call('ZADD', common.queue, abeng.score(tier, h.deadline_ms), a[1])
    end
    redis.call('ZADD', common.incidents, a[1], a[1])
    -- What only counts up is no news to the worker that wrote it; what opens again is.
    if again then
        abeng.changed(common.changes, 'k', 'inc', 'id', a[1], 'v', version)
    else
        abeng.changed(common.changes, 'k', 'inc', 'id', a[1], 'v', version, 'own', '1')
    end
end

-- One command for many words: what a command costs by itself is more than what it does for one signal.
local MANY = 2000
local function many(words, ...)
    for from = 1, #words, MANY do
        local call = { ... }
        for i = from, math.min(from + MANY - 1, #words) do
            call[#call + 1] = words[i]
        end
        redis.call(unpack(call))
    end
end

-- KEYS: 1 fold 2 changes 3 queue 4 timers 5 signals' index 6 incidents' index 7 minutes 8 audit 9 outbox
-- 10 waiting signals 11 hits of suppressions 12 signals' numbers, then for each signal its own and its samples', for each
-- gone signal the same, for each incident its own and its timeline's. ARGV:
--   1 fence 2 position before 3 position after 4 now ms 5 last signal 6 last incident 7 event time ms 8 alerts
--   9 signals 10 gone 11 incidents
--   each signal: number, JSON ('' as before), numbers, new (1/0), ms of its last alert when it waits ('-' no longer, '' as
--   before), words of samples n, n / 2 * (slot, line); each gone: number; each incident: see above; sightings for the region n,
--   n * JSON (the outbox: correlate/indicator.h); suppressions n, n * (number, "HITS LAST_MS").
-- A repeat of a commit whose answer was lost is seen by its position and does nothing.
local function commit(keys, args)
    local have = redis.call('HMGET', keys[1], 'fence', 'pos')
    if have[1] ~= args[1] then
        return abeng.refuse('DENIED', 'the state has another owner')
    end
    if (have[2] or '0-0') ~= args[2] then
        if have[2] == args[3] then
            return redis.status_reply('OK')
        end
        return abeng.refuse('CONFLICT', 'position is ' .. tostring(have[2]) .. ', not ' .. args[2])
    end
    local common = { changes = keys[2], queue = keys[3], timers = keys[4], incidents = keys[6], audit = keys[8] }
    local now, k, at = tonumber(args[4]), 12, 12
    local set, numbers, index, waits, ready = {}, {}, {}, {}, {}
    for i = 1, tonumber(args[9]) do
        if args[at + 1] ~= '' then
            set[#set + 1], set[#set + 2] = keys[k + 1], args[at + 1]
        end
        numbers[2 * i - 1], numbers[2 * i] = args[at], args[at + 2]
        if args[at + 3] == '1' then
            index[#index + 1], index[#index + 2] = args[at], args[at]
        end
        if args[at + 4] == '-' then
            ready[#ready + 1] = args[at]
        elseif args[at + 4] ~= '' then
            waits[#waits + 1], waits[#waits + 2] = args[at + 4], args[at]
        end
        local words = tonumber(args[at + 5])
        if words > 0 then
            redis.call('HSET', keys[k + 2], unpack(args, at + 6, at + 5 + words))
        end
        at = at + 6 + words
        k = k + 2
    end
    many(set, 'MSET')
    many(numbers, 'HSET', keys[12])
    many(index, 'ZADD', keys[5])
    many(waits, 'ZADD', keys[10])
    many(ready, 'ZREM', keys[10])
    for _ = 1, tonumber(args[10]) do
        redis.call('DEL', keys[k + 1], keys[k + 2])
        redis.call('ZREM', keys[5], args[at])
        redis.call('ZREM', keys[10], args[at])
        redis.call('HDEL', keys[12], args[at])
        at = at + 1
        k = k + 2
    end
    for _ = 1, tonumber(args[11]) do
        incident(keys[k + 1], keys[k + 2], common, { unpack(args, at, at + 8) }, now)
        at = at + 9
        k = k + 2
    end
    for i = 1, tonumber(args[at]) do
        redis.call('XADD', keys[9], '*', 'k', 'hit', 'v', args[at + i])
    end
    at = at + 1 + tonumber(args[at])
    for i = 1, tonumber(args[at]) do
        redis.call('HSET', keys[11], args[at + 2 * i - 1], args[at + 2 * i])
    end
    redis.call('HSET', keys[1], 'pos', args[3], 'signal', args[5], 'incident', args[6], 'time', args[7])
    if tonumber(args[8]) > 0 then
        local minute = string.format('%.0f', math.floor(now / 60000))
        redis.call('HINCRBY', keys[1], 'alerts', args[8])
        redis.call('HINCRBY', keys[7], minute, args[8])
        redis.call('HDEL', keys[7], string.format('%.0f', math.floor(now / 60000) - 1440))
        abeng.changed(keys[2], 'k', 'alerts', 'minute', minute, 'n', args[8])
    end
    return redis.status_reply('OK')
end

redis.register_function('abeng_fold_lease', lease)
redis.register_function('abeng_fold_renew', renew)
redis.register_function('abeng_fold_release', release)
redis.register_function('abeng_fold_commit', commit)
