-- SPDX-License-Identifier: Apache-2.0
-- Records of a state beside its incidents: contacts, constituents, notices, countermeasures. A record is a document (JSON, made
-- and checked in C: collector/triage/record.h) under a version; each change is one step with index, timer, timeline,
-- audit and the note to all who watch.

-- What an incident's rules and feeds are worth, by one more outcome.
local function count_outcome(incident, precision, days, changes, outcome, now)
    local ev = redis.call('HGET', incident, 'ev')
    if not ev then
        return
    end
    ev = cjson.decode(ev)
    for _, rule in ipairs(ev.rules or {}) do
        local n = abeng.count(precision, days, rule, outcome, 1, now)
        abeng.changed(changes, 'k', 'rule', 'rule', rule, outcome, n)
    end
    for _, feed in ipairs(ev.feeds or {}) do
        abeng.count(precision, days, 'feed:' .. feed, outcome, 1, now)
    end
end

-- KEYS: record, index of its kind, last number of its kind, timers, audit, changes, precision, incident, its timeline (these two
-- any key of the state when ARGV 10 is ''), days of the precision.
-- ARGV: 1 kind 2 number 3 version the change was made on ('0': it must be new) 4 now ms 5 who 6 verb 7 text
--   8 document ('' removes the record) 9 due ms of its timer ('' none) 10 incident it belongs to ('' none)
--   11 outcome to count ('' none, real, false)
-- Returns {number, version}.
local function put(keys, args)
    local have = redis.call('HGET', keys[1], 'version')
    local version, number = tonumber(args[3]), tonumber(args[2])
    if version == 0 and have then
        return abeng.refuse('EXISTS', 'there is one already')
    elseif version > 0 and not have then
        return abeng.refuse('NOTFOUND', 'no such record')
    elseif version > 0 and tonumber(have) ~= version then
        return abeng.refuse('STALE', 'somebody changed it since: version is ' .. have)
    end
    local id = string.format('%.0f', number)
    local member = args[1] .. ':' .. id
    if args[8] == '' then
        redis.call('DEL', keys[1])
        redis.call('ZREM', keys[2], id)
    else
        redis.call('HSET', keys[1], 'version', version + 1, 'doc', args[8])
        redis.call('ZADD', keys[2], id, id)
    end
    if args[9] == '' or args[8] == '' then
        redis.call('ZREM', keys[4], member)
    else
        redis.call('ZADD', keys[4], args[9], member)
    end
    if args[10] ~= '' then
        redis.call('XADD', keys[9], '*', 'at', args[4], 'who', args[5], 'verb', args[6], 'text', args[7])
        if args[11] ~= '' then
            count_outcome(keys[8], keys[7], keys[10], keys[6], args[11], args[4])
        end
    end
    abeng.audit(keys[5], args[4], args[5], args[6], args[1] .. ' ' .. id, args[7])
    abeng.changed(keys[6], 'k', args[1], 'id', id, 'v', version + 1)
    return { number, version + 1 }
end

redis.register_function('abeng_record_put', put)
