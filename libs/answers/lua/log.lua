-- The answer log: a stream with ids <epoch>-<seq>. An attempt has one epoch; seq 0 opens it. Two ids are reserved:
-- <epoch>-CLOSE (nothing more will be written) and <epoch>-END (the answer is stored).
local CLOSE, END = '18446744073709551614', '18446744073709551615'

local function field(fields, name)
  for i = 1, #fields, 2 do
    if fields[i] == name then return fields[i + 1] end
  end
end

-- The last entry of a log, or nil.
local function top_of(log)
  local last = redis.call('XREVRANGE', log, '+', '-', 'COUNT', 1)[1]
  if not last then return nil end
  local epoch, seq = string.match(last[1], '^(%d+)-(%d+)$')
  return {id = last[1], epoch = epoch, seq = seq, frame = field(last[2], 'f'), status = field(last[2], 's')}
end

-- Whether no attempt may begin or go on: the answer is stored, or its user cancelled it.
local function is_final(top)
  return top and (top.seq == END or (top.seq == CLOSE and top.status == 'cancelled'))
end

-- The reply, and after a cancel also the frames that stand before its close: all that readers were shown.
local function with_shown(reply, log, top)
  if top.status ~= 'cancelled' then return reply end
  for _, entry in ipairs(redis.call('XRANGE', log, top.epoch .. '-0', '(' .. top.epoch .. '-' .. CLOSE)) do
    reply[#reply + 1] = field(entry[2], 'f')
  end
  return reply
end

-- What a writer is told whose frames do not follow on the top.
local function refusal(log, top)
  return with_shown({'refused', top.id, top.status or ''}, log, top)
end

-- A number no earlier attempt had, not even one that a restart of Redis has forgotten: epochs are times.
local function new_epoch(top)
  local time = redis.call('TIME')
  local epoch = time[1] * 1000 + math.floor(time[2] / 1000)
  if top and tonumber(top.epoch) >= epoch then epoch = tonumber(top.epoch) + 1 end
  return string.format('%.0f', epoch)
end

-- Appends and publishes in one step, so that no reader ever sees a frame that the log refused. Sharded: on a cluster
-- a frame goes to the subscribers of the log's own node, and to nobody else's.
local function put(log, channel, id, frame, status)
  if status then
    redis.call('XADD', log, id, 'f', frame, 's', status)
  else
    redis.call('XADD', log, id, 'f', frame)
  end
  redis.call('SPUBLISH', channel, id .. '|' .. frame)
end
