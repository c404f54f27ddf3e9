-- SPDX-License-Identifier: Apache-2.0
-- Signature channels.

-- KEYS: channel, set of names. ARGV: name, partner, key, now ms.
local function add(keys, args)
    local have = redis.call('HGET', keys[1], 'key')
    if have and have ~= args[3] then
        return abeng.refuse('EXISTS', 'channel ' .. args[1] .. ' has another key; remove the channel first')
    end
    if have then
        return redis.status_reply('OK')
    end
    redis.call('HSET', keys[1], 'name', args[1], 'partner', args[2], 'key', args[3], 'added_ms', args[4], 'version', 0)
    redis.call('SADD', keys[2], args[1])
    return redis.status_reply('OK')
end

-- KEYS: channel. ARGV: version, BLAKE2b, size, now ms, expires ms. Versions only rise.
local function publish(keys, args)
    local have = tonumber(redis.call('HGET', keys[1], 'version'))
    if not have then
        return abeng.refuse('NOTFOUND', 'no such channel')
    end
    if tonumber(args[1]) <= have then
        return abeng.refuse('CONFLICT', string.format('version %s is not above the current %.0f', args[1], have))
    end
    redis.call('HSET', keys[1], 'version', args[1], 'blake2b', args[2], 'size', args[3], 'published_ms', args[4],
        'expires_ms', args[5])
    return redis.status_reply('OK')
end

redis.register_function('abeng_feed_add', add)
redis.register_function('abeng_feed_publish', publish)
