package testenv

import (
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

//go:embed moto/requirements.txt
var motoRequirements []byte

//go:embed elasticmq/pom.xml
var elasticmqPOM []byte

// CloudNode is a server that answers as AWS does, as a process of its own. Its address stays the same over restarts; its memory
// is all that it has, so a restart empties it.
type CloudNode struct {
	*node
	port int
}

// URL is the endpoint that clients are given.
func (n *CloudNode) URL() string { return "http://127.0.0.1:" + strconv.Itoa(n.port) }

// Moto starts moto server: S3, SQS, SNS, EventBridge, STS and IAM, with the notifications between them. It is stopped at the end
// of the test.
func Moto(t testing.TB) *CloudNode {
	t.Helper()
	python, err := MotoPython(context.WithoutCancel(t.Context()), t.Logf)
	requireProgram(t, err)
	n := &CloudNode{port: freePort(t)}
	n.node = &node{
		name: "moto", logFile: filepath.Join(t.TempDir(), "moto.log"),
		command: func() *exec.Cmd {
			cmd := exec.Command(python, "-m", "moto.server", "-H", "127.0.0.1", "-p", strconv.Itoa(n.port))
			// Settings of AWS clients are the test's, not the server's.
			cmd.Env = slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "AWS_") })
			return cmd
		},
		ready: n.answers("/moto-api/"),
	}
	t.Cleanup(n.Kill)
	n.Start(t)
	return n
}

// ElasticMQ starts ElasticMQ, an SQS server that keeps visibility time-outs as SQS does. It is stopped at the end of the test.
func ElasticMQ(t testing.TB) *CloudNode {
	t.Helper()
	java, dir, err := prepareElasticMQ(context.WithoutCancel(t.Context()), t.Logf)
	requireProgram(t, err)
	n := &CloudNode{port: freePort(t)}
	home := t.TempDir()
	config := filepath.Join(home, "elasticmq.conf")
	text := fmt.Sprintf(`include classpath("application.conf")
node-address { protocol = http, host = "127.0.0.1", port = %d, context-path = "" }
rest-sqs { enabled = true, bind-port = %d, bind-hostname = "127.0.0.1", sqs-limits = strict }
rest-stats { enabled = false }
`, n.port, n.port)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatalf("configuring ElasticMQ: %v", err)
	}
	n.node = &node{
		name: "ElasticMQ", logFile: filepath.Join(home, "elasticmq.log"),
		command: func() *exec.Cmd {
			return exec.Command(java, "-Xmx128m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Dconfig.file="+config,
				"-cp", filepath.Join(dir, "*"), "org.elasticmq.server.Main")
		},
		ready: n.answers("/?Action=ListQueues"),
	}
	t.Cleanup(n.Kill)
	n.Start(t)
	return n
}

// answers says that a server is there when it answers a request, whatever it answers.
func (n *CloudNode) answers(path string) func(context.Context) error {
	return func(ctx context.Context) error {
		_, err := Ask(ctx, n.URL()+path)
		return err
	}
}

func requireProgram(t testing.TB, err error) {
	t.Helper()
	if missing, ok := errors.AsType[*missingError](err); ok {
		Require(t, false, missing.Error())
	}
	if err != nil {
		t.Fatal(err)
	}
}

// PrepareCloud installs moto and fetches ElasticMQ, so that the first test need not. It is what `make deps` runs.
func PrepareCloud(ctx context.Context, logf func(string, ...any)) error {
	_, err := prepareMoto(ctx, logf)
	_, _, other := prepareElasticMQ(ctx, logf)
	return errors.Join(err, other)
}

// MotoPython gives the Python that has moto: -m moto.server starts it. The first call installs it.
func MotoPython(ctx context.Context, logf func(string, ...any)) (string, error) {
	dir, err := prepareMoto(ctx, logf)
	return filepath.Join(dir, "bin", "python"), err
}

// prepareMoto gives the virtual environment in the cache.
func prepareMoto(ctx context.Context, logf func(string, ...any)) (string, error) {
	return prepared("moto", motoRequirements, func(temp string) error {
		python, err := exec.LookPath("python3")
		if err != nil {
			return &missingError{"moto", "python3", "python3-venv"}
		}
		logf("preparing moto: installing it into a virtual environment (140 MB)")
		if err := run(ctx, python, "-m", "venv", temp); err != nil {
			return &missingError{"moto", "python3 with venv", "python3-venv"}
		}
		list := filepath.Join(temp, "requirements.txt")
		if err := os.WriteFile(list, motoRequirements, 0o600); err != nil {
			return err
		}
		return run(ctx, filepath.Join(temp, "bin", "python"), "-m", "pip", "install", "-q", "--disable-pip-version-check", "-r", list)
	})
}

// prepareElasticMQ gives java and the folder of the jars in the cache.
func prepareElasticMQ(ctx context.Context, logf func(string, ...any)) (java, dir string, err error) {
	if java, err = program("java", "default-jdk-headless"); err != nil {
		return "", "", err
	}
	dir, err = prepared("elasticmq", elasticmqPOM, func(temp string) error {
		mvn, err := program("mvn", "maven")
		if err != nil {
			return err
		}
		logf("preparing ElasticMQ: fetching its jars (37 MB)")
		pom := filepath.Join(temp, "pom.xml")
		if err := os.WriteFile(pom, elasticmqPOM, 0o600); err != nil {
			return err
		}
		return run(ctx, mvn, "-B", "-ntp", "-q", "-f", pom, "dependency:copy-dependencies", "-DoutputDirectory="+temp)
	})
	return java, dir, err
}

// prepared gives a folder of the cache, whose name holds a hash of what it is made of, and which appears whole or not at all.
func prepared(name string, recipe []byte, build func(temp string) error) (string, error) {
	cache, err := CacheDir()
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(recipe)
	dir := filepath.Join(cache, name+"-"+hex.EncodeToString(sum[:6]))
	if isDir(dir) {
		return dir, nil
	}
	if err := os.MkdirAll(cache, 0o755); err != nil {
		return "", fmt.Errorf("making the cache folder: %w", err)
	}
	temp, err := os.MkdirTemp(cache, "preparing-")
	if err != nil {
		return "", fmt.Errorf("preparing %s: %w", name, err)
	}
	defer os.RemoveAll(temp)
	if err := build(temp); err != nil {
		return "", fmt.Errorf("preparing %s: %w", name, err)
	}
	if err := os.Rename(temp, dir); err != nil && !isDir(dir) { // another test process may have been faster
		return "", fmt.Errorf("preparing %s: %w", name, err)
	}
	return dir, nil
}
