"""What random tables are made of: names, types, roles, words."""

# Quoting, keywords, the names that the new tables and queries use themselves.
NAMES = [
    "id", "who", "user", "select", "order by", 'quo"ted', "it's", "naïve",
    "camelCase", "s", "t", "m", "f", "q", "h", "c", "key_1", "conversation_id",
    "position", "content", "created_at", "metadata", "title", "role", "$1",
    "message_ids", "back\\slash", "%s", "x" * 63, "😀", "part", "time", "owner",
    "updated_at", "model", "tokens", "media_id", "description", "a.b", " ",
    "is_active", "conversation", "known", "keys", "fingerprint", "{owner}",
]

TABLES = ["chat_messages", "Chat Messages", 'the "old" one', "it's", "select",
          "s", "conversation", "t", "back\\slash", "😀", "y" * 50]

ZONES = ["UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata",
         "Australia/Lord_Howe"]

GAPS = {"1 microsecond": 1, "1 second": 10**6, "30 minutes": 1800 * 10**6,
        "1 hour": 3600 * 10**6, "1 day": 86400 * 10**6,
        "1 month": 30 * 86400 * 10**6}

KEY_TYPES = ["int", "bigint", "smallint", "uuid", "text", "varchar(40)",
             "numeric", "date"]
OWNER_TYPES = ["int", "bigint", "uuid", "text", "varchar(20)", "numeric",
               "date", "bool", "float8"]
TIME_TYPES = ["timestamp", "timestamp(3)", "timestamptz", "date", "int",
              "bigint", "float8", "numeric", "text", "varchar(60)"]
KEPT_TYPES = ["text", "int", "numeric", "bool", "jsonb", "timestamptz", "date",
              "uuid", "text[]"]

KNOWN_ROLES = ["user", "human", "customer", "client", "visitor", "guest",
               "assistant", "ai", "bot", "machine", "agent", "model", "chatbot",
               "system", "developer", "tool", "function", "apiMessage",
               "userMessage"]
OWN_ROLES = {"lyra": "assistant", "Me": "user", "agent": "user", "": "system",
             "it's \"x\" \\": "tool", "северная": "assistant"}

TEXTS = [
    "Hello", "Hi!", "How are you?", "no", " ", "\n", "\t\r\n ", "it's \"x\"",
    "back\\slash \\N \\.", "\\.", "line one\nline two", "\r\nafter", "😀" * 3,
    "𝄞 and \U0010fffd", "{owner} {\"a\": 1}", "a,b;c|d", "NULL", "null",
    "$1 %s :x :'x' :\"x\"", "trailing  ", "  leading", "\x01\x7f", "é e\u0301",
    "\u2028\u00a0", "-- comment", "\x0bv\x0c", "<b>&amp;</b>",
]

JSONS = [
    {}, {"a": 1}, {"a": "1"}, {"a": None}, {"deep": {"er": [1, 2.50, None]}},
    {"é": "😀", "q\"": "\\"}, [], [1, "x"], "text", 17.25, None, True,
    {"role": "x", "content": "y"}, {"kept_1": "mine"}, {"spoken_by": 5},
    {"chatmig_time_missing": "mine"}, {"meta": 1},
]


class Column:
    def __init__(self, name, type_, collation=""):
        self.name = name
        self.type = type_
        self.collation = collation
