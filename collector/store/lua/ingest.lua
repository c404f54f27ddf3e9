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

-- KEYS: stream, positions, ledger of the sensor. ARGV:
--   1 epoch  2 lane  3 first  4 count  5 oldest number the sensor still has (0: not said)
--   6 previous epoch ('' none)  7 its last number in this lane  8 now, ms
--   9 late records  10 records that gap records name as lost  11... fields of the entry, name and value
-- Returns {1, committed} when stored, {0, committed} when the batch does not join on at committed + 1.
local function accept(keys, args)
    local stream, positions, ledger = keys[1], keys[2], keys[3]
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
    redis.call('XADD', stream, '*', unpack(args, 11))
    local committed = first + count - 1
    redis.call('HSET', positions, field, string.format('%.0f %.0f', committed, now))
    redis.call('HINCRBY', ledger, 'received', count)
    if lost > 0 then
        redis.call('HINCRBY', ledger, 'lost', string.format('%.0f', lost))
    end
    if tonumber(args[9]) > 0 then
        redis.call('HINCRBY', ledger, 'late', args[9])
    end
    redis.call('HSET', ledger, 'last_alert_ms', args[8], 'epoch', args[1])
    if fresh then
        forget_old_epochs(positions, now)
    end
    return { 1, committed }
end

redis.register_function('abeng_accept', accept)
