package storetest

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"armor/indexer/query"
	"armor/indexer/store"
	armorv1 "armor/proto/armor/v1"
)

// languageAlerts are the alerts that the queries of testLanguage are about.
func languageAlerts() []store.Document {
	return []store.Document{
		alert("ec2", at(0)).log(`{"integration":"aws","aws":{"eventName":"RunInstances"}}`).data(`{
			"srcip":"10.1.2.3","aws":{"eventName":"RunInstances","awsRegion":"us-east-1","eventTime":"2023-07-10T11:45:03Z",
			"requestParameters":{"instancesSet":{"items":[{"imageId":"ami-1","minCount":1},{"imageId":"ami-2"}]},"a.b":"dotted","tags":["x","y"],"long":"` +
			strings.Repeat("l", 2000) + `"},
			"resources":[{"arn":"arn:1"},{"arn":"arn:2"}]}}`).with(func(a *armorv1.Alert) {
			a.Context = &armorv1.AlertContext{SourceIp: "10.1.2.3", UserName: "alice", CloudRegion: "us-east-1"}
			a.Rule.Compliance = []*armorv1.Compliance{{Standard: "pci_dss", Requirements: []string{"10.6.1"}}}
			a.Agent.Labels = map[string]string{"env": "prod", "a.b": "c"}
		}).doc(),
		alert("ssh", at(1000)).rule("5710", 5, "sshd: Attempt to login using a non-existent user", "syslog", "sshd").agent("002", "db-1").
			log("Jul 10 10:00:01 db-1 sshd[1234]: Failed password for invalid user root from 2001:db8::7 port 22 ssh2").
			data(`{"srcip":"2001:db8::7","srcuser":"root","srcport":"22","nest":[[{"b":{"c":["z"]}}],[{"b":{"c":"w"}},[]]],"empty":"","nothing":null,"list":[]}`).with(func(a *armorv1.Alert) {
			a.Context = &armorv1.AlertContext{SourceIp: "2001:db8::7", UserName: "root"}
			a.Location = "/var/log/auth.log"
			a.Rule.Mitre = []*armorv1.Mitre{{Id: "T1110", Tactics: []string{"Credential Access"}, Technique: "Brute Force"}}
		}).doc(),
		alert("web", at(2000)).rule("31101", 12, `Web "quoted" \ back* error`, "web", "accesslog").agent("003", "web-2").
			log("203.0.113.9 - - GET /etc/passwd_x?user=o'neil&a=1,000 HTTP/1.1 Ünïcode ПАРОЛЬ 日本語").
			data(`{"url":"/etc/passwd_x?a=b c","id":"404","flag":true,"number":3.50,"long":"` + strings.Repeat("x", 1025) + `","fits":"` + strings.Repeat("y", 1024) + `"}`).
			with(func(a *armorv1.Alert) { a.Context = &armorv1.AlertContext{SourceIp: "203.0.113.9"} }).doc(),
	}
}

func testLanguage(t *testing.T, s *suite) {
	s.write(store.Created, languageAlerts()...)
	for text, want := range queries {
		got, page := s.find(store.Search{Filter: store.Filter{Query: parse(t, text)}, Size: 10})
		s.same(fmt.Sprintf("query %s", text), strings.Join(got, " "), want)
		s.same(fmt.Sprintf("total of %s", text), page.Total, uint64(len(strings.Fields(want))))
	}
	for _, text := range badQueries {
		_, err := s.Search(t.Context(), store.Search{Filter: store.Filter{Query: parse(t, text)}})
		var q *query.Error
		if !errors.As(err, &q) {
			t.Errorf("query %s: got %v, want a query.Error", text, err)
		}
	}
}

// badQueries parse, but ask what their fields cannot answer.
var badQueries = []string{
	"rule.level:high", "rule.level:1*", "rule.level:>=x", "rule.mail:yes", "source.ip:10.x", "source.ip:10*", "@timestamp:yesterday",
	"@timestamp:2026*", "rule:x", "data.aws.requestParameters:x", "data.aws.requestParameters.x:*a", "full_log:>a", `full_log:"a b" OR full_log:a\ b*`,
	"@timestamp:>now-5y",
}

// queries and the alerts that they find, newest first.
var queries = map[string]string{
	"":                                       "web ssh ec2",
	"*":                                      "web ssh ec2",
	"NOT *":                                  "",
	"rule.id:5710":                           "ssh",
	"rule.id:57*":                            "ssh",
	"rule.id:[5710 TO 80301]":                "ssh ec2",
	"rule.id:>5710":                          "ec2",
	"rule.level:5":                           "ssh",
	"rule.level:>=5":                         "web ssh",
	"rule.level:>5":                          "web",
	"rule.level:<5":                          "ec2",
	"rule.level:<=5":                         "ssh ec2",
	"rule.level:[2 TO 12}":                   "ssh ec2",
	"rule.level:{2 TO *]":                    "web ssh",
	"rule.level:{2 TO 3}":                    "",
	"rule.level:(2 OR 12)":                   "web ec2",
	"rule.level:(>=3 AND <12)":               "ssh",
	"rule.groups:amazon":                     "ec2",
	"rule.groups:ama*":                       "ec2",
	"rule.groups:*log":                       "web ssh",
	"rule.groups:Amazon":                     "",
	"NOT rule.groups:amazon":                 "web ssh",
	"rule.groups:amazon OR rule.groups:sshd": "ssh ec2",
	"rule.groups:amazon AND agent.name:web-1":          "ec2",
	"rule.groups:amazon agent.name:web-1":              "ec2",
	"agent.name:web-*":                                 "web ec2",
	"agent.name:*-1":                                   "ssh ec2",
	"agent.name:w*b*1":                                 "ec2",
	"rule.description:\"Amazon-ec2: Run instance\"":    "ec2",
	"rule.description:Amazon*instance":                 "ec2",
	`rule.description:"Web \"quoted\" \\ back* error"`: "web",
	`rule.description:*back\* err*`:                    "",
	`rule.description:*back\*\ err*`:                   "web",
	"rule.pci_dss:10.6.1":                              "ec2",
	"rule.mitre.id:T1110":                              "ssh",
	"threat.technique.id:T1110":                        "ssh",
	"rule.mitre.tactic:\"Credential Access\"":          "ssh",
	"rule.mitre.id:*":                                  "ssh",
	"rule.mitre:*":                                     "ssh",
	"rule:*":                                           "web ssh ec2",
	"data:*":                                           "web ssh ec2",
	"data.aws:*":                                       "ec2",
	"NOT data.aws:*":                                   "web ssh",
	"data.nothing:*":                                   "",
	"data.list:*":                                      "",
	"data.empty:*":                                     "ssh",
	`data.empty:""`:                                    "ssh",
	"data.srcip:10.1.2.3":                              "ec2",
	"data.srcip:10.*":                                  "ec2",
	"data.srcport:22":                                  "ssh",
	"data.nest.b.c:z":                                  "ssh",
	"data.nest.b.c:(w AND z)":                          "ssh",
	"data.nest.b:*":                                    "ssh",
	"data.flag:true":                                   "web",
	"data.number:3.50":                                 "web",
	"data.id:404":                                      "web",
	"data.long:*":                                      "",
	"data.long:x*":                                     "",
	"data.fits:*":                                      "web",
	"data.fits:y*":                                     "web",
	`data.url:"/etc/passwd_x?a=b c"`:                   "web",
	"data.url:*passwd*":                                "web",
	"data.aws.eventName:RunInstances":                  "ec2",
	"data.aws.eventTime:[2023-07-01 TO 2023-08-01]":    "ec2",
	"data.aws.eventTime:>2024":                         "",
	"data.aws.resources.arn:arn\\:2":                   "ec2",
	"data.aws.resources.arn:arn:2":                     "ec2",
	"data.aws.requestParameters.instancesSet.items.imageId:ami-2": "ec2",
	"data.aws.requestParameters.instancesSet.items.imageId:ami*":  "ec2",
	"data.aws.requestParameters.instancesSet.items.minCount:1":    "ec2",
	"data.aws.requestParameters.instancesSet.items.imageId:*":     "ec2",
	"data.aws.requestParameters.a.b:dotted":                       "ec2",
	"data.aws.requestParameters.tags:y":                           "ec2",
	"data.aws.requestParameters.tags:[y TO z]":                    "ec2",
	"data.aws.requestParameters.tags:>y":                          "",
	"data.aws.requestParameters.long:*":                           "",
	"data.aws.requestParameters:*":                                "ec2",
	"agent.labels.env:prod":                                       "ec2",
	"agent.labels.a.b:c":                                          "ec2",
	"agent.labels.env:*":                                          "ec2",
	"source.ip:10.1.2.3":                                          "ec2",
	"source.ip:10.0.0.0/8":                                        "ec2",
	"source.ip:2001:db8::7":                                       "ssh",
	"source.ip:2001:db8::/32":                                     "ssh",
	"source.ip:0.0.0.0/0":                                         "web ec2",
	"source.ip:[10.0.0.0 TO 10.255.255.255]":                      "ec2",
	"source.ip:>10.1.2.3":                                         "web ssh",
	"source.ip:<10.1.2.3":                                         "",
	"source.ip:*":                                                 "web ssh ec2",
	"user.name:root":                                              "ssh",
	"location:/var/log/*":                                         "ssh",
	"location:\"/var/log/auth.log\"":                              "ssh",
	"id:ssh":                                                      "ssh",
	"id:(ssh OR web)":                                             "web ssh",
	"NOT id:ssh":                                                  "web ec2",
	"id:ssh AND rule.level:12":                                    "",
	"@timestamp:2026-07-10":                                       "web ssh ec2",
	"@timestamp:2026-07-10T10:00:01Z":                             "ssh",
	"@timestamp:2026-07-10T10:00:01.000Z":                         "ssh",
	"@timestamp:2026-07-10T12:00:01+02:00":                        "ssh",
	"@timestamp:>=2026-07-10T10:00:01":                            "web ssh",
	"@timestamp:>2026-07-10T10:00:01":                             "web",
	"@timestamp:<2026-07-10T10:00:01":                             "ec2",
	"@timestamp:<=2026-07-10T10:00":                               "web ssh ec2",
	"@timestamp:>2026-07-10":                                      "",
	"@timestamp:<=2026-07-09":                                     "",
	"@timestamp:[2026-07 TO 2026-08]":                             "web ssh ec2",
	"NOT @timestamp:2026-07-10T10:00:01Z":                         "web ec2",
	"@timestamp:>=now-6d":                                         "web ssh ec2",
	"@timestamp:>=now-5d":                                         "",
	"timestamp:2026-07-10T10:00:02Z":                              "web",
	"event.kind:alert":                                            "web ssh ec2",
	"event.severity:12":                                           "web",
	"rule.mail:false":                                             "web ssh ec2",
	"rule.mail:true":                                              "",
	"password":                                                    "ssh",
	"PASSWORD":                                                    "ssh",
	"\"failed password\"":                                         "ssh",
	"\"password failed\"":                                         "",
	"password AND root":                                           "ssh",
	"pass*":                                                       "web ssh",
	"*word":                                                       "ssh",
	"f*d":                                                         "ssh",
	"sshd[1234]":                                                  "ssh",
	"\"sshd 1234\"":                                               "ssh",
	"runinstances":                                                "ec2",
	"instance":                                                    "ec2",
	"\"non existent user\"":                                       "ssh",
	"full_log:instance":                                           "",
	"full_log:password":                                           "ssh",
	"full_log:passwd_x":                                           "web",
	"full_log:passwd":                                             "",
	"full_log:\"/etc/passwd_x\"":                                  "web",
	"full_log:203.0.113.9":                                        "web",
	"full_log:203.0.*":                                            "web",
	"full_log:o'neil":                                             "web",
	"full_log:neil":                                               "",
	"full_log:1,000":                                              "web",
	"full_log:ünïcode":                                            "web",
	"full_log:пароль":                                             "web",
	"full_log:日本":                                                 "web",
	"full_log:本日":                                                 "",
	"full_log:*":                                                  "web ssh ec2",
	"full_log:\"---\"":                                            "",
	"NOT full_log:\"---\"":                                        "web ssh ec2",
	"rule.description.text:quoted":                                "web",
	"rule.description.text:\"web quoted back error\"":             "web",
	"unmapped_data:*":                                             "",
	"no.such:field":                                               "",
	"NOT no.such:field":                                           "web ssh ec2",
	"no.such:*":                                                   "",
	"no.such:[a TO b]":                                            "",
	"(rule.level:2 OR rule.level:5) AND NOT agent.name:db-1": "ec2",
	"rule.level:2 OR rule.level:5 AND agent.name:db-1":       "ssh ec2",
	"NOT (password OR amazon)":                               "web",
	"NOT NOT password":                                       "ssh",
}
