-- SPDX-License-Identifier: Apache-2.0
-- The register of sensors: invitation, claim, approval, certificate, revocation; each one step.

-- KEYS: sensor, set of ids, token. ARGV: id, name, states, site, hold (0/1), now ms, expires ms.
local function invite(keys, args)
    local status = redis.call('HGET', keys[1], 'status')
    if status == 'active' or status == 'pending' then
        return abeng.refuse('EXISTS', 'sensor ' .. args[1] .. ' is ' .. status .. '; revoke it first')
    end
    local old = redis.call('HGET', keys[1], 'token')
    if old then
        redis.call('DEL', old)
    end
    redis.call('DEL', keys[1])
    redis.call('HSET', keys[1], 'id', args[1], 'name', args[2], 'states', args[3], 'site', args[4], 'hold', args[5],
        'status', 'invited', 'invited_ms', args[6], 'expires_ms', args[7], 'token', keys[3])
    redis.call('SADD', keys[2], args[1])
    redis.call('HSET', keys[3], 'id', args[1], 'expires_ms', args[7])
    redis.call('PEXPIREAT', keys[3], tonumber(args[7]) + 86400000)
    return redis.status_reply('OK')
end

-- KEYS: token, sensor. ARGV: key fingerprint, request (PEM), now ms.
-- Returns {status, id, states, site}: 'sign' (make a certificate) or 'pending' (wait for a person).
local function claim(keys, args)
    local token = abeng.map(redis.call('HGETALL', keys[1]))
    if not token.id then
        return abeng.refuse('DENIED', 'this invitation is not known, or was used or replaced')
    end
    if token.key and token.key ~= args[1] then
        return abeng.refuse('DENIED', 'this invitation was used with another key')
    end
    if not token.key and tonumber(token.expires_ms) < tonumber(args[3]) then
        return abeng.refuse('DENIED', 'this invitation has expired; ask for a new one')
    end
    local s = abeng.map(redis.call('HGETALL', keys[2]))
    if s.status == 'revoked' or s.token ~= keys[1] then
        return abeng.refuse('DENIED', 'this invitation was withdrawn')
    end
    redis.call('HSET', keys[1], 'key', args[1])
    local status = 'sign'
    if s.hold == '1' and s.approved ~= args[1] then
        status = 'pending'
        redis.call('HSET', keys[2], 'status', 'pending', 'key', args[1], 'request', args[2])
    end
    return { status, s.id, s.states, s.site }
end

-- KEYS: sensor. ARGV: key fingerprint as the host reads it out, now ms.
local function approve(keys, args)
    local s = abeng.map(redis.call('HGETALL', keys[1]))
    if not s.id then
        return abeng.refuse('NOTFOUND', 'no such sensor')
    end
    if s.status ~= 'pending' then
        return abeng.refuse('CONFLICT', 'sensor is ' .. s.status .. ', not pending')
    end
    if s.key ~= args[1] then
        return abeng.refuse('DENIED', 'the pending key has another fingerprint: ' .. s.key)
    end
    redis.call('HSET', keys[1], 'approved', args[1], 'approved_ms', args[2])
    return redis.status_reply('OK')
end

-- A certificate was made. KEYS: sensor, token ('' key name of the tag when renewed). ARGV: certificate fingerprint,
-- its end ms, now ms, renewed (0/1). A renewed certificate keeps the one before on record, so both can be revoked.
local function enrolled(keys, args)
    local s = abeng.map(redis.call('HGETALL', keys[1]))
    if not s.id or s.status == 'revoked' then
        return abeng.refuse('DENIED', 'this sensor is revoked')
    end
    local held = args[1] .. ' ' .. args[2]
    for fingerprint, ends in string.gmatch(s.certs or '', '(%x+) (%d+)') do
        if tonumber(ends) > tonumber(args[3]) then
            held = held .. ' ' .. fingerprint .. ' ' .. ends
        end
    end
    redis.call('HSET', keys[1], 'status', 'active', 'fingerprint', args[1], 'certs', held, 'cert_expires_ms', args[2])
    redis.call('HDEL', keys[1], 'request')
    if args[4] == '0' then
        redis.call('HSET', keys[1], 'enrolled_ms', args[3])
    end
    return redis.status_reply('OK')
end

-- KEYS: sensor, revoked. ARGV: reason, now ms. Returns the fingerprints that are refused from now on.
local function revoke(keys, args)
    local s = abeng.map(redis.call('HGETALL', keys[1]))
    if not s.id then
        return abeng.refuse('NOTFOUND', 'no such sensor')
    end
    local out = {}
    for fingerprint, ends in string.gmatch(s.certs or '', '(%x+) (%d+)') do
        redis.call('ZADD', keys[2], ends, fingerprint)
        out[#out + 1] = fingerprint
    end
    redis.call('ZREMRANGEBYSCORE', keys[2], '-inf', '(' .. args[2])
    redis.call('HSET', keys[1], 'status', 'revoked', 'revoked_ms', args[2], 'reason', args[1])
    if s.token then
        redis.call('DEL', s.token)
    end
    return out
end

-- KEYS: sensor. ARGV: now ms, health (JSON), clock offset ms. Only a sensor on the register reports.
local function health(keys, args)
    if redis.call('EXISTS', keys[1]) == 0 then
        return abeng.refuse('NOTFOUND', 'no such sensor')
    end
    redis.call('HSET', keys[1], 'seen_ms', args[1], 'health', args[2], 'clock_offset_ms', args[3])
    return redis.status_reply('OK')
end

-- A command for a sensor; one of each verb and argument waits at most. KEYS: list. ARGV: command (JSON).
local function command_add(keys, args)
    redis.call('LREM', keys[1], 0, args[1])
    redis.call('RPUSH', keys[1], args[1])
    redis.call('LTRIM', keys[1], -64, -1)
    return redis.status_reply('OK')
end

-- Take all that wait. KEYS: list.
local function command_take(keys, args)
    local all = redis.call('LRANGE', keys[1], 0, -1)
    redis.call('DEL', keys[1])
    return all
end

redis.register_function('abeng_sensor_invite', invite)
redis.register_function('abeng_sensor_claim', claim)
redis.register_function('abeng_sensor_approve', approve)
redis.register_function('abeng_sensor_enrolled', enrolled)
redis.register_function('abeng_sensor_revoke', revoke)
redis.register_function('abeng_sensor_health', health)
redis.register_function('abeng_command_add', command_add)
redis.register_function('abeng_command_take', command_take)
