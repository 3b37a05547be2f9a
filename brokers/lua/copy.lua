-- Sends a dead letter again as a new entry, and takes its copies off the dead-letter queue.
--
-- KEYS: marker, target stream, then the queue of each copy
-- ARGV: attempt, consumer, number of copies, their positions,
--       number of fields to set, name and value of each, then the names to remove
--
-- The fields come from the first copy that is left, byte for byte and in order, less what the
-- dead-lettering added. Lua does not roll back: everything that can fail comes before XADD, and
-- the marker is written last.
local FRAMEWORK = {
  ['dead-letter-consumer'] = true, ['dead-letter-stream'] = true,
  ['dead-letter-position'] = true, ['dead-letter-attempts'] = true,
  ['dead-letter-reason'] = true, ['dead-letter-time'] = true,
  ['dead-letter-process'] = true, ['dead-letter-release'] = true,
  ['dead-letter-error-type'] = true, ['dead-letter-error-message'] = true,
  ['dead-letter-error-stack'] = true, ['cascadeattempt'] = true, ['cascadetarget'] = true,
}
local marker, target = KEYS[1], KEYS[2]
local attempt, consumer, copies = ARGV[1], ARGV[2], tonumber(ARGV[3])

local done = redis.call('HMGET', marker, 'stream', 'position')
if done[1] == '' then return {'refused', 'withdrawn'} end
if done[1] then return {'again', done[1], done[2]} end
local kind = redis.call('TYPE', target).ok
if kind ~= 'stream' and kind ~= 'none' then return {'refused', target .. ' is no stream'} end

local original
for copy = 1, copies do
  local position = ARGV[3 + copy]
  local found = redis.call('XRANGE', KEYS[2 + copy], position, position)
  if found[1] and not original then original = found[1][2] end
end
if copies > 0 and not original then return {'gone'} end
original = original or {}

local at = 4 + copies
local set, order, removed = {}, {}, {}
for _ = 1, tonumber(ARGV[at]) do
  local name = ARGV[at + 1]
  set[name] = ARGV[at + 2]
  order[#order + 1] = name
  at = at + 2
end
for index = at + 1, #ARGV do removed[ARGV[index]] = true end

local fields = {}
for index = 1, #original, 2 do
  local name, value = original[index], original[index + 1]
  if not (FRAMEWORK[name] or removed[name]) then
    fields[#fields + 1] = name
    fields[#fields + 1] = set[name] or value
    set[name] = nil
  end
end
for _, name in ipairs(order) do
  if set[name] then
    fields[#fields + 1] = name
    fields[#fields + 1] = set[name]
  end
end
if #fields > 7000 then return {'refused', 'more than 3,500 fields'} end

local position = redis.call('XADD', target, '*',
  'cascadeattempt', attempt, 'cascadetarget', consumer, unpack(fields))
for copy = 1, copies do redis.call('XDEL', KEYS[2 + copy], ARGV[3 + copy]) end
redis.call('HSET', marker, 'stream', target, 'position', position)
return {'sent', target, position}
