package command

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"armor/indexer/kibana"
	"armor/indexer/template"
	"armor/services/armor/terminal"
)

func newKibanaCheck() *cobra.Command {
	var (
		flags  kibanaFlags
		behind elasticFlags
	)
	cmd := &cobra.Command{
		Use:   "check",
		Short: "Look whether a Kibana has the dashboards, unharmed",
		Long: `Looks whether data view, panels and dashboards are there, whether the dashboards still have their panels, and whether the data view
knows each panel's field. With --elasticsearch it looks for the index template too. It changes nothing; a user who may only
read will do. Exit code 1 when something is missing or was changed.`,
		Example: `  armor kibana check
  armor kibana check --url https://kibana.example.com:5601 --user reader --password-file reader.password --json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			client, err := flags.client(cmd)
			if err != nil {
				return err
			}
			defer client.Close()
			version, err := client.Ready(cmd.Context())
			if err != nil {
				return err
			}
			findings, err := client.Verify(cmd.Context())
			if err != nil {
				return err
			}
			if behind.url != "" {
				f, err := checkTemplate(cmd.Context(), behind, flags.config)
				if err != nil {
					return err
				}
				findings = append(findings, f)
			}
			return reportFindings(cmd, flags.json, version, findings)
		},
	}
	flags.register(cmd, 0)
	behind.register(cmd, "looks for the index template there")
	return cmd
}

func checkTemplate(ctx context.Context, behind elasticFlags, cfg kibana.Config) (kibana.Finding, error) {
	f := kibana.Finding{Subject: "index template " + template.Name, ID: template.Name, State: kibana.Sound}
	s, err := behind.open(ctx, cfg)
	if s != nil {
		defer s.Close()
	}
	if err != nil {
		return f, err
	}
	version, _, err := s.InstalledTemplate(ctx)
	switch {
	case err != nil:
		return f, err
	case version == 0:
		f.State, f.Detail = kibana.Missing, "start the indexer, or run armor kibana setup --elasticsearch"
	case version < template.Version:
		f.State, f.Detail = kibana.Changed, fmt.Sprintf("it is of version %d, and this Armor's is %d: start the indexer, or run armor kibana setup --elasticsearch", version, template.Version)
	}
	return f, nil
}

// reportFindings prints what was found; it fails when something is missing or changed.
func reportFindings(cmd *cobra.Command, asJSON bool, version string, findings []kibana.Finding) error {
	sound := true
	for _, f := range findings {
		sound = sound && (f.State == kibana.Sound || f.State == kibana.Unknown)
	}
	out := output(cmd)
	if asJSON {
		if err := writeJSON(out, struct {
			OK       bool             `json:"ok"`
			Version  string           `json:"version,omitempty"`
			Findings []kibana.Finding `json:"findings"`
		}{sound, version, findings}); err != nil {
			return err
		}
	} else {
		p := terminal.Buffered(out, cmd.OutOrStdout())
		t := terminal.NewTable("State", "What", "")
		counts := map[kibana.State]int{}
		for _, f := range findings {
			counts[f.State]++
			if f.State != kibana.Sound {
				t.Row(string(f.State), f.Subject, f.Detail)
			}
		}
		if counts[kibana.Sound] < len(findings) {
			p.Table(t)
		}
		p.Line("%d ok, %d missing, %d changed, %d unknown", counts[kibana.Sound], counts[kibana.Missing], counts[kibana.Changed], counts[kibana.Unknown])
	}
	if err := out.Flush(); err != nil {
		return err
	}
	if !sound {
		return errFailed
	}
	return nil
}
