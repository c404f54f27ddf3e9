-- SPDX-License-Identifier: Apache-2.0
-- What all functions of the library share. The files of this folder are joined in the order of Makefile.inc, this one
-- first, each other one inside do ... end, so that only `abeng` is seen across files. Rules: every key comes in KEYS, all
-- of one hash tag; time comes in ARGV (ms since 1970), so that a replay gives the same; a refusal is
-- abeng.refuse(WORD, text) with a word of store.h; nothing is written before the last check has passed.

local abeng = {}

-- The library's version: rises with any change of arguments or of what keys hold (STORE_LIBRARY_VERSION in store.c).
abeng.version = 5

function abeng.refuse(word, text)
    return redis.error_reply(word .. ' ' .. text)
end

-- A flat name-value reply as a table.
function abeng.map(flat)
    local m = {}
    for i = 1, #flat, 2 do
        m[flat[i]] = flat[i + 1]
    end
    return m
end

redis.register_function{
    function_name = 'abeng_version',
    callback = function(keys, args) return abeng.version end,
    flags = { 'no-writes', 'allow-stale' },
}
