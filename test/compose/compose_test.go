// Package compose checks services/compose.yaml and the Dockerfiles as far as that goes without a container engine: that they are
// well formed and careful, and that the programs accept the settings that they are given there.
package compose

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"armor/internal/rpc"
	"armor/internal/rpc/certs"
	"armor/internal/testenv"
)

type composeFile struct {
	Services map[string]struct {
		Image string
		Build struct {
			Context    string
			Dockerfile string
		}
		Environment map[string]string
		Ports       []string
		Volumes     []string
		Secrets     []string
		DependsOn   map[string]any `yaml:"depends_on"`
	}
	Volumes map[string]any
	Secrets map[string]any
}

func read(t *testing.T) composeFile {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(testenv.Root(t), "services", "compose.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var file composeFile
	if err := yaml.Unmarshal(content, &file); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestCompose(t *testing.T) {
	file, root := read(t), testenv.Root(t)
	for _, name := range []string{"certs", "nats", "elasticsearch", "kibana", "manager", "indexer", "agent"} {
		if _, ok := file.Services[name]; !ok {
			t.Errorf("there is no service %s", name)
		}
	}
	for name, s := range file.Services {
		if _, tag, ok := strings.Cut(s.Image, ":"); s.Image != "" && (!ok || tag == "latest") {
			t.Errorf("%s: image %s has no fixed version", name, s.Image)
		}
		if s.Image == "" {
			if _, err := os.Stat(filepath.Join(root, s.Build.Dockerfile)); err != nil || s.Build.Context != ".." {
				t.Errorf("%s: build of %q in %q: %v", name, s.Build.Dockerfile, s.Build.Context, err)
			}
		}
		for _, port := range s.Ports {
			if !strings.HasPrefix(port, "127.0.0.1:") {
				t.Errorf("%s: port %s is published beyond this machine", name, port)
			}
		}
		for _, volume := range s.Volumes {
			source, _, _ := strings.Cut(volume, ":")
			if _, ok := file.Volumes[source]; !ok && !strings.HasPrefix(source, "$") {
				t.Errorf("%s: volume %s is not declared", name, source)
			}
		}
		for _, secret := range s.Secrets {
			if _, ok := file.Secrets[secret]; !ok {
				t.Errorf("%s: secret %s is not declared", name, secret)
			}
		}
		for other := range s.DependsOn {
			if _, ok := file.Services[other]; !ok {
				t.Errorf("%s depends on %s, which is no service", name, other)
			}
		}
	}
}

// TestProgramsAcceptTheirSettings runs each program's own check on the environment that compose.yaml gives it.
func TestProgramsAcceptTheirSettings(t *testing.T) {
	file, bin, keys := read(t), t.TempDir(), certificates(t)
	for _, name := range []string{"agent", "manager", "indexer"} {
		program := filepath.Join(bin, "armor-"+name)
		build := exec.Command("go", "build", "-pgo=off", "-o", program, "armor/services/armor-"+name)
		if out, err := build.CombinedOutput(); err != nil {
			t.Fatalf("building armor-%s: %v\n%s", name, err, out)
		}
		check := exec.Command(program, "--check")
		check.Env = []string{"HOME=" + bin}
		for key, value := range file.Services[name].Environment {
			check.Env = append(check.Env, key+"="+strings.Replace(value, "/certs", keys, 1))
		}
		if out, err := check.CombinedOutput(); err != nil || len(out) > 0 {
			t.Errorf("armor-%s --check: %v\n%s", name, err, out)
		}
	}
}

// certificates makes what the service `certs` makes.
func certificates(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	authority, _, err := certs.Open(dir, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	for _, subject := range []certs.Subject{
		{Identity: rpc.Identity{Role: rpc.RoleService, ID: "manager"}, Hosts: []string{"manager"}},
		{Identity: rpc.Identity{Role: rpc.RoleService, ID: "indexer"}, Hosts: []string{"indexer"}},
		{Identity: rpc.Identity{Role: rpc.RoleAgent, ID: "001"}},
	} {
		if _, err := authority.Issue(subject, time.Hour); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestDockerfiles(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(testenv.Root(t), "services", "*", "Dockerfile"))
	if err != nil || len(files) < 4 {
		t.Fatalf("%d Dockerfiles, %v", len(files), err)
	}
	mod, err := os.ReadFile(filepath.Join(testenv.Root(t), "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	_, version, _ := strings.Cut(string(mod), "\ngo ")
	version, _, _ = strings.Cut(version, "\n")
	minor := version[:strings.LastIndex(version, ".")] // 1.26.0 is 1.26
	for _, path := range files {
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		text, name := string(content), filepath.Base(filepath.Dir(path))
		for _, want := range []string{"FROM golang:" + minor + ".", "CGO_ENABLED=0", "USER 65532:65532", "./services/" + name} {
			if !strings.Contains(text, want) {
				t.Errorf("%s: no %q", path, want)
			}
		}
	}
}
