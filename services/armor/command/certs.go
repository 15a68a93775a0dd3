package command

import (
	"path/filepath"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"armor/internal/rpc"
	"armor/internal/rpc/certs"
	"armor/services/armor/terminal"
)

func newCerts() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "certs",
		Short:   "Make certificates for separate services",
		Long:    `Armor's services prove who they are with certificates: armor://agent/ID, armor://service/NAME, armor://operator/NAME.`,
		Example: `  armor certs init --dir ./certs --host manager.example.com`,
		Args:    cobra.NoArgs,
	}
	cmd.AddCommand(newCertsInit())
	return cmd
}

func newCertsInit() *cobra.Command {
	var (
		dir       string
		hosts     []string
		agents    []string
		operators []string
		days      int
	)
	cmd := &cobra.Command{
		Use:   "init",
		Short: "Make an authority and the certificates of services, operators and agents",
		Long: `Makes a certificate authority (ca.crt, ca.key), the certificates of manager and indexer, of an operator and of agents, each as
NAME.crt and NAME.key, in one directory. What is there is kept, so it can be run again for one more agent or host.
The server certificates hold for localhost and for the names manager, armor-manager, indexer and armor-indexer; name others with --host.
Keep ca.key away from the services: whoever has it can make certificates.`,
		Example: `  armor certs init --dir ./certs
  armor certs init --dir ./certs --agent web-1 --agent web-2
  armor certs init --dir ./certs --host manager.example.com --host 192.0.2.10`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if days < 1 || days > 3650 {
				return usagef("--days %d: a certificate lives 1 to 3650 days", days)
			}
			names := func(own string) []string {
				return append([]string{"localhost", "127.0.0.1", "::1", own, "armor-" + own}, hosts...)
			}
			subjects := []certs.Subject{
				{Identity: rpc.Identity{Role: rpc.RoleService, ID: "manager"}, Hosts: names("manager")},
				{Identity: rpc.Identity{Role: rpc.RoleService, ID: "indexer"}, Hosts: names("indexer")},
			}
			for _, id := range operators {
				subjects = append(subjects, certs.Subject{Identity: rpc.Identity{Role: rpc.RoleOperator, ID: id}})
			}
			for _, id := range agents {
				subjects = append(subjects, certs.Subject{Identity: rpc.Identity{Role: rpc.RoleAgent, ID: id}})
			}
			if slices.Contains(agents, "000") {
				return usagef("--agent 000: this id is the process itself; choose another one")
			}
			for _, s := range subjects {
				if err := s.Validate(); err != nil {
					return usage(err)
				}
			}
			p := terminal.New(cmd.OutOrStdout())
			say := func(made bool, file, what string) {
				word := "kept"
				if made {
					word = "made"
				}
				p.Line("%s  %s  %s", word, filepath.Join(dir, file), p.Dim(what))
			}
			authority, made, err := certs.Open(dir, time.Now)
			if err != nil {
				return err
			}
			say(made, "ca.crt", "certificate authority; keep ca.key to yourself")
			for _, s := range subjects {
				made, err := authority.Issue(s, time.Duration(days)*24*time.Hour)
				if err != nil {
					return err
				}
				say(made, s.FileName()+".crt", s.URI().String())
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&dir, "dir", "certs", "`directory` to keep them in")
	cmd.Flags().StringArrayVar(&hosts, "host", nil, "further `name` or address of the servers (repeatable)")
	cmd.Flags().StringArrayVar(&agents, "agent", []string{"001", "002"}, "`id` of an agent (repeatable)")
	cmd.Flags().StringArrayVar(&operators, "operator", []string{"operator"}, "`name` of an operator (repeatable)")
	cmd.Flags().IntVar(&days, "days", 825, "life of the certificates in `days`")
	return cmd
}
