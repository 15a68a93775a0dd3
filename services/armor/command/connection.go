package command

import (
	"errors"
	"fmt"
	"log/slog"

	"github.com/spf13/cobra"
	"google.golang.org/grpc"

	"armor/internal/rpc"
	"armor/services/armor/datadir"
)

// connectionFlags say whom to ask: the process of a data directory, or a service anywhere.
type connectionFlags struct {
	data   string
	remote rpc.ClientConfig
}

func (f *connectionFlags) register(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.data, "data", "./"+datadir.Default, "data `directory` of the Armor to ask")
	flags.StringVar(&f.remote.Address, "address", "", "ask the service at this `host:port` instead")
	flags.StringVar(&f.remote.TLS.CA, "ca", "", "`file` of the authority that the service's certificate is checked against")
	flags.StringVar(&f.remote.TLS.Certificate, "certificate", "", "`file` of the client certificate, such as certs/operator.crt")
	flags.StringVar(&f.remote.TLS.Key, "key", "", "`file` of its private key")
	flags.StringVar(&f.remote.TokenFile, "token-file", "", "`file` of the service's token, for a service without client certificates")
}

// errNotRunning says that a data directory has no process to ask.
var errNotRunning = errors.New("no Armor is running")

// dial connects to the service. Without --address and without a running process the error is errNotRunning.
func (f *connectionFlags) dial() (*grpc.ClientConn, error) {
	quiet := slog.New(slog.DiscardHandler)
	if f.remote.Address != "" {
		conn, err := rpc.Dial(f.remote, quiet)
		return conn, usage(err)
	}
	dir, err := datadir.At(f.data)
	if err != nil {
		return nil, usage(err)
	}
	endpoints, running, err := dir.Running()
	if err != nil {
		return nil, err
	}
	if !running {
		return nil, fmt.Errorf("%w on data directory %s: start it with `armor up --data %s`, or name a service with --address", errNotRunning, f.data, f.data)
	}
	if endpoints.GRPC == "" {
		return nil, fmt.Errorf("the Armor on data directory %s is still starting: try again in a moment", f.data)
	}
	return rpc.Dial(rpc.ClientConfig{Address: endpoints.GRPC, TokenFile: dir.Token()}, quiet)
}
