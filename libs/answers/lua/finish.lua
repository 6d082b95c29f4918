-- The writer's end: its last frames, the close frame and the hop, in one step.
--   KEYS[3] log; step arguments: epoch, seq of the first frame, channel, close frame, status, number of frames, frames
--   → ok | gone | lost (no log) | refused, the top's id, its status, after a cancel what was shown
local top = top_of(KEYS[3])
if not top then return {'lost'} end
local epoch, seq, channel = step_arg(1), tonumber(step_arg(2)), step_arg(3)
if top.id ~= epoch .. '-' .. string.format('%d', seq - 1) then return refusal(KEYS[3], top) end
if not finish_entry() then return {'gone'} end
for i = 0, tonumber(step_arg(6)) - 1 do
  put(KEYS[3], channel, epoch .. '-' .. string.format('%d', seq + i), step_arg(7 + i))
end
put(KEYS[3], channel, epoch .. '-' .. CLOSE, step_arg(4), step_arg(5))
return {'ok'}
