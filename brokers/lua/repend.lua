-- Makes the original entry pending again for the consumer that gave it up, for it alone, and
-- takes the copies off the dead-letter queue.
--
-- KEYS: marker, stream, the hash of replays, then the queue of each copy
-- ARGV: attempt, consumer, original position, process, field of the hash of replays,
--       idle time in ms, then the positions of the copies
--
-- Lua does not roll back: everything that can fail comes before XCLAIM, the marker is last.
local marker, stream, replays = KEYS[1], KEYS[2], KEYS[3]
local attempt, consumer, position = ARGV[1], ARGV[2], ARGV[3]
local process, field, idle = ARGV[4], ARGV[5], ARGV[6]

local done = redis.call('HMGET', marker, 'stream', 'position')
if done[1] == '' then return {'refused', 'withdrawn'} end
if done[1] then return {'again', done[1], done[2]} end
local copies = #KEYS - 3
local left = copies == 0
for copy = 1, copies do
  local at = ARGV[6 + copy]
  if redis.call('XRANGE', KEYS[3 + copy], at, at)[1] then left = true end
end
if not left then return {'gone'} end
local entry = redis.call('XRANGE', stream, position, position)[1]
if not entry then return {'no_entry'} end
for index = 1, #entry[2], 2 do
  -- a copy of an earlier replay, not the original: its stamp would stand for this one too
  if entry[2][index] == 'cascadeattempt' then return {'no_entry'} end
end
local pending = redis.pcall('XPENDING', stream, consumer, position, position, 1)
if pending.err then return {'refused', pending.err} end
if pending[1] then
  return {'refused', 'still pending with ' .. pending[1][2] .. ': it will be handled again anyway'}
end
local kind = redis.call('TYPE', replays).ok
if kind ~= 'hash' and kind ~= 'none' then return {'refused', replays .. ' is no hash'} end

local claimed = redis.pcall('XCLAIM', stream, consumer, process, '0', position,
  'IDLE', idle, 'RETRYCOUNT', '0', 'FORCE', 'JUSTID')
if claimed.err then return {'refused', claimed.err} end
if not claimed[1] then return {'no_entry'} end
redis.call('HSET', replays, field, attempt)
for copy = 1, copies do redis.call('XDEL', KEYS[3 + copy], ARGV[6 + copy]) end
redis.call('HSET', marker, 'stream', stream, 'position', position)
return {'sent', stream, position}
