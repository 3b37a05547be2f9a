-- Extend a lease and show the signs of life. A lapsed lease nobody took is taken up again.
-- KEYS: lease, fences, reclaims, honours-mark. ARGV: field, process, ms, token, consumer.
if redis.call('HGET', KEYS[2], ARGV[1]) ~= ARGV[4] then return 0 end
redis.call('SET', KEYS[1], ARGV[4] .. ' ' .. ARGV[2], 'PX', ARGV[3])
local time = redis.call('TIME')
local now = string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000))
redis.call('HSET', KEYS[3], ARGV[1], now)
redis.call('HSET', KEYS[4], ARGV[5], now)
return 1
