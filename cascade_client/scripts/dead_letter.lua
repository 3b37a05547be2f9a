-- Copy an entry to the dead-letter queue as it is (order, repeats and bytes of its fields), with
-- the stamps after them, and acknowledge it. Everything is checked before anything is written.
-- KEYS: stream, fences, dead-letter stream, receipts, replays.
-- ARGV: field of the fence, token, consumer, position, receipts' longest length,
--   number of values of the stamps, field, value, ..., then the receipt's field, value, ...
local stream, consumer, position = KEYS[1], ARGV[3], ARGV[4]
if redis.call('HGET', KEYS[2], ARGV[1]) ~= ARGV[2] then return {'fenced'} end
if #redis.call('XPENDING', stream, consumer, position, position, 1) == 0 then return {'gone'} end
local entry = redis.call('XRANGE', stream, position, position)[1]
if not entry then return {'gone'} end

local letter = {'XADD', KEYS[3], '*'}
for _, value in ipairs(entry[2]) do letter[#letter + 1] = value end
local stamps = tonumber(ARGV[6])
for i = 7, 6 + stamps do letter[#letter + 1] = ARGV[i] end
local receipt = {'XADD', KEYS[4], 'MAXLEN', '~', ARGV[5], '*'}
for i = 7 + stamps, #ARGV do receipt[#receipt + 1] = ARGV[i] end

local dead_position = redis.call(unpack(letter))
redis.call(unpack(receipt))
redis.call('HDEL', KEYS[5], stream .. '|' .. position .. '|' .. consumer)
redis.call('XACK', stream, consumer, position)
return {'done', dead_position}
