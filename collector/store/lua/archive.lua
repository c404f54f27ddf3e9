-- SPDX-License-Identifier: Apache-2.0
-- How far the archive is, and what streams may forget.

-- "MS-SEQ" as two numbers; what stands behind a colon (records done of that entry) does not count.
local function id_of(text)
    local ms, seq = string.match(text or '', '^(%d+)-(%d+)')
    return tonumber(ms or 0), tonumber(seq or 0)
end

local function earlier(a, b)
    local am, as = id_of(a)
    local bm, bs = id_of(b)
    return (am < bm or (am == bm and as < bs)) and a or b
end

-- KEYS: archive, fold, stream. ARGV: last entry that is safe in the archive, ms since 1970 before which entries may go.
-- Entries go that are older than that and before the last one of both fold and archive. Returns how many went.
local function commit(keys, args)
    redis.call('HSET', keys[1], 'pos', args[1])
    local bound = earlier(args[1], redis.call('HGET', keys[2], 'pos') or '0-0')
    bound = earlier(bound, args[2] .. '-0')
    local ms, seq = id_of(bound)
    return redis.call('XTRIM', keys[3], 'MINID', '~', string.format('%.0f-%.0f', ms, seq))
end

redis.register_function('abeng_archive_commit', commit)
