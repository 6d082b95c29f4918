-- ENTER  KEYS owner of a connection, connections of a gateway  ARGV connection, gateway, time to live in ms
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
redis.call('SADD', KEYS[2], ARGV[1])
redis.call('PEXPIRE', KEYS[2], ARGV[3])
