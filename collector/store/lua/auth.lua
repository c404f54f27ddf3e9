-- SPDX-License-Identifier: Apache-2.0
-- Users and sessions; all in the region's tag.

-- KEYS: user, set of names. ARGV: name, full name, role, states, password hash, now ms, subject. A new user only.
local function user_add(keys, args)
    if redis.call('EXISTS', keys[1]) == 1 then
        return abeng.refuse('EXISTS', 'user ' .. args[1] .. ' is there already')
    end
    redis.call('HSET', keys[1], 'user', args[1], 'name', args[2], 'role', args[3], 'states', args[4], 'password',
        args[5], 'created_ms', args[6], 'subject', args[7], 'generation', 1)
    redis.call('SADD', keys[2], args[1])
    return redis.status_reply('OK')
end

-- KEYS: user, set of names. ARGV: name, then fields and values. Sessions made before end: they carry the generation.
local function user_change(keys, args)
    if redis.call('EXISTS', keys[1]) == 0 then
        return abeng.refuse('NOTFOUND', 'no such user')
    end
    for i = 2, #args, 2 do
        redis.call('HSET', keys[1], args[i], args[i + 1])
    end
    redis.call('HINCRBY', keys[1], 'generation', 1)
    return redis.status_reply('OK')
end

-- KEYS: user, set of names. ARGV: name.
local function user_remove(keys, args)
    if redis.call('DEL', keys[1]) == 0 then
        return abeng.refuse('NOTFOUND', 'no such user')
    end
    redis.call('SREM', keys[2], args[1])
    return redis.status_reply('OK')
end

-- KEYS: session, user, all sessions. ARGV: name, CSRF token, now ms, idle ms, longest ms (0: none), digest of the token,
-- client's address.
local function session_start(keys, args)
    local generation = redis.call('HGET', keys[2], 'generation')
    if not generation then
        return abeng.refuse('NOTFOUND', 'no such user')
    end
    redis.call('HSET', keys[1], 'user', args[1], 'csrf', args[2], 'created_ms', args[3], 'used_ms', args[3],
        'idle_ms', args[4], 'longest_ms', args[5], 'address', args[7], 'generation', generation)
    redis.call('PEXPIRE', keys[1], args[4])
    redis.call('ZADD', keys[3], args[3], args[6])
    return redis.status_reply('OK')
end

-- Who a session is; a use makes it last. KEYS: session, user ('' until known: the caller asks with HGET first).
-- ARGV: now ms. Returns user's fields and the CSRF token.
local function session_use(keys, args)
    local s = abeng.map(redis.call('HGETALL', keys[1]))
    local u = abeng.map(redis.call('HGETALL', keys[2]))
    local longest = tonumber(s.longest_ms or 0)
    if not s.user or not u.user or s.generation ~= u.generation
        or longest > 0 and tonumber(args[1]) - tonumber(s.created_ms) > longest then
        redis.call('DEL', keys[1])
        return abeng.refuse('NOTFOUND', 'no such session')
    end
    redis.call('PEXPIRE', keys[1], s.idle_ms)
    redis.call('HSET', keys[1], 'used_ms', args[1])
    return { u.user, u.name, u.role, u.states, s.csrf, u.subject or '' }
end

-- A code of the second factor is good once: its number must rise. KEYS: user. ARGV: number.
local function totp_use(keys, args)
    if tonumber(args[1]) <= tonumber(redis.call('HGET', keys[1], 'totp_last') or 0) then
        return abeng.refuse('DENIED', 'this code was used before')
    end
    redis.call('HSET', keys[1], 'totp_last', args[1])
    return redis.status_reply('OK')
end

-- Begin, confirm or end a second factor, without ending sessions. KEYS: user. ARGV: field ('totp_new' or 'totp'), secret
-- ('' none).
local function totp_set(keys, args)
    if redis.call('EXISTS', keys[1]) == 0 then
        return abeng.refuse('NOTFOUND', 'no such user')
    end
    redis.call('HDEL', keys[1], 'totp_new', 'totp_last')
    if args[2] == '' then
        redis.call('HDEL', keys[1], args[1])
    else
        redis.call('HSET', keys[1], args[1], args[2])
    end
    return redis.status_reply('OK')
end

-- Login attempts. KEYS: counter. ARGV: what (ask, fail, good), free tries, window ms. Returns ms to wait (0: try).
local function throttle(keys, args)
    local free, window = tonumber(args[2]), tonumber(args[3])
    if args[1] == 'good' then
        redis.call('DEL', keys[1])
        return 0
    end
    local tries = tonumber(redis.call('GET', keys[1]) or 0)
    if args[1] == 'ask' then
        if tries < free then
            return 0
        end
        return math.max(redis.call('PTTL', keys[1]), 1)
    end
    redis.call('SET', keys[1], tries + 1, 'PX', tries + 1 < free and window or math.min(window, 2 ^ (tries + 1 - free) * 15000))
    return 0
end

redis.register_function('abeng_user_add', user_add)
redis.register_function('abeng_user_change', user_change)
redis.register_function('abeng_user_remove', user_remove)
redis.register_function('abeng_session_start', session_start)
redis.register_function('abeng_session_use', session_use)
redis.register_function('abeng_throttle', throttle)
redis.register_function('abeng_totp_use', totp_use)
redis.register_function('abeng_totp_set', totp_set)
