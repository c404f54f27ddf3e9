-- SPDX-License-Identifier: Apache-2.0
-- Campaigns: the region's memory, and what it writes for each state. The region's worker alone calls the first two; a
-- projection is absolute and carries the campaign's version, so that a repeat or an older one does nothing.

-- KEYS: 1 fold of the region 2 index of indicators 3 index of campaigns 4 owed projections 5 changes, then each changed
-- indicator's key, then each gone one's. ARGV: 1 fence 2 changed n 3 gone n 4 positions n, then n * (state, entry id),
-- then each changed: id, JSON, last ms, joined (0/1); then each gone: id.
local function region_commit(keys, args)
    if redis.call('HGET', keys[1], 'fence') ~= args[1] then
        return abeng.refuse('DENIED', 'the region has another owner')
    end
    local at, k = 4, 5
    for _ = 1, tonumber(args[4]) do
        redis.call('HSET', keys[1], 'pos:' .. args[at + 1], args[at + 2])
        at = at + 2
    end
    for _ = 1, tonumber(args[2]) do
        k = k + 1
        redis.call('SET', keys[k], args[at + 2])
        redis.call('ZADD', keys[2], args[at + 3], args[at + 1])
        if args[at + 4] == '1' then
            redis.call('ZADD', keys[3], args[at + 3], args[at + 1])
            redis.call('SADD', keys[4], args[at + 1])
            abeng.changed(keys[5], 'k', 'camp', 'id', args[at + 1])
        end
        at = at + 4
    end
    for _ = 1, tonumber(args[3]) do
        k = k + 1
        at = at + 1
        redis.call('DEL', keys[k])
        redis.call('ZREM', keys[2], args[at])
        redis.call('ZREM', keys[3], args[at])
        redis.call('SREM', keys[4], args[at])
    end
    return redis.status_reply('OK')
end

-- KEYS: projection, index of projections, changes. ARGV: id, version, JSON, last ms, type, value, other states.
local function project(keys, args)
    if tonumber(redis.call('HGET', keys[1], 'version') or -1) >= tonumber(args[2]) then
        return redis.status_reply('OK')
    end
    redis.call('HSET', keys[1], 'version', args[2], 'ev', args[3], 'type', args[5], 'value', args[6], 'others', args[7])
    redis.call('ZADD', keys[2], args[4], args[1])
    abeng.changed(keys[3], 'k', 'camp', 'id', args[1])
    return redis.status_reply('OK')
end

-- A state lets others see its part, or no longer. KEYS: projection, outbox, audit, changes. ARGV: id, 1 or 0, now ms,
-- who, reason.
local function release(keys, args)
    if redis.call('EXISTS', keys[1]) == 0 then
        return abeng.refuse('NOTFOUND', 'no such campaign')
    end
    redis.call('HSET', keys[1], 'released', args[2], 'released_by', args[4], 'released_ms', args[3])
    redis.call('XADD', keys[2], '*', 'k', 'release', 'id', args[1], 'v', args[2])
    abeng.audit(keys[3], args[3], args[4], args[2] == '1' and 'release' or 'withdraw', args[1], args[5])
    abeng.changed(keys[4], 'k', 'camp', 'id', args[1])
    return redis.status_reply('OK')
end

redis.register_function('abeng_region_commit', region_commit)
redis.register_function('abeng_project', project)
redis.register_function('abeng_campaign_release', release)
