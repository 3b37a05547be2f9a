-- A lease with a fencing token that grows with every owner, even if the data was lost between.
-- KEYS: lease, fences. ARGV: field of the fence, process, ms.
if redis.call('EXISTS', KEYS[1]) == 1 then return false end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local last = tonumber(redis.call('HGET', KEYS[2], ARGV[1]) or '0')
local token = string.format('%.0f', math.max(last + 1, now))
redis.call('HSET', KEYS[2], ARGV[1], token)
redis.call('SET', KEYS[1], token .. ' ' .. ARGV[2], 'PX', ARGV[3])
return token
