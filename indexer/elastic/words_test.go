package elastic_test

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"armor/indexer/match"
	"armor/internal/testenv"
)

// analyze asks the node which words it makes of a text.
func analyze(t *testing.T, url, text string) []string {
	t.Helper()
	body, err := json.Marshal(map[string]string{"analyzer": "standard", "text": text})
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.Post(url+"/_analyze", "application/json", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var answer struct {
		Tokens []struct {
			Token string `json:"token"`
		} `json:"tokens"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		t.Fatal(err)
	}
	var words []string
	for _, token := range answer.Tokens {
		words = append(words, token.Token)
	}
	return words
}

// The words that the embedded store searches for are those of Elasticsearch's standard analyzer.
func TestWordsAreTheAnalyzers(t *testing.T) {
	url := testenv.Elasticsearch(t)
	texts := []string{
		"sshd[1234]: Failed password for invalid user root from 10.0.0.1 port 22 ssh2",
		`{"eventName":"RunInstances","a_b":1.5,"c":"x:y"}`, "a:b a.b a'b a,b 1,2 1.2 1:2 1;2 a1.b2 1a.2b _x_ __ a_ _1 1_2 a_b_c x._y",
		"C:\\Windows\\System32 \\\\host\\share user@example.org https://example.org/a?b=c&d=e%20f", "don't o’neil l'été ÀÉÎ ñandú straße İstanbul ΣΊΣΥΦΟΣ",
		"Пароль неверный user=админ", "日本語テスト カタカナ_ひらがな 한국어 中文字符 ｶﾀｶﾅ", "สวัสดีครับ ภาษาไทย", "مرحبا بالعالم ١٢٣ שלום עולם",
		"e\u0301a n\u0303 zero\u200bwidth soft\u00adhyphen a\u0301.b", strings.Repeat("x", 600), strings.Repeat("é", 300) + " y",
		strings.Repeat("ab.", 120), "a\x00b\x01c\x7fd", "1st 2nd 10.0.0.1/8 2001:db8::7 12:34:56 2026-07-10T11:45:03Z +1-555-0100 $5.00 50% #tag",
	}
	for _, text := range texts {
		if diff := cmp.Diff(analyze(t, url, text), match.Words(text)); diff != "" {
			t.Errorf("words of %.80q (-node +ours):\n%s", text, diff)
		}
	}
	const seed = 7
	r := rand.New(rand.NewPCG(seed, seed))
	alphabet := []rune("aaabZ019__::..'',,;;-/ \t@é\u0301ü日カカーアひЖßקא\"")
	for i := range 400 {
		var b strings.Builder
		for range 1 + r.IntN(60) {
			b.WriteRune(alphabet[r.IntN(len(alphabet))])
		}
		if diff := cmp.Diff(analyze(t, url, b.String()), match.Words(b.String())); diff != "" {
			t.Fatalf("seed %d, text %d: words of %q (-node +ours):\n%s", seed, i, b.String(), diff)
		}
	}
}
