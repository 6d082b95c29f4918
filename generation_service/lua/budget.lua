-- The account of a key for one month. KEYS[1] is a hash: `spent`, `held`, and for each answer that was paid lately, or
-- is being written, `<epoch> <held> <charged>`; KEYS[2] a sorted set of those answers by when they are forgotten, in ms.
-- All amounts in millionths of a US dollar.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

local function whole(number) return string.format('%.0f', number) end

local function amount(field) return tonumber(redis.call('HGET', KEYS[1], field) or '0') end

local function set(field, number) redis.call('HSET', KEYS[1], field, whole(math.max(number, 0))) end

-- What is known of an answer: its epoch, what is held for it, what it was charged; an epoch of 0 for nothing.
local function entry_of(answer)
  local entry = redis.call('HGET', KEYS[1], answer) or '0 0 0'
  local epoch, held, charged = string.match(entry, '^(%d+) (%d+) (%d+)$')
  return {epoch = tonumber(epoch), held = tonumber(held), charged = tonumber(charged)}
end

local function keep(answer, epoch, held, charged, hold, life)
  redis.call('HSET', KEYS[1], answer, whole(epoch) .. ' ' .. whole(held) .. ' ' .. whole(charged))
  redis.call('ZADD', KEYS[2], whole(now + hold), answer)
  redis.call('PEXPIRE', KEYS[1], life)
  redis.call('PEXPIRE', KEYS[2], life)
end

-- Reservations whose attempt died and had no successor are given back; what was charged stays charged.
local function forget_old()
  for _, answer in ipairs(redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', whole(now), 'LIMIT', 0, 1000)) do
    set('held', amount('held') - entry_of(answer).held)
    redis.call('HDEL', KEYS[1], answer)
    redis.call('ZREM', KEYS[2], answer)
  end
end
