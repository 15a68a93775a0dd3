// Package imports holds the table of who may import whom, and promises that the walls of the house stand: its test reads what
// `go list` says of every package. docs/architecture.md shows the table.
package imports

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// Package is what `go list -json` says of a package.
type Package struct {
	ImportPath   string
	Imports      []string
	TestImports  []string
	XTestImports []string
	Deps         []string // everything below it, other modules' packages too; tests not counted
}

// Read takes the output of `go list -json`.
func Read(r io.Reader) ([]Package, error) {
	var packages []Package
	decoder := json.NewDecoder(r)
	for {
		var p Package
		err := decoder.Decode(&p)
		if errors.Is(err, io.EOF) {
			return packages, nil
		}
		if err != nil {
			return nil, fmt.Errorf("reading what go list says: %w", err)
		}
		packages = append(packages, p)
	}
}

const module = "armor/"

// room is a row of the table: a folder and everything below it.
type room struct {
	path string
	// may are the folders, itself and below included, that the room's packages may import.
	may []string
	// never are import paths of other modules that may not be anywhere below the room's packages.
	never []string
}

// Other modules that some rooms must stay free of.
const (
	gRPC     = "google.golang.org/grpc"
	protobuf = "google.golang.org/protobuf"
	nats     = "github.com/nats-io"
	elastic  = "github.com/elastic"
	sqlite   = "modernc.org/sqlite"
)

// table has the rooms; of those that a package lies in the one with the longest path counts.
var table = []room{
	{"proto", nil, []string{nats, elastic, sqlite}},
	{"rules", nil, []string{gRPC, protobuf, nats, elastic, sqlite}},
	{"agent", []string{"proto", "internal/rpc"}, []string{nats, elastic, sqlite}},
	{"manager", []string{"proto", "rules", "internal/rpc", "internal/alertstream"}, []string{elastic, sqlite}},
	{"indexer", []string{"proto", "internal/rpc", "internal/alertstream", "internal/sparselog"}, nil},
	{"internal/rpc", []string{"proto", "internal/sparselog"}, []string{nats, elastic, sqlite}},
	{"internal/daemon", []string{"proto"}, []string{nats, elastic, sqlite}},
	{"internal/alertstream", []string{"proto", "internal/sparselog"}, []string{elastic, sqlite}},
	{"internal/sparselog", nil, []string{gRPC, nats, elastic, sqlite}},
	{"internal/imports", nil, nil},
	{"internal/testenv", anything, nil},
	{"test", anything, nil},
	{"services/armor", belowServices, nil},
	{"services/armor-agent", belowServices, nil},
	{"services/armor-manager", belowServices, nil},
	{"services/armor-indexer", belowServices, nil},
}

var (
	anything      = []string{""}
	belowServices = []string{
		"proto", "rules", "agent", "manager", "indexer", "internal/rpc", "internal/daemon", "internal/alertstream",
	}
)

// onlyInTests are the rooms that tests may import from everywhere, and nothing else may.
var onlyInTests = []string{"internal/testenv", "test"}

// onlyImporter names the one folder that may import a library directly: the rest of the house meets it there.
var onlyImporter = map[string]string{
	"github.com/elastic/go-elasticsearch/v8": "indexer/elastic",
	"modernc.org/sqlite":                     "indexer/embedded",
}

// Check gives one line per broken wall, sorted.
func Check(packages []Package) []string {
	var broken []string
	for _, p := range packages {
		own, ours := strings.CutPrefix(p.ImportPath, module)
		if !ours {
			continue
		}
		r, ok := roomOf(own)
		if !ok {
			broken = append(broken, fmt.Sprintf("%s lies in no room of the table: add a row, or move it", p.ImportPath))
			continue
		}
		broken = append(broken, r.check(own, p.Imports, false)...)
		broken = append(broken, r.check(own, p.TestImports, true)...)
		broken = append(broken, r.check(own, p.XTestImports, true)...)
		for _, never := range r.never {
			if i := slices.IndexFunc(p.Deps, func(d string) bool { return below(d, never) }); i >= 0 {
				broken = append(broken, fmt.Sprintf("%s must stay free of %s, and depends on %s", p.ImportPath, never, p.Deps[i]))
			}
		}
	}
	slices.Sort(broken)
	return slices.Compact(broken)
}

// check looks at the direct imports of one package.
func (r room) check(own string, imports []string, test bool) []string {
	var broken []string
	complain := func(imported, why string) {
		what := "imports"
		if test {
			what = "imports in its tests"
		}
		broken = append(broken, fmt.Sprintf("%s%s %s %s: %s", module, own, what, imported, why))
	}
	for _, imported := range imports {
		for library, folder := range onlyImporter {
			if !test && below(imported, library) && !below(own, folder) && !belowAny(own, onlyInTests) {
				complain(imported, "only "+folder+" may")
			}
		}
		path, ours := strings.CutPrefix(imported, module)
		switch {
		case !ours || below(path, r.path):
		case belowAny(path, onlyInTests):
			if !test && !belowAny(own, onlyInTests) {
				complain(imported, "it is for tests only")
			}
		case !belowAny(path, r.may):
			complain(imported, r.path+" may import "+r.allowed())
		}
	}
	return broken
}

func (r room) allowed() string {
	if len(r.may) == 0 {
		return "nothing of ours"
	}
	return "only " + strings.Join(r.may, ", ")
}

func roomOf(path string) (room, bool) {
	var found room
	for _, r := range table {
		if below(path, r.path) && len(r.path) > len(found.path) {
			found = r
		}
	}
	return found, found.path != ""
}

// below says whether a path is the folder or lies in it; the empty folder is the root.
func below(path, folder string) bool {
	return folder == "" || path == folder || strings.HasPrefix(path, folder+"/")
}

func belowAny(path string, folders []string) bool {
	return slices.ContainsFunc(folders, func(f string) bool { return below(path, f) })
}
