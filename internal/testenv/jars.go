package testenv

import (
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

//go:embed elasticsearch/pom.xml
var elasticsearchPOM []byte

//go:embed elasticsearch/ArmorNode.java
var elasticsearchLauncher []byte

// missingError is a program that is not on this machine.
type missingError struct{ what, program, pkg string }

func (e *missingError) Error() string {
	return fmt.Sprintf("%s needs %s: `make deps` installs it, or install the package %s", e.what, e.program, e.pkg)
}

// distribution is the server as it lies in the cache.
type distribution struct {
	java   string
	dir    string // jars/ and launcher/
	module string // the folder of the transport module
}

func (d distribution) classPath() string {
	return filepath.Join(d.dir, "launcher") + string(os.PathListSeparator) + filepath.Join(d.dir, "jars", "*")
}

// PrepareElasticsearch fetches the jars and compiles the launcher, so that the first test need not. It is what `make deps` runs.
func PrepareElasticsearch(ctx context.Context, logf func(string, ...any)) error {
	_, err := prepareElasticsearch(ctx, logf)
	return err
}

// prepareElasticsearch gives the server in the cache, made when it is not there. The folder's name holds a hash of what it is
// made of, and it appears whole or not at all.
func prepareElasticsearch(ctx context.Context, logf func(string, ...any)) (distribution, error) {
	java, err := program("java", "default-jdk-headless")
	if err != nil {
		return distribution{}, err
	}
	cache, err := CacheDir()
	if err != nil {
		return distribution{}, err
	}
	hash := sha256.New()
	hash.Write(elasticsearchPOM)
	hash.Write(elasticsearchLauncher)
	dir := filepath.Join(cache, "elasticsearch-"+hex.EncodeToString(hash.Sum(nil))[:12])
	d := distribution{java: java, dir: dir, module: filepath.Join(dir, "transport-netty4")}
	if isDir(dir) {
		return d, nil
	}
	if err := os.MkdirAll(cache, 0o755); err != nil {
		return d, fmt.Errorf("making the cache folder: %w", err)
	}
	temp, err := os.MkdirTemp(cache, "preparing-")
	if err != nil {
		return d, fmt.Errorf("preparing Elasticsearch: %w", err)
	}
	defer os.RemoveAll(temp)
	logf("preparing Elasticsearch: fetching its jars (41 MB) and compiling the launcher")
	if err := build(ctx, temp); err != nil {
		return d, fmt.Errorf("preparing Elasticsearch: %w", err)
	}
	if err := os.Rename(temp, dir); err != nil && !isDir(dir) { // another test process may have been faster
		return d, fmt.Errorf("preparing Elasticsearch: %w", err)
	}
	return d, nil
}

// build fills an empty folder with jars/, launcher/ and transport-netty4/.
func build(ctx context.Context, dir string) error {
	mvn, err := program("mvn", "maven")
	if err != nil {
		return err
	}
	javac, err := program("javac", "default-jdk-headless")
	if err != nil {
		return err
	}
	pom, source := filepath.Join(dir, "pom.xml"), filepath.Join(dir, "ArmorNode.java")
	if err := os.WriteFile(pom, elasticsearchPOM, 0o644); err != nil {
		return err
	}
	if err := os.WriteFile(source, elasticsearchLauncher, 0o644); err != nil {
		return err
	}
	jars := filepath.Join(dir, "jars")
	if err := run(ctx, mvn, "-B", "-ntp", "-q", "-f", pom, "dependency:copy-dependencies", "-DoutputDirectory="+jars); err != nil {
		return err
	}
	if err := run(ctx, javac, "-d", filepath.Join(dir, "launcher"), "-cp", filepath.Join(jars, "*"), source); err != nil {
		return err
	}
	return splitModule(dir)
}

// splitModule moves the transport's jars into a module folder with the descriptor that its jar carries. The line modulename
// goes, so that the module loads from the class path.
func splitModule(dir string) error {
	module := filepath.Join(dir, "transport-netty4")
	if err := os.Mkdir(module, 0o755); err != nil {
		return err
	}
	var transport string
	for _, pattern := range []string{"netty-*.jar", "transport-netty4-*.jar"} {
		files, err := filepath.Glob(filepath.Join(dir, "jars", pattern))
		if err != nil {
			return err
		}
		for _, file := range files {
			moved := filepath.Join(module, filepath.Base(file))
			if err := os.Rename(file, moved); err != nil {
				return err
			}
			transport = moved
		}
	}
	if transport == "" {
		return fmt.Errorf("the transport's jars are not among the fetched ones")
	}
	const inside = "META-INF/es-plugins/transport-netty4/plugin-descriptor.properties"
	descriptor, err := readZipped(transport, inside)
	if err != nil {
		return err
	}
	var kept strings.Builder
	for line := range strings.Lines(descriptor) {
		if !strings.HasPrefix(line, "modulename=") {
			kept.WriteString(line)
		}
	}
	return os.WriteFile(filepath.Join(module, filepath.Base(inside)), []byte(kept.String()), 0o644)
}

// program finds a program, first where JAVA_HOME says.
func program(name, pkg string) (string, error) {
	if home := os.Getenv("JAVA_HOME"); home != "" {
		path := filepath.Join(home, "bin", name)
		if info, err := os.Stat(path); err == nil && !info.IsDir() {
			return path, nil
		}
	}
	path, err := exec.LookPath(name)
	if err != nil {
		return "", &missingError{"Elasticsearch", name, pkg}
	}
	return path, nil
}

func run(ctx context.Context, name string, args ...string) error {
	out, err := exec.CommandContext(ctx, name, args...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s: %w\n%s", filepath.Base(name), err, out)
	}
	return nil
}
