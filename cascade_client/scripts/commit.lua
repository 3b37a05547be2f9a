-- The marker, the state documents, the events, the receipt and the acknowledgement in one step.
-- Lua rolls nothing back: everything is checked before anything is written.
-- KEYS: stream, fences, marker, replays.
-- ARGV: field of the fence, token, consumer, position, marker's ms (0: no marker),
--   number of documents, each: key, version read, 1 if written, body, ms to keep or 0,
--   number of messages, each: stream, longest length or 0, number of values, field, value, ...
local position, marker_ms = ARGV[4], ARGV[5]
if redis.call('HGET', KEYS[2], ARGV[1]) ~= ARGV[2] then return 'fenced' end

local marker = KEYS[1] .. ' ' .. position
if marker_ms ~= '0' then
  local known = redis.call('GET', KEYS[3])
  if known == marker then return 'done' end
  if known then return 'seen' end
end

local at = 6
local documents = {}
for _ = 1, tonumber(ARGV[at]) do
  local key, version = ARGV[at + 1], ARGV[at + 2]
  if (redis.call('HGET', key, 'version') or '0') ~= version then return 'conflict' end
  documents[#documents + 1] = {key, version, ARGV[at + 3], ARGV[at + 4], ARGV[at + 5]}
  at = at + 5
end

for _, document in ipairs(documents) do
  local key, version, written, body, keep_ms = unpack(document)
  if written == '1' then
    redis.call('HSET', key, 'version', string.format('%.0f', version + 1), 'body', body)
    if keep_ms == '0' then redis.call('PERSIST', key) else redis.call('PEXPIRE', key, keep_ms) end
  end
end
at = at + 1
for _ = 1, tonumber(ARGV[at]) do
  local add = {'XADD', ARGV[at + 1]}
  if ARGV[at + 2] ~= '0' then add[3], add[4], add[5] = 'MAXLEN', '~', ARGV[at + 2] end
  add[#add + 1] = '*'
  local values = tonumber(ARGV[at + 3])
  for i = at + 4, at + 3 + values do add[#add + 1] = ARGV[i] end
  redis.call(unpack(add))
  at = at + 3 + values
end
if marker_ms ~= '0' then redis.call('SET', KEYS[3], marker, 'PX', marker_ms) end
redis.call('HDEL', KEYS[4], KEYS[1] .. '|' .. position .. '|' .. ARGV[3])
redis.call('XACK', KEYS[1], ARGV[3], position)
return 'done'
