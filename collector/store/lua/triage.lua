-- SPDX-License-Identifier: Apache-2.0
-- Analysts' verbs. Guards and clocks are decided in C (collector/triage/machine.c) on a state that is named by `dver`, the version
-- of the last decision; here the change is made if that is still the state, in one step with queue, timers, timeline, audit
-- and the note to all who watch.

-- SHA-256 (FIPS 180-4): Redis has only SHA-1, and the audit chain shall outlive it.
local K = {}

local function fill_constants()
    local n, p = 0, 2
    while n < 64 do
        local prime = true
        for d = 2, math.floor(math.sqrt(p)) do
            if p % d == 0 then prime = false break end
        end
        if prime then
            n = n + 1
            local root = p ^ (1 / 3)
            K[n] = math.floor((root - math.floor(root)) * 4294967296)
        end
        p = p + 1
    end
end

local function block(h, s, at)
    local band, bxor, rshift, ror, bnot = bit.band, bit.bxor, bit.rshift, bit.ror, bit.bnot
    local w = {}
    for i = 1, 16 do
        local a, b, c, d = string.byte(s, at + i * 4 - 4, at + i * 4 - 1)
        w[i] = a * 16777216 + b * 65536 + c * 256 + d
    end
    for i = 17, 64 do
        local x, y = w[i - 15], w[i - 2]
        local s0 = bxor(ror(x, 7), ror(x, 18), rshift(x, 3))
        local s1 = bxor(ror(y, 17), ror(y, 19), rshift(y, 10))
        w[i] = (w[i - 16] + s0 + w[i - 7] + s1) % 4294967296
    end
    local a, b, c, d, e, f, g, hh = unpack(h)
    for i = 1, 64 do
        local s1 = bxor(ror(e, 6), ror(e, 11), ror(e, 25))
        local ch = bxor(band(e, f), band(bnot(e), g))
        local t1 = (hh + s1 + ch + K[i] + w[i]) % 4294967296
        local s0 = bxor(ror(a, 2), ror(a, 13), ror(a, 22))
        local maj = bxor(band(a, b), band(a, c), band(b, c))
        hh, g, f, e = g, f, e, (d + t1) % 4294967296
        d, c, b, a = c, b, a, (t1 + s0 + maj) % 4294967296
    end
    for i, v in ipairs({ a, b, c, d, e, f, g, hh }) do
        h[i] = (h[i] + v) % 4294967296
    end
end

function abeng.sha256(s)
    if not K[64] then
        fill_constants()
    end
    local h = { 0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19 }
    local bits = #s * 8
    s = s .. string.char(128) .. string.rep(string.char(0), (55 - #s) % 64) .. string.rep(string.char(0), 4)
    for shift = 24, 0, -8 do
        s = s .. string.char(math.floor(bits / 2 ^ shift) % 256)
    end
    for at = 1, #s, 64 do
        block(h, s, at)
    end
    local out = {}
    for i = 1, 8 do
        out[i] = bit.tohex(h[i])
    end
    return table.concat(out)
end

-- Append to the audit: each entry carries the hash of the one before and its own, over every field.
function abeng.audit(key, now, who, verb, what, text)
    local last = redis.call('XREVRANGE', key, '+', '-', 'COUNT', 1)[1]
    local before = last and abeng.map(last[2]).hash or string.rep('0', 64)
    local hash = abeng.sha256(table.concat({ before, now, who, verb, what, text }, string.char(31)))
    redis.call('XADD', key, '*', 'at', now, 'who', who, 'verb', verb, 'what', what, 'text', text, 'prev', before,
        'hash', hash)
end

-- Tell who watches; what is older than the last 100,000 changes is read anew.
function abeng.changed(key, ...)
    redis.call('XADD', key, 'MAXLEN', '~', 100000, '*', ...)
end

-- Place in the queue: tier, then deadline; none is last of its tier.
function abeng.score(tier, deadline)
    deadline = tonumber(deadline) or 0
    return string.format('%.0f', tonumber(tier) * 1e13 + (deadline > 0 and deadline or 9e12))
end

abeng.ENDED = { resolved = true, closed = true, rejected = true }

local STAGE_BITS = { probe = 2, exploit = 4, answer = 8, c2 = 16, out = 32 }

-- Remember what was known when it ended, so that only more than that opens it again.
local function remember_end(key, ev)
    local stages = 0
    for _, stage in ipairs(ev.stages or {}) do
        stages = stages + (STAGE_BITS[stage] or 0)
    end
    redis.call('HSET', key, 'end_count', string.format('%.0f', ev.count or 0), 'end_stages', stages)
end

-- What decisions say of a rule or feed: `prec` holds the sums of the last 90 days, `precd` the days they are made of
-- ("DAY|NAME:WORD"), so that what is older can be taken off again. A decision that is taken back is at most a day old.
function abeng.count(precision, days, name, word, step, now)
    local today = math.floor(tonumber(now) / 86400000)
    local field = string.format('%.0f|%s:%s', today, name, word)
    if step < 0 and tonumber(redis.call('HGET', days, field) or 0) < 1 then
        field = string.format('%.0f|%s:%s', today - 1, name, word)
    end
    if step < 0 and tonumber(redis.call('HGET', days, field) or 0) < 1 then
        return tonumber(redis.call('HGET', precision, name .. ':' .. word) or 0)
    end
    redis.call('HINCRBY', days, field, step)
    return redis.call('HINCRBY', precision, name .. ':' .. word, step)
end

-- Take off what was decided before a day. KEYS: precision, its days, changes. ARGV: day since 1970. Returns how many.
local function forget(keys, args)
    local all, bound, gone = redis.call('HGETALL', keys[2]), tonumber(args[1]), 0
    for i = 1, #all, 2 do
        local day, name, word = string.match(all[i], '^(%d+)|(.*):(%a+)$')
        if day and tonumber(day) < bound then
            local n = redis.call('HINCRBY', keys[1], name .. ':' .. word, -tonumber(all[i + 1]))
            redis.call('HDEL', keys[2], all[i])
            abeng.changed(keys[3], 'k', 'rule', 'rule', name, word, n)
            gone = gone + 1
        end
    end
    return gone
end

redis.register_function('abeng_precision_forget', forget)

-- KEYS: incident, timeline, queue, timers, audit, changes, precision, its days. ARGV:
--   1 dver the decision was made on  2 version the client saw ('' any)  3 now ms  4 who  5 verb  6 text
--   7 incident's number  8 queued (0/1)  9 timer's due ms ('' none)  10 outcome to count ('' none, real, false; -real, -false take one back)
--   11... fields to set, name and value; an empty value removes
-- Returns the new version.
local function apply(keys, args)
    local have = redis.call('HMGET', keys[1], 'version', 'dver', 'tier')
    if not have[1] then
        return abeng.refuse('NOTFOUND', 'no such incident')
    end
    local seen = tonumber(args[2])
    if have[2] ~= args[1] or seen and (seen < tonumber(have[2]) or seen > tonumber(have[1])) then
        return abeng.refuse('STALE', 'somebody decided since: version is ' .. have[1])
    end
    local version = string.format('%.0f', tonumber(have[1]) + 1)
    redis.call('HSET', keys[1], 'version', version, 'dver', version)
    for i = 11, #args, 2 do
        if args[i + 1] == '' then
            redis.call('HDEL', keys[1], args[i])
        else
            redis.call('HSET', keys[1], args[i], args[i + 1])
        end
    end
    if args[8] == '1' then
        redis.call('ZADD', keys[3], abeng.score(have[3], redis.call('HGET', keys[1], 'deadline_ms')), args[7])
    else
        redis.call('ZREM', keys[3], args[7])
    end
    if args[9] == '' then
        redis.call('ZREM', keys[4], args[7])
    else
        redis.call('ZADD', keys[4], args[9], args[7])
    end
    local ev = cjson.decode(redis.call('HGET', keys[1], 'ev'))
    if abeng.ENDED[redis.call('HGET', keys[1], 'status')] then
        remember_end(keys[1], ev)
    end
    if redis.call('HGET', keys[1], 'waiting_on') then -- more than what is known now ends it
        redis.call('HSET', keys[1], 'wait_count', string.format('%.0f', ev.count or 0))
    end
    if args[10] ~= '' then
        local word, step = string.gsub(args[10], '^%-', '')
        step = step == 1 and -1 or 1
        for _, rule in ipairs(ev.rules or {}) do
            local n = abeng.count(keys[7], keys[8], rule, word, step, args[3])
            abeng.changed(keys[6], 'k', 'rule', 'rule', rule, word, n)
        end
    end
    redis.call('XADD', keys[2], '*', 'at', args[3], 'who', args[4], 'verb', args[5], 'text', args[6])
    abeng.audit(keys[5], args[3], args[4], args[5], args[7], args[6])
    abeng.changed(keys[6], 'k', 'inc', 'id', args[7], 'v', version)
    return tonumber(version)
end

redis.register_function('abeng_triage', apply)

-- An incident that is kept elsewhere by now leaves the store. KEYS: incident, timeline, index of incidents, of signals,
-- timers, audit, changes, signals' numbers, then each of its signals' own and its samples'. ARGV: number, version that was
-- kept, now ms, then each signal's number.
redis.register_function('abeng_retire', function(keys, args)
    local have = redis.call('HMGET', keys[1], 'version', 'status')
    if have[1] ~= args[2] or not abeng.ENDED[have[2]] and have[2] ~= 'merged' then
        return abeng.refuse('STALE', 'it changed since it was kept')
    end
    redis.call('DEL', keys[1], keys[2])
    redis.call('ZREM', keys[3], args[1])
    redis.call('ZREM', keys[5], args[1])
    for i = 4, #args do
        redis.call('DEL', keys[2 * i + 1], keys[2 * i + 2])
        redis.call('ZREM', keys[4], args[i])
        redis.call('HDEL', keys[8], args[i])
    end
    abeng.audit(keys[6], args[3], 'abeng', 'retire', args[1], '')
    abeng.changed(keys[7], 'k', 'gone', 'id', args[1])
    return redis.status_reply('OK')
end)

-- An audit entry for what is not an incident's. KEYS: audit. ARGV: now ms, who, verb, what, text.
redis.register_function('abeng_audit', function(keys, args)
    abeng.audit(keys[1], unpack(args))
    return redis.status_reply('OK')
end)
