"""The atomic steps by which surveys and sessions begin and end, as scripts of the store."""

from __future__ import annotations

from services.common.store.journal import ANSWERED, COUNTED

# Creates a survey if its organisation lists it by this mark. KEYS: journal, its length, mark, request. ARGV:
# the mark, entry, answer, seconds to keep it. Returns the answer, 0 if the survey exists, 1 if it has
# another mark by now.
CREATE_SURVEY = (
    ANSWERED
    + COUNTED
    + """
local first = answered(KEYS[4], digest(KEYS[1]))
if first then return first end
if exists(KEYS[1], KEYS[2]) then return 0 end
if redis.call('GET', KEYS[3]) ~= ARGV[1] then return 1 end
redis.call('PERSIST', KEYS[3])
redis.call('RPUSH', KEYS[1], ARGV[2])
count(KEYS[1], KEYS[2])
redis.call('SET', KEYS[4], digest(KEYS[1]) .. ARGV[3], 'EX', ARGV[4])
return ARGV[3]
"""
)
# Whether the set KEYS[i] has exactly the members ARGV[j] and following; another kind of value has none.
SAME_MEMBERS = """
local function same_members(set, from)
  if redis.call('TYPE', set)['ok'] ~= 'set' then return #ARGV < from end
  if redis.call('SCARD', set) ~= #ARGV - from + 1 then return false end
  for i = from, #ARGV do
    if redis.call('SISMEMBER', set, ARGV[i]) == 0 then return false end
  end
  return true
end
"""
# A repeat of the request deletes nothing, also if the survey was created again. KEYS: request, list of the
# sessions, journal, its length, all other keys to delete. ARGV: answer, seconds to keep it, the sessions
# whose keys are among them. Returns the answer, 0 if there is no survey, 1 if it has other sessions by now.
DELETE_SURVEY = (
    SAME_MEMBERS
    + """
local kept = redis.call('GET', KEYS[1])
if kept then return kept end
if redis.call('EXISTS', KEYS[3], KEYS[4]) == 0 then return 0 end
if not same_members(KEYS[2], 3) then return 1 end
for i = 2, #KEYS do redis.call('UNLINK', KEYS[i]) end
redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2])
return ARGV[1]
"""
)
# KEYS: list of the sessions of a survey. Returns their ids; another kind of value has none.
LISTED_SESSIONS = """
if redis.call('TYPE', KEYS[1])['ok'] ~= 'set' then return {} end
return redis.call('SMEMBERS', KEYS[1])
"""
# KEYS: the survey's journal, the session's journal, its length, list of sessions, request. ARGV: generation
# of the survey, entry, answer, session id, seconds to keep the answer. Returns the answer, 1 if the session
# exists, 0 if the survey's generation is another.
CREATE_SESSION = (
    ANSWERED
    + COUNTED
    + """
if digest(KEYS[1]) ~= ARGV[1] then return 0 end
local first = answered(KEYS[5], digest(KEYS[2]))
if first then return first end
if exists(KEYS[2], KEYS[3]) then return 1 end
redis.call('RPUSH', KEYS[2], ARGV[2])
count(KEYS[2], KEYS[3])
redis.call('SADD', KEYS[4], ARGV[4])
redis.call('SET', KEYS[5], digest(KEYS[2]) .. ARGV[3], 'EX', ARGV[5])
return ARGV[3]
"""
)
# Makes an upload the journal of a session. KEYS: the survey's journal, upload, the session's journal, its
# length, list of sessions. ARGV: generation of the survey, length of the upload, session id. Returns 1; 0 if
# the session has a journal, which may be this upload; -1 if the store lost the upload; -2 if the survey's
# generation is another.
OPEN_SESSION = (
    ANSWERED
    + COUNTED
    + """
if digest(KEYS[1]) ~= ARGV[1] then return -2 end
if exists(KEYS[3], KEYS[4]) then return 0 end
if redis.call('LLEN', KEYS[2]) ~= tonumber(ARGV[2]) then return -1 end
redis.call('RENAME', KEYS[2], KEYS[3])
redis.call('PERSIST', KEYS[3])
count(KEYS[3], KEYS[4])
redis.call('SADD', KEYS[5], ARGV[3])
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
# Makes all uploads of a restore the journals of a survey that has this mark and does not exist, or nothing.
# KEYS: mark, list of sessions, uploaded local features and those of the survey, then upload, journal and
# length of each journal, the survey's own first. ARGV: the mark, the number of local features, the lengths of
# the uploads, the ids of the sessions. Returns 1; 0 if the survey exists; -1 if an upload is lost; -2 if the
# survey has another mark.
OPEN_SURVEY = (
    COUNTED
    + """
local journals = (#KEYS - 4) / 3
local parts = tonumber(ARGV[2])
if exists(KEYS[6], KEYS[7]) then return 0 end
for i = 1, journals do
  if redis.call('LLEN', KEYS[2 + 3 * i]) ~= tonumber(ARGV[2 + i]) then return -1 end
end
if redis.call('HLEN', KEYS[3]) ~= parts then return -1 end
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return -2 end
redis.call('PERSIST', KEYS[1])
if parts > 0 then
  redis.call('RENAME', KEYS[3], KEYS[4])
  redis.call('PERSIST', KEYS[4])
end
for i = 1, journals do
  local upload, journal, length = KEYS[2 + 3 * i], KEYS[3 + 3 * i], KEYS[4 + 3 * i]
  redis.call('RENAME', upload, journal)
  redis.call('PERSIST', journal)
  count(journal, length)
  if i > 1 then redis.call('SADD', KEYS[2], ARGV[1 + journals + i]) end
end
return 1
"""
)
# KEYS: the survey's journal, its length, list of sessions. Returns whether the survey exists, and the ids.
SESSIONS = f"{COUNTED} return {{exists(KEYS[1], KEYS[2]) and 1 or 0, redis.call('SMEMBERS', KEYS[3])}}"
# KEYS: a journal, its length. Returns its generation; 1 if its entries are lost; nothing if there is none.
GENERATION = f"""
{ANSWERED}{COUNTED}
if redis.call('EXISTS', KEYS[1]) == 0 then return exists(KEYS[1], KEYS[2]) end
return digest(KEYS[1])
"""
