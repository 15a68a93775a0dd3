package command

import (
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"armor/indexer/kibana"
	"armor/services/armor/terminal"
)

func newKibana() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "kibana",
		Short: "Install the Kibana dashboards",
		Long: `Armor's dashboards for Kibana 8: Amazon EC2, AWS overview, Armor overview and Hosts, over the alerts in Elasticsearch.

  armor kibana setup    installs them, waiting for a Kibana that starts; doing it again changes nothing
  armor kibana export   writes them as a file, to be imported by hand under Stack Management, Saved Objects
  armor kibana check    looks whether a Kibana has them, unharmed`,
		Example: `  armor kibana setup --url http://127.0.0.1:5601
  armor kibana export > armor.ndjson`,
		Args: cobra.NoArgs,
	}
	cmd.AddCommand(newKibanaSetup(), newKibanaExport(), newKibanaCheck())
	return cmd
}

// kibanaFlags say how to reach Kibana.
type kibanaFlags struct {
	config kibana.Config
	json   bool
}

func (f *kibanaFlags) register(cmd *cobra.Command, wait time.Duration) {
	c := &f.config
	cmd.Flags().StringVar(&c.URL, "url", "http://127.0.0.1:5601", "`address` of Kibana, with its base path where it has one")
	cmd.Flags().StringVar(&c.Space, "space", "", "`identifier` of a space; default: Kibana's default space")
	cmd.Flags().StringVar(&c.User, "user", "", "log in as this `user`")
	cmd.Flags().StringVar(&c.PasswordFile, "password-file", "", "`file` of the user's password")
	cmd.Flags().StringVar(&c.APIKeyFile, "api-key-file", "", "`file` of an API key (the encoded form), instead of user and password")
	cmd.Flags().StringVar(&c.CA, "ca", "", "`file` of the authorities (PEM) of the certificates; default: the system's")
	cmd.Flags().DurationVar(&c.Wait, "wait", wait, "`time` to wait for a Kibana that starts; 0: not at all")
	jsonFlag(cmd, &f.json, "as one JSON object")
}

// client makes the client; what it waits for goes to the error output.
func (f *kibanaFlags) client(cmd *cobra.Command) (*kibana.Client, error) {
	if err := f.config.Validate(); err != nil {
		return nil, usagef("%s", strings.ReplaceAll(err.Error(), "\n", "; "))
	}
	progress := terminal.New(cmd.ErrOrStderr())
	client, err := kibana.New(f.config, kibana.Options{Progress: func(line string) { progress.Line("%s", terminal.Clean(line, 400)) }})
	return client, usage(err)
}

func newKibanaExport() *cobra.Command {
	var (
		space string
		file  string
	)
	cmd := &cobra.Command{
		Use:   "export",
		Short: "Write the dashboards as a file for Kibana",
		Long: `Writes the saved objects (data view, panels, dashboards, tag), one JSON object a line, to standard output or to a file. Import it
under Stack Management, Saved Objects. The file is the same every time.`,
		Example: `  armor kibana export > armor.ndjson
  armor kibana export --output armor.ndjson --space soc`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := kibana.CheckSpace(space); err != nil {
				return usage(err)
			}
			objects, err := kibana.Export(space)
			if err != nil {
				return err
			}
			if file != "" {
				if err := os.WriteFile(file, objects, 0o644); err != nil {
					return usage(fmt.Errorf("--output: %w", err))
				}
				return nil
			}
			_, err = cmd.OutOrStdout().Write(objects)
			return err
		},
	}
	cmd.Flags().StringVar(&space, "space", "", "`identifier` of the space that it is for; default: Kibana's default space")
	cmd.Flags().StringVarP(&file, "output", "o", "", "`file` to write; default: standard output")
	return cmd
}
