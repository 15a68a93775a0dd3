package console

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	armorv1 "armor/proto/armor/v1"
)

// taint is markup that would show, run or fetch something if it ever became more than text.
const taint = `<img src=x onerror="window.hacked=1"><script>window.hacked=1</script><b class="tainted">x</b>"'>{{7*7}}` + "\u202e"

// tainted makes an alert with markup in every string.
func tainted(when time.Time) *armorv1.Alert {
	call := map[string]any{"integration": taint, "aws": map[string]any{
		"eventName": taint, "eventSource": taint, "awsRegion": taint, "sourceIPAddress": taint, "errorCode": taint, "recipientAccountId": taint,
		"userIdentity": map[string]any{"type": "AssumedRole", "arn": taint + "/" + taint, "userName": taint}, "tags": []any{taint, map[string]any{taint: taint}},
	}, taint: taint}
	data, err := json.Marshal(call)
	if err != nil {
		panic(err)
	}
	a := newAlert(alertSpec{
		key: "tainted", when: when, rule: 80309, level: 12, description: taint, groups: []string{taint, "amazon-ec2"}, agent: taint, log: string(data), data: string(data),
		context: &armorv1.AlertContext{EventModule: taint, EventAction: taint, EventOutcome: taint, UserName: taint, CloudProvider: "aws", CloudRegion: taint, CloudAccountId: taint},
	})
	a.Location, a.ManagerName, a.Decoder.Name, a.PreviousOutput = taint, taint, taint, [][]byte{[]byte(taint)}
	a.Rule.Mitre = []*armorv1.Mitre{{Id: taint, Technique: taint, Tactics: []string{taint}}}
	return a
}

// TestHostileEverywhere opens every view of a console in which every text of every neighbour is markup, under the page's own policy.
func TestHostileEverywhere(t *testing.T) {
	ctx := browser(t)
	alerts := openStore(t)
	write(t, alerts, seed(90, testNow, 20*time.Minute)...)
	write(t, alerts, hit(tainted(testNow.Add(time.Hour))))
	c := newHandler(t, Config{}, Deps{Store: alerts, Manager: dialManager(t, &managerStandIn{fleet: 3, taint: taint})})
	c.showLetters(alerts, bury(t, taint))
	p := openTab(t, ctx, c, "/")
	for i, v := range views {
		if v.name == "hosts" {
			continue // its dashboard shows alerts of log lines, and this one is of a CloudTrail record
		}
		t.Run(v.name, func(t *testing.T) {
			p := &tab{t: t, ctx: p.ctx, base: p.base}
			p.show(i)
			if v.name == "details" {
				p.click("tr.alert:nth-child(1) .opener")
				p.until(`document.querySelectorAll('tr.details pre').length > 3`)
				p.is(`[...document.querySelectorAll('tr.details .choice')].filter((b) => b.textContent === 'JSON').forEach((b) => b.click())`)
			}
			p.want(`window.hacked`, "<nil>")
			p.want(`document.querySelectorAll('.tainted, script:not([src]), img[src=x], [onerror]').length`, "0")
			p.want(`[...document.querySelectorAll('a[href]')].filter((a) => !/^(https?:|$)/.test(a.protocol)).length`, "0")
			shown := strings.Count(p.is(`document.body.textContent`), "<script>window.hacked=1</script>")
			if want := map[string]int{"alerts": 8, "details": 30, "ec2": 8, "aws": 10, "armor": 10, "rule": 10, "agents": 14, "status": 8, "letters": 8}[v.name]; shown < want {
				t.Errorf("the markup stands on the page as text %d times; at least %d were expected, so something is not shown", shown, want)
			}
			p.want(`document.body.textContent.includes('\u202e')`, "false")
		})
	}
	p.forget("400") // the query error
	p.quiet()
}
