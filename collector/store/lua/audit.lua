-- SPDX-License-Identifier: Apache-2.0
-- Roots of the audit: how far a chain had come when an hour began, named once.

-- KEYS: roots, what was named. ARGV: 1 hour in ms 2 state 3 id of the chain's last entry 4 entries 5 its hash.
redis.register_function('abeng_audit_root', function(keys, args)
    if redis.call('HGET', keys[2], args[2]) == args[5] then
        return redis.status_reply('OK')
    end
    redis.call('HSET', keys[2], args[2], args[5])
    redis.call('XADD', keys[1], 'MAXLEN', '~', 1000000, '*', 'at', args[1], 'state', args[2], 'id', args[3],
        'count', args[4], 'root', args[5])
    return redis.status_reply('OK')
end)
