package command

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"armor/indexer/elastic"
	"armor/indexer/kibana"
	"armor/indexer/store"
	"armor/indexer/template"
	"armor/services/armor/terminal"
)

// elasticFlags say how to reach the Elasticsearch behind a Kibana. It has the same users, so the log-in is the same.
type elasticFlags struct {
	url, ca, period string
}

func (f *elasticFlags) register(cmd *cobra.Command, what string) {
	cmd.Flags().StringVar(&f.url, "elasticsearch", "", "`address` of Elasticsearch, with the same log-in: "+what)
	cmd.Flags().StringVar(&f.ca, "elasticsearch-ca", "", "`file` of the authorities of its certificate; default: as --ca")
}

// open makes a store, with the period that the cluster records; nil: no address was given.
func (f *elasticFlags) open(ctx context.Context, k kibana.Config) (*elastic.Store, error) {
	if f.url == "" {
		return nil, nil
	}
	cfg := elastic.Config{
		URLs: []string{f.url}, User: k.User, PasswordFile: k.PasswordFile, APIKeyFile: k.APIKeyFile, CA: k.CA,
		IndexPeriod: store.Period(f.period),
	}
	if f.ca != "" {
		cfg.CA = f.ca
	}
	s, err := elastic.New(cfg, elastic.Options{})
	if err != nil {
		return nil, usage(err)
	}
	if f.period != "" {
		return s, nil
	}
	_, cfg.IndexPeriod, err = s.InstalledTemplate(ctx)
	if err != nil || cfg.IndexPeriod == "" {
		return s, err
	}
	_ = s.Close()
	s, err = elastic.New(cfg, elastic.Options{})
	return s, usage(err)
}

// setupReport is what setup did, as JSON.
type setupReport struct {
	Kibana   string        `json:"kibana"`
	Version  string        `json:"version,omitempty"`
	Space    string        `json:"space"`
	DryRun   bool          `json:"dry_run,omitempty"`
	Template int           `json:"index_template,omitempty"`
	Objects  int           `json:"objects"`
	Made     []string      `json:"would_make,omitempty"`
	Renewed  []string      `json:"would_renew,omitempty"`
	Links    []kibana.Link `json:"dashboards"`
	Warnings []string      `json:"warnings,omitempty"`
}

func newKibanaSetup() *cobra.Command {
	var (
		flags  kibanaFlags
		behind elasticFlags
		dryRun bool
	)
	cmd := &cobra.Command{
		Use:   "setup",
		Short: "Install the dashboards in a Kibana",
		Long: `Installs data view, panels and dashboards, over those of an earlier setup: what was changed in them by hand is lost, so change
copies. It waits for a Kibana that starts, and says what for. With --elasticsearch it also installs the index template, which
the indexer otherwise does when it starts.

The log-in needs the Kibana privilege All on Dashboard, Visualize Library, Discover, Data View Management, Tag Management and
Saved Objects Management in the space; for --elasticsearch also the cluster privilege manage_index_templates.`,
		Example: `  armor kibana setup
  armor kibana setup --url https://kibana.example.com:5601 --ca ca.crt --api-key-file kibana.key --space soc
  armor kibana setup --user elastic --password-file elastic.password --elasticsearch http://127.0.0.1:9200
  armor kibana setup --dry-run`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			client, err := flags.client(cmd)
			if err != nil {
				return err
			}
			defer client.Close()
			report := setupReport{Kibana: flags.config.URL, Space: flags.config.Space, DryRun: dryRun}
			if report.Space == "" {
				report.Space = kibana.DefaultSpace
			}
			if behind.period != "" && !store.Period(behind.period).Valid() {
				return usagef("--index-period %q: write month, week or day", behind.period)
			}
			if report.Version, err = client.Ready(cmd.Context()); err != nil {
				return err
			}
			if dryRun {
				err = report.foresee(cmd.Context(), client)
			} else {
				err = report.install(cmd.Context(), client, flags.config, behind)
			}
			if err != nil {
				return err
			}
			if flags.json {
				out := output(cmd)
				if err := writeJSON(out, report); err != nil {
					return err
				}
				return out.Flush()
			}
			report.print(terminal.New(cmd.OutOrStdout()))
			return nil
		},
	}
	flags.register(cmd, 5*time.Minute)
	behind.register(cmd, "installs the index template there")
	cmd.Flags().StringVar(&behind.period, "index-period", "", "`span` of one index: month, week or day; default: the cluster's, else month")
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "look and say what would be made, and change nothing")
	return cmd
}

// foresee says what an import would do.
func (r *setupReport) foresee(ctx context.Context, client *kibana.Client) error {
	findings, err := client.Verify(ctx)
	if err != nil {
		return err
	}
	for _, f := range findings {
		switch {
		case f.State == kibana.Missing:
			r.Made = append(r.Made, f.Subject)
		case f.Object:
			r.Renewed = append(r.Renewed, f.Subject)
		}
	}
	r.Objects = len(r.Made) + len(r.Renewed)
	r.Links = client.Links(kibana.Installed{})
	return nil
}

func (r *setupReport) install(ctx context.Context, client *kibana.Client, cfg kibana.Config, behind elasticFlags) error {
	s, err := behind.open(ctx, cfg)
	if s != nil {
		defer s.Close()
	}
	if err != nil {
		return err
	}
	if s != nil {
		if err := s.Ready(ctx); err != nil {
			return err
		}
		r.Template = template.Version
	}
	done, err := client.Install(ctx)
	if err != nil {
		return err
	}
	r.Objects, r.Warnings, r.Links = done.Objects, done.Warnings, client.Links(done)
	return nil
}

func (r *setupReport) print(p *terminal.Printer) {
	version := ""
	if r.Version != "" {
		version = " " + terminal.Clean(r.Version, 40)
	}
	if r.DryRun {
		p.Line("would make %d objects and renew %d in Kibana%s, space %s", len(r.Made), len(r.Renewed), version, r.Space)
		for _, s := range r.Made {
			p.Line("  make   %s", terminal.Clean(s, 200))
		}
		for _, s := range r.Renewed {
			p.Line("  renew  %s", terminal.Clean(s, 200))
		}
		return
	}
	if r.Template > 0 {
		p.Line("index template %s is there, version %d", template.Name, r.Template)
	}
	p.Line("installed %d objects in Kibana%s, space %s", r.Objects, version, r.Space)
	for _, w := range r.Warnings {
		p.Line("Kibana warns: %s", terminal.Clean(w, 400))
	}
	t := terminal.NewTable("Dashboard", "Address")
	for _, l := range r.Links {
		t.Row(l.Title, l.URL)
	}
	p.Table(t)
}
