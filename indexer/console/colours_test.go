package console

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// Each level has a colour of its own that stands out from the panel (WCAG 1.4.11: 3 to 1) and from the other levels' colours, in light and in dark.
func TestColoursOfLevels(t *testing.T) {
	sheet, err := os.ReadFile(filepath.Join("assets", "css", "tokens.css"))
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile(`--surface: [^}]*`).FindAllString(string(sheet), -1)
	if len(blocks) != 3 {
		t.Fatalf("%d blocks of colours, want light, dark by the system and dark by choice", len(blocks))
	}
	if a, b := colours(t, blocks[1]), colours(t, blocks[2]); fmt.Sprint(a) != fmt.Sprint(b) {
		t.Error("the two dark blocks differ")
	}
	for i, block := range blocks[:2] {
		all := colours(t, block)
		surface := all["--surface"]
		var levels [17][3]float64
		for n := range levels {
			name := fmt.Sprintf("--level-%d", n)
			c, ok := all[name]
			if !ok {
				t.Fatalf("block %d: no %s", i, name)
			}
			if ratio := contrast(c, surface); ratio < 3 {
				t.Errorf("block %d: %s stands out by %.2f to 1 only", i, name, ratio)
			}
			levels[n] = perceived(c)
			for m := range n {
				if d := distance(levels[n], levels[m]); d < 0.06 {
					t.Errorf("block %d: levels %d and %d look alike (%.3f)", i, m, n, d)
				}
			}
		}
	}
}

// colours reads the colours of a block, as linear red, green and blue.
func colours(t *testing.T, block string) map[string][3]float64 {
	t.Helper()
	all := make(map[string][3]float64)
	for _, m := range regexp.MustCompile(`(--[a-z0-9-]+): #([0-9a-f]{6});`).FindAllStringSubmatch(block, -1) {
		var c [3]float64
		for i := range c {
			v, err := strconv.ParseUint(m[2][2*i:2*i+2], 16, 8)
			if err != nil {
				t.Fatal(err)
			}
			if c[i] = float64(v) / 255; c[i] <= 0.04045 {
				c[i] /= 12.92
			} else {
				c[i] = math.Pow((c[i]+0.055)/1.055, 2.4)
			}
		}
		all[strings.TrimSpace(m[1])] = c
	}
	return all
}

func contrast(a, b [3]float64) float64 {
	light := func(c [3]float64) float64 { return 0.2126*c[0] + 0.7152*c[1] + 0.0722*c[2] + 0.05 }
	x, y := light(a), light(b)
	return max(x, y) / min(x, y)
}

// perceived is the colour in OKLab, where distances are as large as they look.
func perceived(c [3]float64) [3]float64 {
	l := math.Cbrt(0.4122214708*c[0] + 0.5363325363*c[1] + 0.0514459929*c[2])
	m := math.Cbrt(0.2119034982*c[0] + 0.6806995451*c[1] + 0.1073969566*c[2])
	s := math.Cbrt(0.0883024619*c[0] + 0.2817188376*c[1] + 0.6299787005*c[2])
	return [3]float64{0.2104542553*l + 0.7936177850*m - 0.0040720468*s, 1.9779984951*l - 2.4285922050*m + 0.4505937099*s, 0.0259040371*l + 0.7827717662*m - 0.8086757660*s}
}

func distance(a, b [3]float64) float64 {
	return math.Hypot(math.Hypot(a[0]-b[0], a[1]-b[1]), a[2]-b[2])
}
