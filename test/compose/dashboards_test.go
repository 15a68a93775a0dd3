package compose

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"armor/indexer/kibana/kibanatest"
	"armor/internal/testenv"
	"armor/services/armor/command"
)

// The service `dashboards` does what compose.yaml says of it, against a stand-in of Kibana and a real Elasticsearch.
func TestDashboardsAreInstalled(t *testing.T) {
	content, err := os.ReadFile(filepath.Join(testenv.Root(t), "services", "compose.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Services map[string]struct{ Command []string }
	}
	if err := yaml.Unmarshal(content, &file); err != nil {
		t.Fatal(err)
	}
	node := testenv.Elasticsearch(t)
	testenv.WipeElasticsearch(t, node)
	kibana := kibanatest.New(t, "8.19.9")
	args := strings.Split(strings.NewReplacer("http://kibana:5601", kibana.URL, "http://elasticsearch:9200", node).Replace(
		strings.Join(file.Services["dashboards"].Command, "\n")), "\n")
	var out, errs bytes.Buffer
	code := command.Run(t.Context(), args, command.IO{In: strings.NewReader(""), Out: &out, Err: &errs})
	if code != 0 || kibana.Imports() != 1 || !strings.Contains(out.String(), "index template armor-alerts is there") {
		t.Errorf("armor %q: code %d, %d imports, %s%s", args, code, kibana.Imports(), &out, &errs)
	}
}
