package rules_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"armor/rules"
)

// decoded gives decoder name, parent and fields of a line under some decoders.
func decoded(t *testing.T, decoders, line string) (name, parent string, data map[string]any) {
	t.Helper()
	rs := mustLoad(t, rules.Options{Strict: true}, "decoders/d.xml", decoders)
	v := rules.NewEngine(rs, rules.EngineOptions{}).Evaluate(&rules.Event{Log: line})
	if err := json.Unmarshal(v.AppendData(nil), &data); err != nil {
		t.Fatal(err)
	}
	return v.Decoder, v.DecoderParent, data
}

type fieldsOf = map[string]any

func TestDecoderTree(t *testing.T) {
	const prog = `<decoder name="p"><program_name>^p$</program_name></decoder>`
	child := func(name, body, regex, order string) string {
		return `<decoder name="` + name + `"><parent>p</parent>` + body + `<regex` + regex + `</regex><order>` + order + `</order></decoder>`
	}
	for _, c := range []struct {
		name, decoders, message string
		decoder, parent         string
		data                    fieldsOf
	}{
		{"parent alone", prog, "hello", "p", "", fieldsOf{}},
		{"child with prematch", prog + child("c", "<prematch>^a </prematch>", ` offset="after_prematch">^(\S+)`, "id"), "a 1", "p", "p", fieldsOf{"id": "1"}},
		{"first matching child wins", prog + child("c", "<prematch>^x </prematch>", `>(\S+)$`, "id") + child("d", "<prematch>^a </prematch>", `>(\S+)$`, "url"), "a 1", "p", "p", fieldsOf{"url": "1"}},
		{"no child matches", prog + child("c", "<prematch>^x </prematch>", `>(\S+)$`, "id"), "a 1", "p", "", fieldsOf{}},
		{"child without prematch is taken at once and the event keeps the parent", prog + child("c", "", `>^b (\S+)`, "id") + child("d", "", `>^a (\S+)`, "url"), "a 1", "p", "", fieldsOf{}},
		{"chain of one name", prog + child("c", "", `>^(\w) `, "id") + child("c", "", ` offset="after_regex">(\d)`, "url") + child("c", "", ` offset="after_regex">(\d)`, "x.y"), "a 1 2", "p", "",
			fieldsOf{"id": "a", "url": "1", "x": fieldsOf{"y": "2"}}},
		{"a failed link of the chain is passed over", prog + child("c", "", `>^(\w) `, "id") + child("c", "", ` offset="after_regex">(Z)`, "url") + child("c", "", ` offset="after_regex">(\d)`, "status"), "a 1 2", "p", "",
			fieldsOf{"id": "a", "status": "1"}},
		{"a chain falls with its first", prog + child("c", "<prematch>^x</prematch>", `>(\d)`, "id") + child("c", "", `>(\d)`, "url") + child("d", "<prematch>^a</prematch>", `>(\d)`, "status"), "a 1", "p", "p",
			fieldsOf{"status": "1"}},
		{"own name", prog + child("c", "<use_own_name>true</use_own_name><prematch>^a</prematch>", `>(\d)`, "id"), "a 1", "c", "p", fieldsOf{"id": "1"}},
		{"pieces are joined", prog + `<decoder name="c"><parent>p</parent><regex>^(\w)</regex><regex> (\d)</regex><order>id,url</order></decoder>`, "a 1", "p", "", fieldsOf{"id": "a", "url": "1"}},
		{"last value of a static field", prog + child("c", "", `>^(\w) (\d)`, "id, id"), "a 1", "p", "", fieldsOf{"id": "1"}},
		{"first value of a dynamic field", prog + child("c", "", `>^(\w) (\d)`, "f, f"), "a 1", "p", "", fieldsOf{"f": "a"}},
		{"more groups than fields", prog + child("c", "", `>^(\w) (\d)`, "id"), "a 1", "p", "", fieldsOf{"id": "a"}},
		{"no program, no fallback", `<decoder name="q"><prematch>^a</prematch></decoder>`, "a 1", "", "", fieldsOf{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			name, parent, data := decoded(t, c.decoders, "Nov 23 09:00:01 host p[1]: "+c.message)
			if name != c.decoder || parent != c.parent {
				t.Errorf("decoder %q of %q, expected %q of %q", name, parent, c.decoder, c.parent)
			}
			if d := cmp.Diff(c.data, data); d != "" {
				t.Errorf("data (-want +got):\n%s", d)
			}
		})
	}
}

func TestDecoderPlugins(t *testing.T) {
	plugin := func(name, more string) string {
		return `<decoder name="d"><prematch>^</prematch><plugin_decoder>` + name + `</plugin_decoder>` + more + `</decoder>`
	}
	for _, c := range []struct {
		name, decoders, line string
		data                 fieldsOf
	}{
		{"JSON", plugin("JSON_Decoder", ""), `{"srcip":"1.2.3.4","user":"u","n":12345678901,"f":1.5,"t":true,"z":null,"a":[1,"x"],"o":{"k":"v"}}`,
			fieldsOf{"srcip": "1.2.3.4", "dstuser": "u", "n": "12345678901.000000", "f": "1.500000", "t": "true", "z": "null", "a": []any{1.0, "x"}, "o": fieldsOf{"k": "v"}}},
		{"JSON, nulls discarded", plugin("JSON_Decoder", "<json_null_field>discard</json_null_field>"), `{"z":null,"y":1}`, fieldsOf{"y": "1"}},
		{"JSON, arrays as text", plugin("JSON_Decoder", "<json_array_structure>csv</json_array_structure>"), `{"a":[1,"x"]}`, fieldsOf{"a": "1,x"}},
		{"no JSON", plugin("JSON_Decoder", ""), `{"a":`, fieldsOf{}},
		{"PF", plugin("PF_Decoder", ""), "Mar 30 15:32:33.483712 rule 2/(match) pass in on xl0: 140.211.166.3.6667 > 192.168.2.10.16290: P 7408:7677(269)",
			fieldsOf{"action": "pass", "srcip": "140.211.166.3", "srcport": "6667", "dstip": "192.168.2.10", "dstport": "16290", "protocol": "TCP"}},
		{"PF, UDP", plugin("PF_Decoder", ""), "Mar 30 15:54:22.171929 rule 3/(match) block out on xl0: 192.168.2.10.1514 > 192.168.2.190.1030:  udp 73",
			fieldsOf{"action": "block", "srcip": "192.168.2.10", "srcport": "1514", "dstip": "192.168.2.190", "dstport": "1030", "protocol": "UDP"}},
		{"Symantec", plugin("SymantecWS_Decoder", ""), "20070717,73613,1=5,11=10.1.1.3,10=userc,3=1,2=1",
			fieldsOf{"srcip": "10.1.1.3", "dstuser": "userc", "id": "3=1,2=1"}},
		{"SonicWall", plugin("SonicWall_Decoder", ""), `id=firewall sn=1 time="2004-04-01 10:39:35" pri=5 c=64 m=36 msg="TCP connection dropped" src=67.101.200.27:4507:WAN dst=67.32.44.2:445:LAN proto=tcp/445`,
			fieldsOf{"status": "5", "id": "36", "action": "TCP connection dropped", "srcip": "67.101.200.27", "srcport": "4507", "dstip": "67.32.44.2", "dstport": "445", "protocol": "tcp/445"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, _, data := decoded(t, c.decoders, c.line)
			if d := cmp.Diff(c.data, data); d != "" {
				t.Errorf("data (-want +got):\n%s", d)
			}
		})
	}
}

func TestOSSECAlertNamesItsRule(t *testing.T) {
	rs := mustLoad(t, rules.Options{}, "decoders/d.xml", `<decoder name="ossec-alert"><program_name>^ossec$</program_name><plugin_decoder>OSSECAlert_Decoder</plugin_decoder></decoder>`,
		"rules/r.xml", `<group name="g,"><rule id="5715" level="3"><match>never seen</match><description>login of $(dstuser)</description></rule></group>`)
	v := rules.NewEngine(rs, rules.EngineOptions{}).Evaluate(&rules.Event{
		Log: "Nov 23 09:00:01 host ossec: Alert Level: 3; Rule: 5715 - SSHD authentication success.; Location: (box) 10.0.0.2->/var/log/secure; srcip: 10.0.0.9; user: alice; Jul 16 14:38:12 box sshd[1]: x"})
	if v.Rule == nil || v.Rule.ID != 5715 || v.Description != "login of alice" {
		t.Fatalf("rule %+v, description %q", v.Rule, v.Description)
	}
	if ip, _ := v.Field("srcip"); ip != "10.0.0.9" {
		t.Errorf("srcip %q", ip)
	}
}

func TestAccumulateCarriesFieldsOn(t *testing.T) {
	rs := mustLoad(t, rules.Options{}, "decoders/d.xml", `<decoder name="l"><program_name>^l$</program_name><accumulate/></decoder>
<decoder name="l1"><parent>l</parent><prematch>BIND</prematch><regex>conn=(\d+) user=(\S+)</regex><order>id, dstuser</order><accumulate/></decoder>
<decoder name="l2"><parent>l</parent><prematch>FROM</prematch><regex>conn=(\d+) ip=(\S+)</regex><order>id, srcip</order><accumulate/></decoder>`)
	e := rules.NewEngine(rs, rules.EngineOptions{})
	for _, c := range []struct{ line, user, ip string }{
		{"conn=1 user=alice BIND", "alice", ""},
		{"conn=2 ip=10.0.0.2 FROM", "", "10.0.0.2"},
		{"conn=1 ip=10.0.0.1 FROM", "alice", "10.0.0.1"},
	} {
		v := e.Evaluate(&rules.Event{Log: "Nov 23 09:00:01 host l[1]: " + c.line})
		user, _ := v.Field("user")
		ip, _ := v.Field("srcip")
		if user != c.user || ip != c.ip {
			t.Errorf("%s: user %q, srcip %q", c.line, user, ip)
		}
	}
}
