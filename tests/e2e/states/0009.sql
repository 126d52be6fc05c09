BEGIN TRANSACTION;
CREATE TABLE acknowledgements (
    dedup_key TEXT PRIMARY KEY,
    at BIGINT NOT NULL,
    acknowledgement TEXT NOT NULL
);
CREATE TABLE alerts (
    rule TEXT NOT NULL,
    labels TEXT NOT NULL,
    state TEXT NOT NULL,
    PRIMARY KEY (rule, labels)
);
INSERT INTO "alerts" VALUES('shop/FaultLevel','[]','{"active_at":"2026-11-28T01:28:21+00:00","asks":"08c9432e7e8817c7","blind_since":null,"episode":1,"facts":[["value","10"],["threshold","> 5"]],"fired_at":"2026-11-28T01:28:21+00:00","held":0,"phase":"firing","reason":"10 > 5","resolved_at":null,"stepped_at":"2026-11-28T01:28:23+00:00","timing":{"for_":{"milliseconds":0},"keep_firing_for":{"milliseconds":0}},"value":10.0}');
INSERT INTO "alerts" VALUES('shop/Warm','[]','{"active_at":"2026-11-28T01:28:21+00:00","asks":"08c9432e7e8817c7","blind_since":null,"episode":0,"facts":[["value","10"],["threshold","> 5"],["for","1h"]],"fired_at":null,"held":2000000,"phase":"pending","reason":"10 > 5","resolved_at":null,"stepped_at":"2026-11-28T01:28:23+00:00","timing":{"for_":{"milliseconds":3600000},"keep_firing_for":{"milliseconds":0}},"value":10.0}');
CREATE TABLE conversations (
    channel TEXT NOT NULL,
    route TEXT NOT NULL,
    labels TEXT NOT NULL,
    state TEXT NOT NULL,
    PRIMARY KEY (channel, route, labels)
);
INSERT INTO "conversations" VALUES('email','*','[["service","shop"]]','{"echoes":[],"episodes":[{"alert":{"labels":[],"rule":"shop/FaultLevel"},"announced":true,"seen_at":"2026-11-28T01:28:21+00:00","taken":false,"text":{"dedup_key":"23b8a0e011a40dd317c2693626cca0efc7f65817","description":"","facts":[["value","10"],["threshold","> 5"]],"labels":[["alertname","FaultLevel"],["ref","shop/FaultLevel"],["service","shop"],["severity","critical"]],"links":[],"reason":"10 > 5","resolved_at":null,"runbook":"https://runbooks.example/shop","service":"shop","severity":"critical","started_at":"2026-11-28T01:28:21+00:00","summary":"The level is too high","title":"FaultLevel on shop"},"told_at":"2026-11-28T01:28:21+00:00"}],"opened_at":"2026-11-28T01:28:21+00:00","said":1,"sent_at":"2026-11-28T01:28:21+00:00"}');
INSERT INTO "conversations" VALUES('pagerduty','*','[["service","shop"]]','{"echoes":[],"episodes":[{"alert":{"labels":[],"rule":"shop/FaultLevel"},"announced":true,"seen_at":"2026-11-28T01:28:21+00:00","taken":false,"text":{"dedup_key":"23b8a0e011a40dd317c2693626cca0efc7f65817","description":"","facts":[["value","10"],["threshold","> 5"]],"labels":[["alertname","FaultLevel"],["ref","shop/FaultLevel"],["service","shop"],["severity","critical"]],"links":[],"reason":"10 > 5","resolved_at":null,"runbook":"https://runbooks.example/shop","service":"shop","severity":"critical","started_at":"2026-11-28T01:28:21+00:00","summary":"The level is too high","title":"FaultLevel on shop"},"told_at":"2026-11-28T01:28:21+00:00"}],"opened_at":"2026-11-28T01:28:21+00:00","said":1,"sent_at":"2026-11-28T01:28:21+00:00"}');
INSERT INTO "conversations" VALUES('slack','*','[["service","shop"]]','{"echoes":[],"episodes":[{"alert":{"labels":[],"rule":"shop/FaultLevel"},"announced":true,"seen_at":"2026-11-28T01:28:21+00:00","taken":false,"text":{"dedup_key":"23b8a0e011a40dd317c2693626cca0efc7f65817","description":"","facts":[["value","10"],["threshold","> 5"]],"labels":[["alertname","FaultLevel"],["ref","shop/FaultLevel"],["service","shop"],["severity","critical"]],"links":[],"reason":"10 > 5","resolved_at":null,"runbook":"https://runbooks.example/shop","service":"shop","severity":"critical","started_at":"2026-11-28T01:28:21+00:00","summary":"The level is too high","title":"FaultLevel on shop"},"told_at":"2026-11-28T01:28:21+00:00"}],"opened_at":"2026-11-28T01:28:21+00:00","said":1,"sent_at":"2026-11-28T01:28:21+00:00"}');
CREATE TABLE episodes (
    dedup_key TEXT PRIMARY KEY,
    service TEXT NOT NULL,
    severity TEXT NOT NULL,
    started_at BIGINT NOT NULL,
    fired_at BIGINT,
    resolved_at BIGINT,
    seen TEXT NOT NULL
);
INSERT INTO "episodes" VALUES('23b8a0e011a40dd317c2693626cca0efc7f65817','shop','critical',1795829301000000,1795829301000000,NULL,'{"acknowledged":null,"blind_since":null,"dedup_key":"23b8a0e011a40dd317c2693626cca0efc7f65817","description":"","facts":[["value","10"],["threshold","> 5"]],"fired_at":"2026-11-28T01:28:21+00:00","identity":{"labels":[],"rule":"shop/FaultLevel"},"labels":[["alertname","FaultLevel"],["ref","shop/FaultLevel"],["service","shop"],["severity","critical"]],"muted":[],"notify":["email","slack","pagerduty"],"phase":"firing","reason":"10 > 5","resolved_at":null,"runbook":"https://runbooks.example/shop","service":"shop","severity":"critical","started_at":"2026-11-28T01:28:21+00:00","summary":"The level is too high","title":"FaultLevel on shop"}');
CREATE TABLE evaluator (
    id BIGINT PRIMARY KEY,
    committed_at BIGINT,
    pruned_at BIGINT,
    last_outbox_id BIGINT NOT NULL
);
INSERT INTO "evaluator" VALUES(1,1795829303000000,1795829299000000,3);
CREATE TABLE exclusions (
    sla TEXT NOT NULL,
    period_start BIGINT NOT NULL,
    starts_at BIGINT NOT NULL,
    ends_at BIGINT NOT NULL,
    treat TEXT NOT NULL,
    reason TEXT NOT NULL,
    removed BIGINT NOT NULL,
    forgiven BIGINT NOT NULL,
    spared BIGINT NOT NULL,
    first_at BIGINT NOT NULL,
    last_at BIGINT NOT NULL,
    withdrawn_at BIGINT,
    PRIMARY KEY (sla, period_start, starts_at, ends_at, treat, reason)
);
CREATE TABLE leases (
    name TEXT PRIMARY KEY,
    holder TEXT NOT NULL,
    token BIGINT NOT NULL,
    until BIGINT NOT NULL
);
INSERT INTO "leases" VALUES('evaluator','host:1819:106a04',1,1795829299739851);
CREATE TABLE ledger (
    ref TEXT NOT NULL,
    day BIGINT NOT NULL,
    version BIGINT NOT NULL,
    step BIGINT NOT NULL,
    written_at BIGINT NOT NULL,
    superseded_at BIGINT,
    chunk BYTEA NOT NULL,
    PRIMARY KEY (ref, day, version)
);
INSERT INTO "ledger" VALUES('shop/uptime',20785,1,60,1795829299821805,NULL,X'02789CB361008105ACD8C9A108B0FB050088360565');
INSERT INTO "ledger" VALUES('shop/uptime',20784,1,60,1795829300090297,NULL,X'02789CB361008105ACD8C9A108B0FB050088360565');
CREATE TABLE outbox (
    id BIGINT PRIMARY KEY,
    channel TEXT NOT NULL,
    dedup_key TEXT NOT NULL,
    seq BIGINT NOT NULL,
    action TEXT NOT NULL,
    urgency BIGINT NOT NULL,
    message TEXT NOT NULL,
    status TEXT NOT NULL,
    first_due BIGINT NOT NULL,
    next_at BIGINT NOT NULL,
    leased_until BIGINT,
    token BIGINT NOT NULL,
    attempts BIGINT NOT NULL,
    unknowns BIGINT NOT NULL,
    settled_at BIGINT,
    detail TEXT NOT NULL, turn BIGINT NOT NULL DEFAULT 0, receipt TEXT NOT NULL DEFAULT '', fell_to TEXT, fell_alone BIGINT NOT NULL DEFAULT 0,
    UNIQUE (channel, dedup_key, seq)
);
INSERT INTO "outbox" VALUES(1,'email','a17a6fa204034bca6c825d600b6b76c6fc6b69fc',0,'fire',0,'{"action":"fire","alerts":[{"dedup_key":"23b8a0e011a40dd317c2693626cca0efc7f65817","description":"","facts":[["value","10"],["threshold","> 5"]],"labels":[["alertname","FaultLevel"],["ref","shop/FaultLevel"],["service","shop"],["severity","critical"]],"links":[],"reason":"10 > 5","resolved_at":null,"runbook":"https://runbooks.example/shop","service":"shop","severity":"critical","started_at":"2026-11-28T01:28:21+00:00","summary":"The level is too high","title":"FaultLevel on shop"}],"channel":"email","dedup_key":"a17a6fa204034bca6c825d600b6b76c6fc6b69fc","evaluated_at":"2026-11-28T01:28:21+00:00","group":[["service","shop"]],"notes":[],"receipt":"","seq":0}','sent',1795829301000000,0,NULL,1,1,0,1795829301208781,'',0,'FaultLevel on shop (critical)',NULL,0);
INSERT INTO "outbox" VALUES(2,'pagerduty','23b8a0e011a40dd317c2693626cca0efc7f65817',0,'fire',0,'{"action":"fire","alerts":[{"dedup_key":"23b8a0e011a40dd317c2693626cca0efc7f65817","description":"","facts":[["value","10"],["threshold","> 5"]],"labels":[["alertname","FaultLevel"],["ref","shop/FaultLevel"],["service","shop"],["severity","critical"]],"links":[],"reason":"10 > 5","resolved_at":null,"runbook":"https://runbooks.example/shop","service":"shop","severity":"critical","started_at":"2026-11-28T01:28:21+00:00","summary":"The level is too high","title":"FaultLevel on shop"}],"channel":"pagerduty","dedup_key":"23b8a0e011a40dd317c2693626cca0efc7f65817","evaluated_at":"2026-11-28T01:28:21+00:00","group":[["service","shop"]],"notes":[],"receipt":"","seq":0}','sent',1795829301000000,0,NULL,1,1,0,1795829301075909,'',0,'',NULL,0);
INSERT INTO "outbox" VALUES(3,'slack','6e5bc9891274171e155b08af284cebe471cd71db',0,'fire',0,'{"action":"fire","alerts":[{"dedup_key":"23b8a0e011a40dd317c2693626cca0efc7f65817","description":"","facts":[["value","10"],["threshold","> 5"]],"labels":[["alertname","FaultLevel"],["ref","shop/FaultLevel"],["service","shop"],["severity","critical"]],"links":[],"reason":"10 > 5","resolved_at":null,"runbook":"https://runbooks.example/shop","service":"shop","severity":"critical","started_at":"2026-11-28T01:28:21+00:00","summary":"The level is too high","title":"FaultLevel on shop"}],"channel":"slack","dedup_key":"6e5bc9891274171e155b08af284cebe471cd71db","evaluated_at":"2026-11-28T01:28:21+00:00","group":[["service","shop"]],"notes":[],"receipt":"","seq":0}','pending',1795829301000000,0,1795829361031082,1,1,0,NULL,'',0,'',NULL,0);
CREATE TABLE received (
    fingerprint TEXT PRIMARY KEY,
    ends_at BIGINT NOT NULL,
    claim TEXT NOT NULL
);
CREATE TABLE schema_migrations (
	version BIGINT NOT NULL, 
	name TEXT NOT NULL, 
	applied_at BIGINT NOT NULL, 
	PRIMARY KEY (version)
);
INSERT INTO "schema_migrations" VALUES(1,'0001_memory.sql',1795829299629027);
INSERT INTO "schema_migrations" VALUES(2,'0002_turns.sql',1795829299629027);
INSERT INTO "schema_migrations" VALUES(3,'0003_ledger.sql',1795829299629027);
INSERT INTO "schema_migrations" VALUES(4,'0004_exclusions.sql',1795829299629027);
INSERT INTO "schema_migrations" VALUES(5,'0005_silences.sql',1795829299629027);
INSERT INTO "schema_migrations" VALUES(6,'0006_received.sql',1795829299629027);
INSERT INTO "schema_migrations" VALUES(7,'0007_receipts.sql',1795829299629027);
INSERT INTO "schema_migrations" VALUES(8,'0008_acknowledgements.sql',1795829299629027);
INSERT INTO "schema_migrations" VALUES(9,'0009_leases.sql',1795829299629027);
CREATE TABLE silences (
    id TEXT PRIMARY KEY,
    ends_at BIGINT NOT NULL,
    silence TEXT NOT NULL
);
CREATE INDEX episodes_by_start ON episodes (started_at);
CREATE INDEX episodes_by_end ON episodes (resolved_at);
CREATE INDEX outbox_settled ON outbox (settled_at);
CREATE INDEX outbox_due ON outbox (channel, status, urgency, turn, next_at, id);
CREATE INDEX ledger_by_day ON ledger (day);
COMMIT;
