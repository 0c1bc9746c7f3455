"""The atomic steps by which surveys and sessions begin and end, as scripts of the store."""

from __future__ import annotations

from services.common.store.journal import ANSWERED, COUNTED

# KEYS: journal, list of the organisation, request. ARGV: entry, answer, survey id, largest number of surveys
# or 0, seconds to keep the answer. Returns the answer, 0 if the survey exists, or the refused number of them.
CREATE_SURVEY = (
    ANSWERED
    + COUNTED
    + """
local begins = digest(KEYS[1])
local first = answered(KEYS[3], begins)
if first then return first end
if exists(KEYS[1]) then return 0 end
local most, listed = tonumber(ARGV[4]), redis.call('SCARD', KEYS[2])
if most > 0 and listed >= most then return listed + 1 end
redis.call('RPUSH', KEYS[1], ARGV[1])
count(KEYS[1])
redis.call('SADD', KEYS[2], ARGV[3])
redis.call('SET', KEYS[3], digest(KEYS[1]) .. ARGV[2], 'EX', ARGV[5])
return ARGV[2]
"""
)
# A repeat of the request deletes nothing, also if the survey was created again. KEYS: request, journal, list
# of the organisation, length of the journal, list of the sessions, other keys to delete. ARGV: survey id,
# answer, seconds to keep it, prefix and endings of the keys of a session. Returns the answer, or 0 if there
# is no survey.
DELETE_SURVEY = """
local kept = redis.call('GET', KEYS[1])
if kept then return kept end
if redis.call('UNLINK', KEYS[2], KEYS[4]) == 0 then return 0 end
redis.call('SREM', KEYS[3], ARGV[1])
local listed = redis.call('TYPE', KEYS[5])['ok'] == 'set' and redis.call('SMEMBERS', KEYS[5]) or {}
for _, session in ipairs(listed) do
  for i = 5, #ARGV do redis.call('UNLINK', ARGV[4] .. session .. ARGV[i]) end
end
for i = 5, #KEYS do redis.call('UNLINK', KEYS[i]) end
redis.call('SET', KEYS[1], ARGV[2], 'EX', ARGV[3])
return ARGV[2]
"""
# KEYS: the survey's journal, the session's journal, list of sessions, request. ARGV: generation of the
# survey, entry, answer, session id, seconds to keep the answer. Returns the answer, 1 if the session exists,
# 0 if the survey's generation is another.
CREATE_SESSION = (
    ANSWERED
    + COUNTED
    + """
if digest(KEYS[1]) ~= ARGV[1] then return 0 end
local first = answered(KEYS[4], digest(KEYS[2]))
if first then return first end
if exists(KEYS[2]) then return 1 end
redis.call('RPUSH', KEYS[2], ARGV[2])
count(KEYS[2])
redis.call('SADD', KEYS[3], ARGV[4])
redis.call('SET', KEYS[4], digest(KEYS[2]) .. ARGV[3], 'EX', ARGV[5])
return ARGV[3]
"""
)
# Makes an upload the journal of a session. KEYS: the survey's journal, upload, the session's journal, list of
# sessions. ARGV: generation of the survey, length of the upload, session id. Returns 1; 0 if the session has
# a journal, which may be this upload; -1 if the store lost the upload; -2 if the survey's generation is
# another.
OPEN_SESSION = (
    ANSWERED
    + COUNTED
    + """
if digest(KEYS[1]) ~= ARGV[1] then return -2 end
if exists(KEYS[3]) then return 0 end
if redis.call('LLEN', KEYS[2]) ~= tonumber(ARGV[2]) then return -1 end
redis.call('RENAME', KEYS[2], KEYS[3])
redis.call('PERSIST', KEYS[3])
count(KEYS[3])
redis.call('SADD', KEYS[4], ARGV[3])
return 1
"""
)
# A repeat of the request deletes nothing while the survey has the same generation. KEYS: the survey's
# journal, request, the session's journal, its length, its leases, list of sessions. ARGV: session id, answer,
# seconds to keep it. Returns the answer, or 0 if there is no session.
DELETE_SESSION = (
    ANSWERED
    + """
local begins = digest(KEYS[1])
local first = answered(KEYS[2], begins)
if first then return first end
if redis.call('DEL', KEYS[3], KEYS[4]) == 0 then return 0 end
redis.call('DEL', KEYS[5])
redis.call('SREM', KEYS[6], ARGV[1])
redis.call('SET', KEYS[2], begins .. ARGV[2], 'EX', ARGV[3])
return ARGV[2]
"""
)
# Makes all uploads of a restore the journals of a survey, or nothing if the survey exists. KEYS: list of the
# organisation, list of sessions, the uploads, the journals, the survey's own first, uploaded local features
# and those of the survey; ARGV: survey id, the lengths of the uploads, the ids of the sessions, the number of
# local features. Returns 1; 0 if the survey exists; -1 if an upload is lost.
OPEN_SURVEY = (
    COUNTED
    + """
local journals = (#KEYS - 4) / 2
local parts = tonumber(ARGV[#ARGV])
if exists(KEYS[3 + journals]) then return 0 end
for i = 1, journals do
  if redis.call('LLEN', KEYS[2 + i]) ~= tonumber(ARGV[1 + i]) then return -1 end
end
if redis.call('HLEN', KEYS[#KEYS - 1]) ~= parts then return -1 end
if parts > 0 then
  redis.call('RENAME', KEYS[#KEYS - 1], KEYS[#KEYS])
  redis.call('PERSIST', KEYS[#KEYS])
end
for i = 1, journals do
  redis.call('RENAME', KEYS[2 + i], KEYS[2 + journals + i])
  redis.call('PERSIST', KEYS[2 + journals + i])
  count(KEYS[2 + journals + i])
  if i > 1 then redis.call('SADD', KEYS[2], ARGV[journals + i]) end
end
redis.call('SADD', KEYS[1], ARGV[1])
return 1
"""
)
# KEYS: the survey's journal, list of sessions. Returns whether the survey exists, and the ids.
SESSIONS = f"{COUNTED} return {{exists(KEYS[1]) and 1 or 0, redis.call('SMEMBERS', KEYS[2])}}"
# KEYS: a journal. Returns its generation; 1 if its entries are lost; nothing if there is none.
GENERATION = f"""
{ANSWERED}{COUNTED}
if redis.call('EXISTS', KEYS[1]) == 0 then return exists(KEYS[1]) end
return digest(KEYS[1])
"""
