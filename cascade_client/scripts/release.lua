-- Give a lease back; a process name with nothing pending is taken off the consumer's list.
-- KEYS: lease, fences, stream. ARGV: field, token, consumer, process.
if redis.call('HGET', KEYS[2], ARGV[1]) ~= ARGV[2] then return 0 end
redis.call('DEL', KEYS[1])
if redis.call('EXISTS', KEYS[3]) == 0 then return 1 end
local own = redis.pcall('XPENDING', KEYS[3], ARGV[3], '-', '+', 1, ARGV[4])
if not own.err and #own == 0 then
  redis.pcall('XGROUP', 'DELCONSUMER', KEYS[3], ARGV[3], ARGV[4])
end
return 1
