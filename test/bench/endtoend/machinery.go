// Package endtoend measures the way from a log file to an alert on NATS, with every program a process of its own on one machine.
// It promises that what it measured was right: each line that is to raise an alert raised one, and no other did.
package endtoend

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/nats-io/nats.go"

	"armor/internal/alertstream"
	"armor/internal/testenv"
	"armor/rules/selection"
	"armor/test/process"
)

// Machinery is what is measured: where the programs are and what they are started with.
type Machinery struct {
	// Programs is the folder of armor-agent and armor-manager; NATS the path of nats-server.
	Programs, NATS string
	// Ruleset of the manager.
	Ruleset selection.Config
	// Python has moto; empty: no bucket can be measured.
	Python string
	// Profiles is a folder for CPU profiles of agent and manager; empty: none are taken.
	Profiles string
	// Logf tells progress.
	Logf func(format string, args ...any)
}

// readyLimit is how long a program may take to start on a loaded machine.
const readyLimit = 3 * time.Minute

// plant is one set of running programs on fresh data.
type plant struct {
	m       Machinery
	dir     string
	nats    *process.Process
	manager *process.Process
	agent   *process.Process // nil: not started
	s3      *process.Process // nil: not started
	conn    *nats.Conn

	managerAddress, managerDebug, agentDebug string
}

// start starts nats-server and the manager in an empty folder below dir.
func (m Machinery) start(ctx context.Context, dir string) (p *plant, err error) {
	ctx, cancel := context.WithTimeout(ctx, readyLimit)
	defer cancel()
	p = &plant{m: m}
	if p.dir, err = os.MkdirTemp(dir, "armor-bench-"); err != nil {
		return nil, fmt.Errorf("making a folder for the measurement: %w", err)
	}
	defer func() {
		if err != nil {
			err = p.close(err)
		}
	}()
	addresses, err := freeAddresses(4)
	if err != nil {
		return nil, err
	}
	p.managerAddress, p.managerDebug, p.agentDebug = addresses[1], addresses[2], addresses[3]
	host, port, _ := net.SplitHostPort(addresses[0])
	p.nats, err = process.Start("nats-server", filepath.Join(p.dir, "nats.log"), m.NATS,
		"--addr", host, "--port", port, "--jetstream", "--store_dir", filepath.Join(p.dir, "nats"))
	if err != nil {
		return nil, err
	}
	err = p.nats.Await(ctx, func(context.Context) (err error) {
		p.conn, err = nats.Connect("nats://"+addresses[0], nats.Name("bench"))
		return err
	})
	if err != nil {
		return nil, err
	}
	ruleset, err := json.Marshal(map[string]any{ // YAML takes JSON
		"directory": m.Ruleset.Directory, "overlays": m.Ruleset.Overlays, "include": m.Ruleset.Include, "exclude": m.Ruleset.Exclude,
		"set_rule_decoder": m.Ruleset.SetRuleDecoder,
	})
	if err != nil {
		return nil, fmt.Errorf("writing the manager's configuration: %w", err)
	}
	p.manager, err = p.program("manager", fmt.Sprintf(`
name: bench
data_dir: %[1]q
grpc: {listen: %[2]q}
nats: {url: "nats://%[3]s"}
ruleset: %[4]s
debug: {listen: %[5]q}
`, filepath.Join(p.dir, "manager"), p.managerAddress, addresses[0], ruleset, p.managerDebug))
	if err != nil {
		return nil, err
	}
	err = p.manager.Await(ctx, func(ctx context.Context) error {
		if _, err := p.published(ctx); err != nil {
			return err
		}
		listening, err := (&net.Dialer{}).DialContext(ctx, "tcp", p.managerAddress)
		if err != nil {
			return err
		}
		return errors.Join(listening.Close(), ready(ctx, p.managerDebug))
	})
	return p, err
}

// startAgent starts an agent that reads the files of a glob.
func (p *plant) startAgent(glob string) (err error) {
	return p.startAgentOn(fmt.Sprintf("{type: logfile, path: %q}", glob))
}

// startAgentOn starts an agent with an input.
func (p *plant) startAgentOn(input string) (err error) {
	p.agent, err = p.program("agent", fmt.Sprintf(`
agent: {id: "001", name: bench}
manager: {address: %q, token_file: %q}
data_dir: %q
inputs:
  - %s
debug: {listen: %q}
`, p.managerAddress, p.token(), filepath.Join(p.dir, "agent"), input, p.agentDebug))
	return err
}

func (p *plant) token() string { return filepath.Join(p.dir, "manager", "token") }

func (p *plant) program(name, config string) (*process.Process, error) {
	path := filepath.Join(p.dir, name+".yaml")
	if err := os.WriteFile(path, []byte(config), 0o600); err != nil {
		return nil, fmt.Errorf("configuring the %s: %w", name, err)
	}
	return process.StartWith(cloudEnv, name, filepath.Join(p.dir, name+".log"), filepath.Join(p.m.Programs, "armor-"+name), "--config", path)
}

// close ends everything, the last first, and removes the data. It gives the error of the measurement, after which nothing is
// asked to end in good order, or what is wrong with the end.
func (p *plant) close(err error) error {
	if p.conn != nil {
		defer p.conn.Close()
	}
	for _, part := range []*process.Process{p.agent, p.manager, p.nats, p.s3} {
		switch {
		case part == nil:
		case err != nil || part == p.nats || part == p.s3: // they have no good order: they do not end with 0
			part.Kill()
		default:
			err = part.Stop()
		}
	}
	return errors.Join(err, os.RemoveAll(p.dir))
}

// ready asks a program's /readyz.
func ready(ctx context.Context, address string) error {
	return answers(ctx, "http://"+address+"/readyz")
}

// answers says whether a server answers with 200.
func answers(ctx context.Context, url string) error {
	status, err := testenv.Ask(ctx, url)
	if err == nil && status != http.StatusOK {
		err = fmt.Errorf("it is not ready: %d", status)
	}
	return err
}

// published is how many alerts the stream has taken.
func (p *plant) published(ctx context.Context) (uint64, error) {
	answer, err := p.conn.RequestWithContext(ctx, "$JS.API.STREAM.INFO."+alertstream.AlertStream, nil)
	if err != nil {
		return 0, fmt.Errorf("asking NATS for the alert stream: %w", err)
	}
	var info struct {
		State struct {
			LastSequence uint64 `json:"last_seq"`
		} `json:"state"`
		Error *struct {
			Description string `json:"description"`
		} `json:"error"`
	}
	if err := json.Unmarshal(answer.Data, &info); err != nil {
		return 0, fmt.Errorf("asking NATS for the alert stream: %w", err)
	}
	if info.Error != nil {
		return 0, fmt.Errorf("asking NATS for the alert stream: %s", info.Error.Description)
	}
	return info.State.LastSequence, nil
}

// receipted is how many events of the agent are finished.
func (p *plant) receipted(ctx context.Context) (uint64, error) {
	counters, err := testenv.AgentCounters(ctx, p.agentDebug)
	return counters["receipted"], err
}

func freeAddresses(n int) (addresses []string, err error) {
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, fmt.Errorf("finding a free port: %w", err)
		}
		defer l.Close()
		addresses = append(addresses, l.Addr().String())
	}
	return addresses, nil
}
