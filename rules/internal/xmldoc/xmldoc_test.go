package xmldoc

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// outline shows elements as name{attr=value}"text"@line(children).
func outline(list []*Element) string {
	var b strings.Builder
	for i, e := range list {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(e.Name)
		for _, a := range e.Attrs {
			fmt.Fprintf(&b, "{%s=%s}", a.Name, a.Value)
		}
		if t := strings.TrimSpace(e.Text); t != "" {
			fmt.Fprintf(&b, "%q", t)
		}
		fmt.Fprintf(&b, "@%d", e.Line)
		if len(e.Children) > 0 {
			b.WriteString("(" + outline(e.Children) + ")")
		}
	}
	return b.String()
}

func TestParse(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"", ""},
		{"<a/>", "a@1"},
		{"<a>x</a>\n<b>y</b>", `a"x"@1 b"y"@2`},
		{"<a x=\"1\" y = '2' ><b/></a>", "a{x=1}{y=2}@1(b@1)"},
		{"<!-- <x> -->\n<a><!-- - -- -->t<!-- c -->u</a>", `a"tu"@2`},
		{`<a>x \<b> && y &amp; \\</a>`, `a"x \\<b> && y &amp; \\\\"@1`},
		{"<a>\n<b>1</b>\n<b>2</b>\n</a>", `a@1(b"1"@2 b"2"@3)`},
		{`<a>a > b</a>`, `a"a > b"@1`},
		{`<a x="a<b>">t</a>`, `a{x=a<b>}"t"@1`},
	} {
		roots, mistakes := Parse(c.text)
		if d := cmp.Diff(c.want, outline(roots)); d != "" || len(mistakes) > 0 {
			t.Errorf("%q: %v (-want +got):\n%s", c.text, mistakes, d)
		}
	}
}

func TestMistakesComeAllAtOnceAndTheRestIsRead(t *testing.T) {
	roots, mistakes := Parse(`stray
<a x=1>one</a>
<b>two</c>
<d>a < b</d>
</e>
<f g="1" g="2"/>
<h>
<i>open
</h>
<j k>three</j>
<!-- never closed`)
	var lines []int
	for _, m := range mistakes {
		lines = append(lines, m.Line)
	}
	if d := cmp.Diff([]int{1, 2, 3, 4, 5, 6, 8, 10, 11}, lines); d != "" {
		t.Errorf("lines (-want +got):\n%s\n%v", d, mistakes)
	}
	if got, want := outline(roots), `a"one"@2 b"two"@3 d"a < b"@4 f{g=1}@6 h@7(i"open"@8) j"three"@10`; got != want {
		t.Errorf("read %s\nwant %s", got, want)
	}
}

func TestVariables(t *testing.T) {
	roots, mistakes := Parse(`<var name="N">8</var><var name="LIST">a|b$</var>
<rule frequency="$N" x="$$N"><match>$LIST|^c$|$|$UNKNOWN $(field)</match></rule>`)
	if got, want := outline(roots[2:]), `rule{frequency=8}{x=$8}@2(match"a|b$|^c$|$|$UNKNOWN $(field)"@2)`; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if len(mistakes) != 1 || mistakes[0].Fatal || mistakes[0].Line != 2 {
		t.Errorf("mistakes: %v", mistakes)
	}
	// Without variables nothing is a variable.
	roots, mistakes = Parse(`<a>$X</a>`)
	if outline(roots) != `a"$X"@1` || len(mistakes) != 0 {
		t.Errorf("%s, %v", outline(roots), mistakes)
	}
}

// FuzzParse: no input makes it panic or run long, and offsets and lines stay within the text.
func FuzzParse(f *testing.F) {
	for _, s := range []string{"<a>x</a>", `<a x="1"/>`, "<!-- c --><a>\\<b></a>", "<a><b></a>", "<var name=\"X\">$X</var><a>$X</a>", "<?xml?>", "</", "<a x='", "<a\x00>"} {
		f.Add(s)
	}
	f.Add(`<!-- SSHD --><group name="syslog,sshd,">
  <rule id="5712" level="10" frequency="8" timeframe="120" ignore="60">
    <if_matched_sid>5710</if_matched_sid><description>sshd: $(srcip) & more</description><same_source_ip />
    <mitre><id>T1110</id></mitre><group>authentication_failures,pci_dss_11.4,</group>
  </rule></group>`)
	f.Add(`<decoder name="d"><program_name>^a\.+$</program_name><prematch offset="after_parent">\<x></prematch></decoder>`)
	f.Add("<var name=\"BAD\">error|fail</var><group name='a'><rule id='1' level='2'><match>$BAD$BAD</match><field name=\"$X\">\\d</field></rule></group>")
	f.Add("<!DOCTYPE x [<!ENTITY a \"&a;\">]><a>&a;</a><a/></a>")
	f.Fuzz(func(t *testing.T, s string) {
		roots, mistakes := Parse(s)
		lines := strings.Count(s, "\n") + 1
		for _, m := range mistakes {
			if m.Line < 0 || m.Line > lines {
				t.Errorf("mistake in line %d of %d", m.Line, lines)
			}
		}
		var check func([]*Element, int)
		check = func(list []*Element, depth int) {
			if depth > MaxDepth {
				t.Fatal("nested too deep")
			}
			for _, e := range list {
				if e.Start < 0 || e.Start >= e.End || e.End > len(s) || e.Line < 1 || e.Line > lines {
					t.Errorf("<%s> from %d to %d, line %d", e.Name, e.Start, e.End, e.Line)
				}
				check(e.Children, depth+1)
			}
		}
		check(roots, 0)
	})
}
