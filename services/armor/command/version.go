package command

import (
	"encoding/json"
	"runtime"

	"github.com/spf13/cobra"

	"armor/internal/daemon"
	"armor/services/armor/terminal"
)

func newVersion() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:     "version",
		Short:   "Print the version",
		Example: `  armor version --json`,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if asJSON {
				return json.NewEncoder(cmd.OutOrStdout()).Encode(struct {
					Version string `json:"version"`
					Go      string `json:"go"`
					OS      string `json:"os"`
					Arch    string `json:"arch"`
				}{daemon.Version(), runtime.Version(), runtime.GOOS, runtime.GOARCH})
			}
			terminal.New(cmd.OutOrStdout()).Line("armor %s (%s, %s/%s)", daemon.Version(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
			return nil
		},
	}
	jsonFlag(cmd, &asJSON, "as one JSON object")
	return cmd
}
