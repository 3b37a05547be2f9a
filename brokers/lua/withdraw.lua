-- Withdraws an attempt that was not sent: whoever still holds it can send it no more.
--
-- KEYS: marker
-- ARGV: seconds to keep the marker
--
-- Answers where it was sent to, or nothing.
local done = redis.call('HMGET', KEYS[1], 'stream', 'position')
if done[1] and done[1] ~= '' then return done end
redis.call('HSET', KEYS[1], 'stream', '', 'position', '')
redis.call('EXPIRE', KEYS[1], ARGV[1])
return {}
