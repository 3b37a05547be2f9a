-- What to handle now: the oldest pending entry, whoever it is pending for (the owner of the lease
-- is the only one to handle), else the next one. Taking counts a try.
-- KEYS: stream, fences, replays. ARGV: field of the fence, token, consumer, process.
local stream, consumer, process = KEYS[1], ARGV[3], ARGV[4]
if redis.call('HGET', KEYS[2], ARGV[1]) ~= ARGV[2] then return {'fenced'} end

local function replay(position)
  return redis.call('HGET', KEYS[3], stream .. '|' .. position .. '|' .. consumer) or ''
end

local pending = redis.call('XPENDING', stream, consumer, '-', '+', 1)[1]
if pending then
  local position, deliveries = pending[1], pending[4]
  local entry = redis.call('XRANGE', stream, position, position)[1]
  if not entry then return {'lost', position, deliveries, replay(position)} end
  redis.call('XCLAIM', stream, consumer, process, 0, position)
  return {'taken', position, deliveries + 1, replay(position), entry[2]}
end

local read = redis.call('XREADGROUP', 'GROUP', consumer, process, 'COUNT', 1,
  'STREAMS', stream, '>')
if read then
  local entry = read[1][2][1]
  return {'taken', entry[1], 1, replay(entry[1]), entry[2]}
end
for _, group in ipairs(redis.call('XINFO', 'GROUPS', stream)) do
  local info = {}
  for i = 1, #group, 2 do info[group[i]] = group[i + 1] end
  if info['name'] == consumer then return {'idle', info['last-delivered-id']} end
end
