-- Appends frames on top of the writer's own last one; without frames it only looks where the log stands.
--   KEYS[1] log; ARGV[1] epoch, ARGV[2] seq of the first frame, ARGV[3] channel, then the frames
--   → ok | lost (no log) | refused, the top's id, its status, after a cancel what was shown
local top = top_of(KEYS[1])
if not top then return {'lost'} end
local seq = tonumber(ARGV[2])
if top.id ~= ARGV[1] .. '-' .. string.format('%d', seq - 1) then return refusal(KEYS[1], top) end
for i = 4, #ARGV do
  put(KEYS[1], ARGV[3], ARGV[1] .. '-' .. string.format('%d', seq + i - 4), ARGV[i])
end
return {'ok'}
