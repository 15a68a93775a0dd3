package plot

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"armor/test/torture/soak"
)

func TestPage(t *testing.T) {
	d := &Data{}
	for i := range 5 {
		n := uint64(i * 100)
		d.Points = append(d.Points, Point{At: time.Duration(i) * time.Second, Offered: n, Stored: n / 2, Usage: map[string]soak.Usage{"agent": {Memory: 1 << 20, Files: 7, Goroutines: 9}}})
	}
	d.Mark(time.Second, time.Second, "kill agent")
	d.Mark(2*time.Second, time.Second, "grpc: <cut>")
	for _, data := range []*Data{d, {}} { // a run that ended at once is drawn as well
		var page strings.Builder
		if err := data.HTML(&page, "a & b", "lost 0"); err != nil {
			t.Fatal(err)
		}
		_, body, _ := strings.Cut(page.String(), "</style>")
		in := xml.NewDecoder(strings.NewReader("<html>" + body))
		for {
			_, err := in.Token()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatalf("%v in %s", err, page.String())
			}
		}
		if strings.Contains(page.String(), "NaN") || strings.Contains(page.String(), "://") {
			t.Error("the page holds NaN, or needs something from elsewhere")
		}
	}
}
