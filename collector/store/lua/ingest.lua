-- SPDX-License-Identifier: Apache-2.0
-- Accepting batches: position check, entry and new position in one step, so a batch is in the stream once or not at all.

-- Positions of epochs that were not touched for this long are forgotten: seven days.
local FORGET_MS = 7 * 86400 * 1000

local function position(value)
    if not value then
        return nil
    end
    return tonumber(string.match(value, '^(%d+)'))
end

local function forget_old_epochs(key, now)
    local all = redis.call('HGETALL', key)
    for i = 1, #all, 2 do
        local touched = tonumber(string.match(all[i + 1], ' (%d+)$'))
        if now - touched > FORGET_MS then
            redis.call('HDEL', key, all[i])
        end
    end
end

-- Hours of the ledger are kept for 92 days.
local HOURS_MS = 92 * 86400 * 1000

local function forget_old_hours(key, now)
    local all = redis.call('HKEYS', key)
    for i = 1, #all do
        if now - tonumber(string.match(all[i], '^%d+')) * 3600000 > HOURS_MS then
            redis.call('HDEL', key, all[i])
        end
    end
end

-- Add to the hour of `now`: fields are "HOUR WHAT", hours since 1970.
local function add_hour(key, now, what, n)
    if n > 0 then
        local hour = string.format('%.0f', math.floor(now / 3600000))
        if redis.call('HINCRBY', key, hour .. ' ' .. what, string.format('%.0f', n)) == n then
            forget_old_hours(key, now)
        end
    end
end

-- The id of the newest entry that was made here, "" when others (a hand, an older version) have added to the stream since.
local function tip(key, stream)
    local id = redis.call('GET', key)
    if id and #redis.call('XRANGE', stream, '(' .. id, '+', 'COUNT', 1) == 0 then
        return id
    end
    return redis.call('EXISTS', stream) == 0 and '0-0' or ''
end

-- KEYS: stream, positions, ledger, hours of the sensor, id of the stream's newest entry. ARGV:
--   1 epoch  2 lane  3 first  4 count  5 oldest number the sensor still has (0: not said)
--   6 previous epoch ('' none)  7 its last number in this lane  8 now, ms
--   9 late records  10 records that gap records name as lost  11 numbers they name as shed  12 gap records
--   13 a self-test alert is among them (0/1)  14... fields of the entry, name and value
-- The ledger counts as `lost` whatever is missing; `shed` says how many of those the sensor gave up itself.
-- Returns {1, committed, id of the entry before ('' not known), id} when stored, {0, committed} when the batch does not
-- join on at committed + 1.
local function accept(keys, args)
    local stream, positions, ledger, hours = keys[1], keys[2], keys[3], keys[4]
    local field = args[1] .. ' ' .. args[2]
    local first, count = tonumber(args[3]), tonumber(args[4])
    local oldest, now = tonumber(args[5]), tonumber(args[8])
    local lost = tonumber(args[10])
    local at = position(redis.call('HGET', positions, field))
    local fresh = at == nil
    at = at or 0
    if first ~= at + 1 then
        if first <= at or oldest ~= first then
            return { 0, at }
        end
        lost = lost + first - at - 1
    end
    if fresh and args[6] ~= '' then
        local before = position(redis.call('HGET', positions, args[6] .. ' ' .. args[2])) or 0
        lost = lost + math.max(0, tonumber(args[7]) - before)
    end
    local previous = tip(keys[5], stream)
    local id = redis.call('XADD', stream, '*', unpack(args, 14))
    redis.call('SET', keys[5], id)
    local committed = first + count - 1
    redis.call('HSET', positions, field, string.format('%.0f %.0f', committed, now))
    redis.call('HINCRBY', ledger, 'received', count)
    local also = { lost = lost, late = tonumber(args[9]), shed = tonumber(args[11]), gaps = tonumber(args[12]) }
    for what, n in pairs(also) do
        if n > 0 then
            redis.call('HINCRBY', ledger, what, string.format('%.0f', n))
            add_hour(hours, now, what, n)
        end
    end
    if lost > 0 or also.shed > 0 then
        redis.call('HSET', ledger, 'gap_ms', args[8])
    end
    add_hour(hours, now, 'received', count)
    redis.call('HSET', ledger, 'last_alert_ms', args[8], 'epoch', args[1])
    if args[13] == '1' then
        redis.call('HSET', ledger, 'self_test_ms', args[8])
    end
    if fresh then
        forget_old_epochs(positions, now)
    end
    return { 1, committed, previous, id }
end

-- What a sensor says it has numbered. KEYS: raised (LANE -> "EPOCH LAST"), hours. ARGV: now ms, then lane, epoch, last
-- number for each lane. What is new since the last report is added to the hour.
local function raised(keys, args)
    local now = tonumber(args[1])
    for i = 2, #args, 3 do
        local epoch, last = string.match(redis.call('HGET', keys[1], args[i]) or '', '^(%x+) (%d+)$')
        local n = tonumber(args[i + 2])
        if epoch == args[i + 1] then
            n = n - tonumber(last)
        end
        if n > 0 then
            redis.call('HSET', keys[1], args[i], args[i + 1] .. ' ' .. args[i + 2])
            add_hour(keys[2], now, 'raised', n)
        end
    end
    return redis.status_reply('OK')
end

redis.register_function('abeng_accept', accept)
redis.register_function('abeng_ledger_raised', raised)
