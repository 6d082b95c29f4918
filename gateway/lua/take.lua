-- TAKE  KEYS what a key has used  ARGV requests a second, burst, quota (0: none), its period, 1 to take or 0 to look
-- → 1 if it was taken or could be, tokens left, requests of the period, when that ends, the time; times in seconds
local rate, burst, quota, period, take = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4], ARGV[5]
local time = redis.call('TIME')
local now = tonumber(time[1]) + tonumber(time[2]) / 1000000
local DAY = 86400

-- The first day of a day's month, both counted from 1970: the civil calendar of Howard Hinnant's chrono algorithms.
local function first_of_month(day)
  local shifted = day + 719468
  local era = math.floor(shifted / 146097)
  local of_era = shifted - era * 146097
  local year = math.floor(
    (of_era - math.floor(of_era / 1460) + math.floor(of_era / 36524) - math.floor(of_era / 146096)) / 365)
  local of_year = of_era - (365 * year + math.floor(year / 4) - math.floor(year / 100))
  local month = math.floor((5 * of_year + 2) / 153)
  return day - (of_year - math.floor((153 * month + 2) / 5))
end

local today = math.floor(now / DAY)
local first, after
if period == 'day' then
  first, after = today, today + 1
elseif period == 'week' then
  first = today - (today + 3) % 7  -- 1 January 1970 was a Thursday
  after = first + 7
else
  first = first_of_month(today)
  after = first_of_month(first + 31)
end

local kept = redis.call('HMGET', KEYS[1], 'tokens', 'at', 'first', 'used')
local tokens, at = tonumber(kept[1]) or burst, tonumber(kept[2]) or now
-- Another server may have taken over, whose clock is behind.
tokens = math.min(burst, tokens + math.max(0, now - at) * rate)
local used = tonumber(kept[3]) == first and tonumber(kept[4]) or 0

local allowed = tokens >= 1 and (quota == 0 or used < quota)
if allowed and take == '1' then
  tokens, used = tokens - 1, used + 1
  redis.call('HSET', KEYS[1], 'tokens', string.format('%.17g', tokens), 'at', string.format('%.6f', now),
    'first', first, 'used', used)
  redis.call('EXPIREAT', KEYS[1], math.ceil(math.max(after * DAY, now + burst / rate)) + 1)
end
return {allowed and 1 or 0, string.format('%.17g', tokens), used, after * DAY, string.format('%.6f', now)}
