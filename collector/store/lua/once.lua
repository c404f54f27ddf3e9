-- SPDX-License-Identifier: Apache-2.0
-- Requests that are done once: under a client's key stands what was asked and, when it is done, what was answered.

-- KEYS: request. ARGV: 1 digest of what is asked 2 now ms 3 ms it is kept. Returns {'new'}, {'other'} (the key stands
-- for another request), {'begun', since ms}, {'done', status, type, etag, body}; a body too long to keep is absent.
local function begin(keys, args)
    local h = abeng.map(redis.call('HGETALL', keys[1]))
    if not h.asked then
        redis.call('HSET', keys[1], 'asked', args[1], 'at', args[2])
        redis.call('PEXPIRE', keys[1], args[3])
        return { 'new' }
    elseif h.asked ~= args[1] then
        return { 'other' }
    elseif not h.status then
        return { 'begun', h.at }
    end
    return { 'done', h.status, h.type, h.etag, h.body }
end

-- It is done. KEYS: request. ARGV: status, type, ETag, 1 when the body is kept, body.
local function done(keys, args)
    if redis.call('EXISTS', keys[1]) == 1 then
        redis.call('HSET', keys[1], 'status', args[1], 'type', args[2], 'etag', args[3])
        if args[4] == '1' then
            redis.call('HSET', keys[1], 'body', args[5])
        end
    end
    return redis.status_reply('OK')
end

redis.register_function('abeng_once_begin', begin)
redis.register_function('abeng_once_done', done)
