-- SPDX-License-Identifier: Apache-2.0
-- What analysts say about what belongs together: merging incidents and taking them apart, putting signals elsewhere,
-- dismissing and suppressing them. The state's worker hears of it by the changes and counts anew.

-- What a merged incident gets back.
local KEPT = { 'status', 'clock', 'deadline_ms', 'claimed_by', 'claimed_ms', 'waiting_ms', 'waiting_on',
    'wait_count', 'left_ms', 'ended_ms' }

local function number(n)
    return string.format('%.0f', n)
end

-- Whether the decision was made on what is still there; a reply that refuses, or nil.
local function stale(h, dver, seen)
    seen = tonumber(seen)
    if not h.version then
        return abeng.refuse('NOTFOUND', 'no such incident')
    end
    if h.dver ~= dver or seen and (seen < tonumber(h.dver) or seen > tonumber(h.version)) then
        return abeng.refuse('STALE', 'somebody decided since: version is ' .. h.version)
    end
end

-- A decision on one incident: its version, its trail, a note to all who watch. `k`: incident, timeline, audit, changes.
local function decided(k, h, id, now, who, verb, text)
    local version = number(tonumber(h.version) + 1)
    redis.call('HSET', k[1], 'version', version, 'dver', version)
    redis.call('XADD', k[2], '*', 'at', now, 'who', who, 'verb', verb, 'text', text)
    abeng.audit(k[3], now, who, verb, id, text)
    abeng.changed(k[4], 'k', 'inc', 'id', id, 'v', version)
    return tonumber(version)
end

-- KEYS: 1 part 2 its timeline 3 whole 4 its timeline 5 queue 6 timers 7 audit 8 changes.
-- ARGV: 1 dver of the part 2 version the client saw ('' any) 3 dver of the whole 4 now ms 5 who 6 part's number
-- 7 whole's number 8 what the part's timeline says 9 what the whole's says.
local function merge(keys, args)
    local part, whole = abeng.map(redis.call('HGETALL', keys[1])), abeng.map(redis.call('HGETALL', keys[3]))
    local refused = stale(part, args[1], args[2]) or stale(whole, args[3], '')
    if refused then
        return refused
    end
    if part.status == 'merged' or whole.status == 'merged' then
        return abeng.refuse('DENIED', 'one of them is merged already')
    end
    local kept = {}
    for _, name in ipairs(KEPT) do
        kept[name] = part[name]
    end
    redis.call('HDEL', keys[1], unpack(KEPT))
    redis.call('HSET', keys[1], 'kept', cjson.encode(kept), 'status', 'merged', 'merged_into', args[7])
    redis.call('ZREM', keys[5], args[6])
    redis.call('ZREM', keys[6], args[6])
    decided({ keys[3], keys[4], keys[7], keys[8] }, whole, args[7], args[4], args[5], 'merge', args[9])
    return decided({ keys[1], keys[2], keys[7], keys[8] }, part, args[6], args[4], args[5], 'merge', args[8])
end

-- When the system has to look at it again, or nil.
local function timer_of(h, close_ms)
    if h.waiting_ms then
        return h.waiting_ms
    end
    return h.status == 'resolved' and number(tonumber(h.ended_ms) + tonumber(close_ms)) or nil
end

-- KEYS: as merge. ARGV: 1 dver of the part 2 version the client saw 3 quiet ms after which resolved ones close 4 now ms
-- 5 who 6 part's number 7 whole's number 8, 9 texts.
local function unmerge(keys, args)
    local part, whole = abeng.map(redis.call('HGETALL', keys[1])), abeng.map(redis.call('HGETALL', keys[3]))
    local refused = stale(part, args[1], args[2])
    if refused then
        return refused
    end
    if part.merged_into ~= args[7] then
        return abeng.refuse('DENIED', 'it is not merged into that one')
    end
    local kept = cjson.decode(part.kept)
    redis.call('HDEL', keys[1], 'kept', 'merged_into')
    for name, value in pairs(kept) do
        redis.call('HSET', keys[1], name, value)
    end
    if not abeng.ENDED[kept.status] then
        redis.call('ZADD', keys[5], abeng.score(part.tier, kept.deadline_ms), args[6])
    end
    local due = timer_of(kept, args[3])
    if due then
        redis.call('ZADD', keys[6], due, args[6])
    end
    if whole.version then
        decided({ keys[3], keys[4], keys[7], keys[8] }, whole, args[7], args[4], args[5], 'unmerge', args[9])
    end
    return decided({ keys[1], keys[2], keys[7], keys[8] }, part, args[6], args[4], args[5], 'unmerge', args[8])
end

-- The signal as its worker wrote it, or a reply that refuses.
local function signal_of(key)
    local text = redis.call('GET', key)
    if not text then
        return nil, abeng.refuse('NOTFOUND', 'no such signal')
    end
    return cjson.decode(text)
end

-- Put a signal into an incident, or take it out of its own. KEYS: 1 signal 2 pins 3 incident it goes to 4 its timeline
-- 5 incident it comes from 6 its timeline 7 audit 8 changes. ARGV: 1 signal's number 2 incident's number (0: out)
-- 3 id of the one it comes from ('' none) 4 its number 5 now ms 6 who 7 text.
local function pin(keys, args)
    local signal, refused = signal_of(keys[1])
    if refused then
        return refused
    end
    if (signal.incident or '') ~= args[3] then
        return abeng.refuse('STALE', 'it belongs to ' .. (signal.incident or 'no incident') .. ' now')
    end
    if args[2] ~= '0' then
        local status = redis.call('HGET', keys[3], 'status')
        if not status or status == 'merged' then
            return abeng.refuse('DENIED', status and 'that incident is merged into another' or 'no such incident')
        end
        redis.call('XADD', keys[4], '*', 'at', args[5], 'who', args[6], 'verb', 'attach', 'text', args[7])
    end
    if args[3] ~= '' then
        local ev = cjson.decode(redis.call('HGET', keys[5], 'ev'))
        if #ev.signals < 2 then
            return abeng.refuse('DENIED', 'it is the only signal of ' .. args[3] .. '; merge that incident instead')
        end
        redis.call('XADD', keys[6], '*', 'at', args[5], 'who', args[6], 'verb', 'detach', 'text', args[7])
    end
    redis.call('HSET', keys[2], args[1], args[2] .. ' ' .. args[5])
    abeng.audit(keys[7], args[5], args[6], args[2] == '0' and 'detach' or 'attach', 's' .. args[1], args[7])
    abeng.changed(keys[8], 'k', 'pin', 'id', args[1])
    return redis.status_reply('OK')
end

-- How many alerts it has by now: its numbers are written more often than it is.
local function count_of(signal, numbers, id)
    local text = redis.call('HGET', numbers, id)
    return text and cjson.decode(text).n[1] or signal.count
end

-- Dismiss or suppress the key of a signal that waits. KEYS: 1 signal 2 muted keys 3 words about them 4 audit 5 changes
-- 6 signals' numbers.
-- ARGV: 1 signal's number 2 kind (dismiss, suppress) 3 until ms 4 now ms 5 who 6 reason. What is over is forgotten.
local function mute(keys, args)
    local signal, refused = signal_of(keys[1])
    if refused then
        return refused
    end
    if signal.incident then
        return abeng.refuse('DENIED', 'it belongs to ' .. signal.incident .. '; reject that instead')
    end
    if redis.call('HLEN', keys[2]) >= 1000 then
        local all = redis.call('HGETALL', keys[2])
        for i = 1, #all, 2 do
            if tonumber(string.match(all[i + 1], '^(%d+)')) < tonumber(args[4]) then
                redis.call('HDEL', keys[2], all[i])
                redis.call('HDEL', keys[3], all[i])
            end
        end
    end
    redis.call('HSET', keys[2], signal.key,
        table.concat({ args[3], args[2], number(count_of(signal, keys[6], args[1])), number(signal.stage_set or 0) }, ' '))
    redis.call('HSET', keys[3], signal.key, cjson.encode({ by = args[5], reason = args[6], at_ms = tonumber(args[4]) }))
    abeng.audit(keys[4], args[4], args[5], args[2], 's' .. args[1], args[6])
    abeng.changed(keys[5], 'k', 'mute', 'id', signal.key)
    return redis.status_reply('OK')
end

-- KEYS: 1 signal 2 claims 3 audit. ARGV: 1 signal's number 2 who 3 now ms 4 steal (0, 1).
local function claim(keys, args)
    local signal, refused = signal_of(keys[1])
    if refused then
        return refused
    end
    local have = redis.call('HGET', keys[2], args[1])
    local by = have and string.match(have, '^%d+ (.*)$')
    if by and by ~= args[2] and args[4] ~= '1' then
        return abeng.refuse('DENIED', 'claimed by ' .. by .. '; take it over (steal)')
    end
    redis.call('HSET', keys[2], args[1], args[3] .. ' ' .. args[2])
    abeng.audit(keys[3], args[3], args[2], 'claim', 's' .. args[1], '')
    return redis.status_reply('OK')
end

redis.register_function('abeng_merge', merge)
redis.register_function('abeng_unmerge', unmerge)
redis.register_function('abeng_pin', pin)
redis.register_function('abeng_mute', mute)
redis.register_function('abeng_signal_claim', claim)

-- Damping entries of analysts; the workers read all anew when the counter rises.
-- KEYS: 1 entries 2 counter 3 audit. ARGV: 1 now ms 2 who 3 JSON without its id 4 most entries. Returns the id.
local function damping_add(keys, args)
    if redis.call('HLEN', keys[1]) >= tonumber(args[4]) then
        return abeng.refuse('LIMIT', 'there are ' .. args[4] .. ' entries already')
    end
    local id = 'd' .. redis.call('INCR', keys[2])
    redis.call('HSET', keys[1], id, args[3])
    abeng.audit(keys[3], args[1], args[2], 'damping-add', id, args[3])
    return redis.status_reply(id)
end

-- KEYS: as above. ARGV: 1 now ms 2 who 3 id.
local function damping_remove(keys, args)
    local have = redis.call('HGET', keys[1], args[3])
    if not have then
        return abeng.refuse('NOTFOUND', 'no such entry')
    end
    redis.call('HDEL', keys[1], args[3])
    redis.call('INCR', keys[2])
    abeng.audit(keys[3], args[1], args[2], 'damping-remove', args[3], have)
    return redis.status_reply('OK')
end

redis.register_function('abeng_damping_add', damping_add)
redis.register_function('abeng_damping_remove', damping_remove)
