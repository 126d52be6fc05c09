BEGIN TRANSACTION;
CREATE TABLE alerts (
    rule TEXT NOT NULL,
    labels TEXT NOT NULL,
    state TEXT NOT NULL,
    PRIMARY KEY (rule, labels)
);
INSERT INTO "alerts" VALUES('shop/FaultLevel','[]','{"active_at":"2026-11-28T01:27:54+00:00","asks":"08c9432e7e8817c7","blind_since":null,"episode":1,"facts":[["value","10"],["threshold","> 5"]],"fired_at":"2026-11-28T01:27:54+00:00","held":0,"phase":"firing","reason":"10 > 5","resolved_at":null,"stepped_at":"2026-11-28T01:27:56+00:00","timing":{"for_":{"milliseconds":0},"keep_firing_for":{"milliseconds":0}},"value":10.0}');
INSERT INTO "alerts" VALUES('shop/Warm','[]','{"active_at":"2026-11-28T01:27:54+00:00","asks":"08c9432e7e8817c7","blind_since":null,"episode":0,"facts":[["value","10"],["threshold","> 5"],["for","1h"]],"fired_at":null,"held":2000000,"phase":"pending","reason":"10 > 5","resolved_at":null,"stepped_at":"2026-11-28T01:27:56+00:00","timing":{"for_":{"milliseconds":3600000},"keep_firing_for":{"milliseconds":0}},"value":10.0}');
CREATE TABLE conversations (
    channel TEXT NOT NULL,
    route TEXT NOT NULL,
    labels TEXT NOT NULL,
    state TEXT NOT NULL,
    PRIMARY KEY (channel, route, labels)
);
INSERT INTO "conversations" VALUES('email','*','[["service","shop"]]','{"echoes":[],"episodes":[{"alert":{"labels":[],"rule":"shop/FaultLevel"},"announced":true,"seen_at":"2026-11-28T01:27:54+00:00","text":{"dedup_key":"6b804c5b2a220c2954f75e11e36c2aae2f89e5eb","description":"","facts":[["value","10"],["threshold","> 5"]],"labels":[["alertname","FaultLevel"],["ref","shop/FaultLevel"],["service","shop"],["severity","critical"]],"reason":"10 > 5","resolved_at":null,"runbook":"https://runbooks.example/shop","service":"shop","severity":"critical","started_at":"2026-11-28T01:27:54+00:00","summary":"The level is too high","title":"FaultLevel on shop"}}],"opened_at":"2026-11-28T01:27:54+00:00","said":1,"sent_at":"2026-11-28T01:27:54+00:00"}');
INSERT INTO "conversations" VALUES('pagerduty','*','[["service","shop"]]','{"echoes":[],"episodes":[{"alert":{"labels":[],"rule":"shop/FaultLevel"},"announced":true,"seen_at":"2026-11-28T01:27:54+00:00","text":{"dedup_key":"6b804c5b2a220c2954f75e11e36c2aae2f89e5eb","description":"","facts":[["value","10"],["threshold","> 5"]],"labels":[["alertname","FaultLevel"],["ref","shop/FaultLevel"],["service","shop"],["severity","critical"]],"reason":"10 > 5","resolved_at":null,"runbook":"https://runbooks.example/shop","service":"shop","severity":"critical","started_at":"2026-11-28T01:27:54+00:00","summary":"The level is too high","title":"FaultLevel on shop"}}],"opened_at":"2026-11-28T01:27:54+00:00","said":1,"sent_at":"2026-11-28T01:27:54+00:00"}');
INSERT INTO "conversations" VALUES('slack','*','[["service","shop"]]','{"echoes":[],"episodes":[{"alert":{"labels":[],"rule":"shop/FaultLevel"},"announced":true,"seen_at":"2026-11-28T01:27:54+00:00","text":{"dedup_key":"6b804c5b2a220c2954f75e11e36c2aae2f89e5eb","description":"","facts":[["value","10"],["threshold","> 5"]],"labels":[["alertname","FaultLevel"],["ref","shop/FaultLevel"],["service","shop"],["severity","critical"]],"reason":"10 > 5","resolved_at":null,"runbook":"https://runbooks.example/shop","service":"shop","severity":"critical","started_at":"2026-11-28T01:27:54+00:00","summary":"The level is too high","title":"FaultLevel on shop"}}],"opened_at":"2026-11-28T01:27:54+00:00","said":1,"sent_at":"2026-11-28T01:27:54+00:00"}');
CREATE TABLE episodes (
    dedup_key TEXT PRIMARY KEY,
    service TEXT NOT NULL,
    severity TEXT NOT NULL,
    started_at BIGINT NOT NULL,
    fired_at BIGINT,
    resolved_at BIGINT,
    seen TEXT NOT NULL
);
INSERT INTO "episodes" VALUES('6b804c5b2a220c2954f75e11e36c2aae2f89e5eb','shop','critical',1795829274000000,1795829274000000,NULL,'{"blind_since":null,"dedup_key":"6b804c5b2a220c2954f75e11e36c2aae2f89e5eb","description":"","facts":[["value","10"],["threshold","> 5"]],"fired_at":"2026-11-28T01:27:54+00:00","identity":{"labels":[],"rule":"shop/FaultLevel"},"labels":[["alertname","FaultLevel"],["ref","shop/FaultLevel"],["service","shop"],["severity","critical"]],"notify":["email","slack","pagerduty"],"phase":"firing","reason":"10 > 5","resolved_at":null,"runbook":"https://runbooks.example/shop","service":"shop","severity":"critical","started_at":"2026-11-28T01:27:54+00:00","summary":"The level is too high","title":"FaultLevel on shop"}');
CREATE TABLE evaluator (
    id BIGINT PRIMARY KEY,
    committed_at BIGINT,
    pruned_at BIGINT,
    last_outbox_id BIGINT NOT NULL
);
INSERT INTO "evaluator" VALUES(1,1795829276000000,1795829273000000,3);
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
    detail TEXT NOT NULL,
    UNIQUE (channel, dedup_key, seq)
);
INSERT INTO "outbox" VALUES(1,'email','5e413e1b77e16ca639f1593ee5a26a72057ac1d0',0,'fire',0,'{"action":"fire","alerts":[{"dedup_key":"6b804c5b2a220c2954f75e11e36c2aae2f89e5eb","description":"","facts":[["value","10"],["threshold","> 5"]],"labels":[["alertname","FaultLevel"],["ref","shop/FaultLevel"],["service","shop"],["severity","critical"]],"reason":"10 > 5","resolved_at":null,"runbook":"https://runbooks.example/shop","service":"shop","severity":"critical","started_at":"2026-11-28T01:27:54+00:00","summary":"The level is too high","title":"FaultLevel on shop"}],"channel":"email","dedup_key":"5e413e1b77e16ca639f1593ee5a26a72057ac1d0","evaluated_at":"2026-11-28T01:27:54+00:00","group":[["service","shop"]],"notes":[],"seq":0}','sent',1795829274000000,0,NULL,1,1,0,1795829274196144,'');
INSERT INTO "outbox" VALUES(2,'pagerduty','6b804c5b2a220c2954f75e11e36c2aae2f89e5eb',0,'fire',0,'{"action":"fire","alerts":[{"dedup_key":"6b804c5b2a220c2954f75e11e36c2aae2f89e5eb","description":"","facts":[["value","10"],["threshold","> 5"]],"labels":[["alertname","FaultLevel"],["ref","shop/FaultLevel"],["service","shop"],["severity","critical"]],"reason":"10 > 5","resolved_at":null,"runbook":"https://runbooks.example/shop","service":"shop","severity":"critical","started_at":"2026-11-28T01:27:54+00:00","summary":"The level is too high","title":"FaultLevel on shop"}],"channel":"pagerduty","dedup_key":"6b804c5b2a220c2954f75e11e36c2aae2f89e5eb","evaluated_at":"2026-11-28T01:27:54+00:00","group":[["service","shop"]],"notes":[],"seq":0}','sent',1795829274000000,0,NULL,1,1,0,1795829274050069,'');
INSERT INTO "outbox" VALUES(3,'slack','6cdee183b96a09ca584cfeb7749d340a4be3e1b7',0,'fire',0,'{"action":"fire","alerts":[{"dedup_key":"6b804c5b2a220c2954f75e11e36c2aae2f89e5eb","description":"","facts":[["value","10"],["threshold","> 5"]],"labels":[["alertname","FaultLevel"],["ref","shop/FaultLevel"],["service","shop"],["severity","critical"]],"reason":"10 > 5","resolved_at":null,"runbook":"https://runbooks.example/shop","service":"shop","severity":"critical","started_at":"2026-11-28T01:27:54+00:00","summary":"The level is too high","title":"FaultLevel on shop"}],"channel":"slack","dedup_key":"6cdee183b96a09ca584cfeb7749d340a4be3e1b7","evaluated_at":"2026-11-28T01:27:54+00:00","group":[["service","shop"]],"notes":[],"seq":0}','pending',1795829274000000,0,1795829334033128,1,1,0,NULL,'');
CREATE TABLE schema_migrations (
	version BIGINT NOT NULL, 
	name TEXT NOT NULL, 
	applied_at BIGINT NOT NULL, 
	PRIMARY KEY (version)
);
INSERT INTO "schema_migrations" VALUES(1,'0001_memory.sql',1795829273421775);
CREATE INDEX episodes_by_start ON episodes (started_at);
CREATE INDEX episodes_by_end ON episodes (resolved_at);
CREATE INDEX outbox_due ON outbox (channel, status, urgency, next_at, id);
CREATE INDEX outbox_settled ON outbox (settled_at);
COMMIT;
