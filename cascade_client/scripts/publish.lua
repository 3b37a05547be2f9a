-- Publish once: the same event again answers where it already is.
-- KEYS: stream, marker. ARGV: marker's ms, longest length or 0, field, value, ...
local known = redis.call('GET', KEYS[2])
if known then return known end
local add = {'XADD', KEYS[1]}
if ARGV[2] ~= '0' then
  add[3], add[4], add[5] = 'MAXLEN', '~', ARGV[2]
end
add[#add + 1] = '*'
for i = 3, #ARGV do add[#add + 1] = ARGV[i] end
local position = redis.call(unpack(add))
redis.call('SET', KEYS[2], position, 'PX', ARGV[1])
return position
